"""What came back, and what is made of its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pacs_monitor.model import Phase, Reason
from pacs_monitor.net.trace import NetFailure, Trace

_REASONS = {
    401: Reason.AUTH,
    403: Reason.NOT_AUTHORISED,
    407: Reason.AUTH,
    429: Reason.BUSY,
    507: Reason.OUT_OF_RESOURCES,
}
"""Whatever else was not expected is `http_status`; 507 is WebDAV's Insufficient Storage (RFC 4918 11.5)."""
_NEXT = {
    401: ": check username and password, or the token",
    403: ": our account is not allowed to do this",
    429: ": it receives too many requests",
}


class HttpError(NetFailure):
    """No HTTP answer was had, or not the one that was wanted."""

    def __init__(self, reason: Reason, detail: str, trace: Trace | None = None) -> None:
        super().__init__(reason, trace.phase if trace else Phase.OPERATION, detail, trace)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, whatever its status (RFC 9110 15); header names are compared without case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    trace: Trace = field(default_factory=Trace, repr=False, compare=False)


def expect(answer: Response, what: str, *statuses: int) -> None:
    """Raises HttpError unless the answer has one of these statuses. `what` was asked, such as "Orthanc's DELETE"."""
    if answer.status in statuses:
        return
    reason = _REASONS.get(answer.status, Reason.HTTP_STATUS)
    raise HttpError(reason, f"{what} was answered with {_words(answer)}", answer.trace)


def read_json(answer: Response, what: str) -> Any:
    """The body; raises HttpError (`bad_content`), which repeats nothing of it."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise HttpError(Reason.BAD_CONTENT, f"the answer to {what} is not JSON", answer.trace) from None


def _words(answer: Response) -> str:
    try:
        named = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        named = str(answer.status)
    if 300 <= answer.status < 400:
        return f"{named}: set url to the service itself, because this one redirects"  # a peer's words are not repeated
    return named + _NEXT.get(answer.status, "")
