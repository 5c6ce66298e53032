"""What several kinds of channels share: HTTP, redaction, cutting to size, and what leaves the house."""
