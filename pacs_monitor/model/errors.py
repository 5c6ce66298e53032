"""The root of this project's exceptions."""


class PacsMonitorError(Exception):
    """Root of every error that this project raises on purpose."""


class StandstillError(PacsMonitorError):
    """The monitor itself did not respond in time (its history, its threads): nothing was measured."""
