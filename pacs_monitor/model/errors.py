"""The root of this project's exceptions."""


class PacsMonitorError(Exception):
    """Root of every error that this project raises on purpose."""


class StandstillError(PacsMonitorError):
    """We ourselves did not answer in time (our record, our threads): nothing was measured, by nobody else's fault."""
