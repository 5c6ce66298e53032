"""Refusals for people: whoever asks with a browser reads a page that says what to do, and programs the same as JSON."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pacs_monitor.language import N_, _, language, speaking
from pacs_monitor.web.auth import API
from pacs_monitor.web.caller import CALLER
from pacs_monitor.web.pages.freshness import freshness
from pacs_monitor.web.pages.languages import language_of
from pacs_monitor.web.pages.render import HEADERS, Fragment, fragment, whole
from pacs_monitor.web.pages.serving import about, proven, root_of, viewer_of
from pacs_monitor.web.session import SESSION
from pacs_monitor.web.view import DaemonView

HEADINGS = {
    401: N_("Sign in first"),
    403: N_("This is not open to you"),
    404: N_("There is nothing at this address"),
    413: N_("This is too much at once"),
    429: N_("Too many requests: wait a moment"),
}
UNKNOWN = "Not Found"
"""What Starlette says of an address that no route has."""


class ErrorPages:
    """ASGI middleware around all that may refuse."""

    def __init__(self, app: ASGIApp, daemon: DaemonView) -> None:
        self._app, self._daemon = app, daemon

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "HEAD" or not _is_for_people(scope):
            await self._app(scope, receive, send)
            return
        refused: Message | None = None
        body = bytearray()

        async def explained(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _is_refusal(message):
                refused = message
            elif refused is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._answer(scope, refused, bytes(body), send)

        await self._app(scope, receive, explained)

    async def _answer(self, scope: Scope, refused: Message, body: bytes, send: Send) -> None:
        request, status = Request(scope), refused["status"]
        given = MutableHeaders(raw=list(refused["headers"]))
        with speaking(language_of(request, self._daemon.estate.monitor)):
            part = self._part(request, status, _detail(body), given.get("retry-after", ""))
            html = whole(part, freshness(self._daemon), root_of(request), viewer_of(request), "plain.html")
            given["content-language"] = language()
        page = proven(html, request).encode("utf-8", "replace")
        given.update(HEADERS)
        given.update({"content-type": "text/html; charset=utf-8", "content-length": str(len(page))})
        await send({**refused, "headers": given.raw})
        await send({"type": "http.response.body", "body": page})

    def _part(self, request: Request, status: int, detail: str, wait: str) -> Fragment:
        other = N_("The monitor cannot do this now") if status >= 500 else N_("This was not done")
        heading = _(HEADINGS.get(status, other))
        said = _(N_("Check the address, or begin at the board.") if detail == UNKNOWN else detail)
        by_form = SESSION in request.scope or CALLER not in request.scope
        guarded = self._daemon.estate.monitor.auth is not None and by_form
        return fragment(
            "refused.html",
            heading,
            about(self._daemon, request),
            status=status,
            what=heading,
            said=f"{said[:1].upper()}{said[1:]}",
            wait=wait if status in (429, 503) else "",
            signs_in=guarded and status in (401, 403),
        )


def _is_for_people(scope: Scope) -> bool:
    return not scope["path"].startswith(API) and "text/html" in Headers(scope=scope).get("accept", "")


def _is_refusal(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] >= 400 and kind.startswith("application/json")


def _detail(body: bytes) -> str:
    """The sentence of a refusal, or its sentences as one."""
    detail: Any = json.loads(body)["detail"]
    return "; ".join(map(str, detail)) if isinstance(detail, list) else str(detail)
