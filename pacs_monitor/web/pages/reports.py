"""The page of reports: quarters, what is frozen and who approved it; and the documents, for who is signed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from pacs_monitor.language import N_, _
from pacs_monitor.reports.filing import rows
from pacs_monitor.web.pages import forms
from pacs_monitor.web.pages.quarters import Quarters
from pacs_monitor.web.pages.render import Fragment, Page, fragment
from pacs_monitor.web.pages.serving import Make, Pages, about, wants_page
from pacs_monitor.web.report import Drafts
from pacs_monitor.web.report import Format as DraftFormat
from pacs_monitor.web.reports import Action, Desk, Distribution, Format, Freeze, sent
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import Words

VERDICTS = {
    "met": ("up", N_("met")),
    "within": ("up", N_("met so far")),
    "missed": ("down", N_("NOT met")),
    "not_assessable": ("unknown", N_("not assessable")),
}
"""The shape and the word of each."""
MOST = 40
"""Frozen reports that are shown; the rest is in the API."""


def add_report_pages(app: FastAPI, daemon: DaemonView, drafts: Drafts, desk: Desk) -> None:
    """All of them."""
    pages, quarters = Pages(daemon), Quarters(daemon)

    def part(request: Request) -> Make:
        async def make() -> Fragment:
            known = rows(await desk.known())
            return reports_page(
                await quarters.look(), known, daemon.scheduled_reports.standing(), about(daemon, request)
            )

        return make

    @app.get("/reports", summary="Reports; as JSON what the API returns.", include_in_schema=False)
    async def listed(request: Request) -> Response:
        if not wants_page(request):
            return RedirectResponse("./api/v1/reports")
        return await pages.send(request, part(request))

    @app.post("/reports", include_in_schema=False)
    async def on_reports(request: Request) -> Response:
        return await forms.done(request, pages, part(request), _verbs(desk, request))

    @app.get("/reports/{period}", include_in_schema=False)
    async def draft(period: str, format: DraftFormat = "html") -> Response:  # noqa: A002 - the query's name
        return await drafts.send(period, format)

    @app.get("/reports/{period}/{revision}", include_in_schema=False)
    async def frozen(period: str, revision: int, format: Format = "html") -> Response:  # noqa: A002 - the query's name
        number = f"{period}/{revision}"
        return sent(await desk.content(number, format), number, format)


def reports_page(
    quarters: Sequence[tuple[Any, Any]],
    frozen: Sequence[Mapping[str, Any]],
    schedule: Sequence[Mapping[str, Any]],
    page: Page,
) -> Fragment:
    """`quarters` are periods with what they came to, `frozen` rows of the API."""
    names = {period.name for period, _ in quarters}
    of: dict[str, list[Mapping[str, Any]]] = {name: [one for one in frozen if one["period"] == name] for name in names}
    return fragment(
        "reports.html",
        _("Reports"),
        page,
        quarters=quarters,
        of=of,
        others=[one for one in frozen if one["period"] not in names][:MOST],
        schedule=schedule,
        verdicts=VERDICTS,
    )


def _verbs(desk: Desk, request: Request) -> Mapping[str, forms.Do]:
    def number(form: Mapping[str, str]) -> str:
        if "number" not in form:
            raise HTTPException(422, "send the form of this page: it does not say which report")
        return form["number"]

    return {
        "freeze": lambda form: desk.freeze(request, forms.words_of(Freeze, form)),
        "approve": lambda form: desk.say(request, number(form), forms.words_of(Words, form)),
        "distributed": lambda form: desk.say(request, number(form), forms.words_of(Distribution, form)),
        "action": lambda form: desk.say(request, number(form), forms.words_of(Action, form)),
    }
