"""What several systems share, and the probes that ask them: what can be reported, and how it is read and judged."""
