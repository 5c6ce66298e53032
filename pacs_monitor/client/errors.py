"""Why the client has no answer, or not the one that was wanted."""

from __future__ import annotations

from http import HTTPStatus

from pacs_monitor.model import PacsMonitorError


class ClientError(PacsMonitorError):
    """What was asked was not done; the text says what to do."""


class NoDaemonError(ClientError):
    """Nobody answers where the daemon should be."""


class RefusedError(ClientError):
    """The daemon answered with an error that explains itself."""

    def __init__(self, status: int, sentences: list[str], retry_after: float | None = None) -> None:
        super().__init__("\n".join(sentences))
        self.status = status
        """Of the answer (RFC 9110 15)."""
        self.sentences = sentences
        """What the daemon said: one for each thing that is wrong."""
        self.retry_after = retry_after
        """Seconds after which it may be tried again (429, 503); None where the daemon names none."""


class ForbiddenError(RefusedError):
    """The daemon does not serve who asks (401, 403)."""


class MisuseError(RefusedError):
    """What was asked for cannot be meant so: a value is wrong (422)."""


class MissingError(RefusedError):
    """What was asked for is not there (404)."""


REFUSALS: dict[int, type[RefusedError]] = {
    HTTPStatus.UNAUTHORIZED: ForbiddenError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: MissingError,
    HTTPStatus.UNPROCESSABLE_ENTITY: MisuseError,
}
