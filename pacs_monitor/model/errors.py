"""The root of this project's exceptions."""


class PacsMonitorError(Exception):
    """Root of every error that this project raises on purpose."""
