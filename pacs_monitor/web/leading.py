"""Only the daemon that leads takes words: what another one was told would be lost, or done twice."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pacs_monitor.web.auth import READING


class Leading:
    """ASGI middleware: 503 for every write while `refuses` says why; what is read is answered."""

    def __init__(self, app: ASGIApp, refuses: Callable[[], str | None]) -> None:
        self._app, self._refuses = app, refuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in READING:
            why = self._refuses()
            if why is not None:
                await JSONResponse({"detail": why}, 503, {"Retry-After": "5"})(scope, receive, send)
                return
        await self._app(scope, receive, send)
