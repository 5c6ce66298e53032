"""The handover: what the next shift has to know, as data, as text, and as a message at the times of the plan."""
