"""HEAD wherever GET is served, as general-purpose servers do (RFC 9110 9.1): monitors of monitors ask by HEAD.

The answer is that of GET (RFC 9110 9.3.2); uvicorn, which knows what was asked, leaves the content out.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware: what is behind it sees GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app({**scope, "method": "GET"} if head else scope, receive, send)
