"""A database as the first alerting left it (schema 0007), as rows, and how it was made."""
