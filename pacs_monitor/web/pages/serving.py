"""How pages are sent: whole, as the part that changes, or 304 where nothing has; and made once for all who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from pacs_monitor.language import N_, _, language, speaking
from pacs_monitor.model import SECOND
from pacs_monitor.web.caller import CALLER
from pacs_monitor.web.pages import render
from pacs_monitor.web.pages.freshness import Freshest
from pacs_monitor.web.pages.languages import language_of
from pacs_monitor.web.pages.render import PROOF, Fragment, Page, Viewer
from pacs_monitor.web.pages.times import Times
from pacs_monitor.web.session import SESSION, proof
from pacs_monitor.web.view import DaemonView

KEPT = 1.0
"""Seconds for which a part serves all who ask for it: what ten browsers watch is made once."""
MOST_KEPT = 64
Make = Callable[[], Awaitable[Fragment]]


def wants_page(request: Request) -> bool:
    """Whether a person asks: browsers name HTML, scripts do not."""
    return "text/html" in request.headers.get("accept", "")


def viewer_of(request: Request) -> Viewer:
    """Who looks; without `auth` whoever is at this machine may do everything."""
    caller = request.scope.get(CALLER)
    return Viewer() if caller is None else Viewer(caller.name, caller.role, SESSION in request.scope)


def root_of(request: Request) -> str:
    """Leads from the address asked for to `/`."""
    depth = request.scope["path"].count("/") - 1
    return "../" * depth or "./"


def about(daemon: DaemonView, request: Request) -> Page:
    """The page that is asked for, as of now."""
    monitor = daemon.estate.monitor
    return Page(monitor.name, viewer_of(request), root_of(request), Times(daemon.clock.now(), monitor.timezone))


class Notice(NamedTuple):
    """What became of a form."""

    text: str
    status: int = 200


DONE = {
    "ack": N_("It is acknowledged."),
    "note": N_("Your note is kept."),
    "close": N_("The incident is closed."),
    "evidence": N_("It is on record for the report."),
    "run": N_("The check has run."),
    "pause": N_("The checks are paused."),
    "resume": N_("The checks run again."),
    "plan": N_("The maintenance is planned."),
    "extend": N_("The maintenance lasts longer."),
    "end": N_("The maintenance has ended."),
    "freeze": N_("The report is frozen."),
    "approve": N_("The report is approved."),
    "distributed": N_("It is kept to whom the report was given."),
    "action": N_("The action is kept with the report."),
}
"""By what an address may say was done: nothing else of it is shown."""


def _done(request: Request) -> Notice | None:
    said = DONE.get(request.query_params.get("done", ""))
    return Notice(_(said)) if said else None


class Pages:
    """Sends them."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self.fresh = Freshest(daemon)
        self._kept: dict[tuple[str, ...], tuple[float, asyncio.Future[Fragment]]] = {}

    async def send(
        self,
        request: Request,
        make: Make,
        *,
        layout: str = "layout.html",
        notice: Notice | None = None,
        kept: bool = True,
    ) -> Response:
        """A page, or with `?part` in the address the part that changes; what is not `kept` is made for each request."""
        with self.speaking(request):
            return await self._send(request, make, layout, notice, kept)

    def speaking(self, request: Request) -> AbstractContextManager[None]:
        """The language of who asks."""
        return speaking(language_of(request, self._daemon.estate.monitor))

    async def _send(self, request: Request, make: Make, layout: str, notice: Notice | None, kept: bool) -> Response:
        viewer, query = viewer_of(request), request.query_params
        asked = tuple(f"{key}={value}" for key, value in query.multi_items() if key != "part")
        key = (request.scope["path"], *asked, viewer.name, viewer.role, language())
        part = await self._part(key, make) if kept else await make()
        fresh = self.fresh.now()
        sent = render.headers(part, fresh, self._daemon.clock.now() / SECOND)
        if "part" in query:
            if request.headers.get("if-none-match") == part.etag:
                return Response(status_code=304, headers=sent)
            html = part.html
        else:
            html = render.whole(part, fresh, root_of(request), viewer, layout, notice=notice or _done(request))
        status = notice.status if notice else part.status
        return HTMLResponse(proven(html, request).encode("utf-8", "replace"), status, sent)

    def forget(self) -> None:
        """What was made before something was done is not shown after it."""
        self._kept.clear()

    async def _part(self, key: tuple[str, ...], make: Make) -> Fragment:
        now = self._daemon.clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and (not kept[1].done() or (now < kept[0] and kept[1].exception() is None)):
            return await asyncio.shield(kept[1])
        if len(self._kept) >= MOST_KEPT:
            self._kept = {known: one for known, one in self._kept.items() if now < one[0]}
        making = asyncio.ensure_future(make())
        self._kept[key] = now + KEPT, making
        return await asyncio.shield(making)


def proven(html: str, request: Request) -> str:
    """The page with what proves that its forms are ours, for this viewer alone."""
    return html.replace(PROOF, proof(request.scope))
