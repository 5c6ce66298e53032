"""What people do on pages, by forms that work without a script: the words of the API, said in the same way.

Each page takes its own forms, which say in `do` what is to be done. A form that was accepted leads back to the page
(303, RFC 9110 15.4.4), so that a reload repeats nothing; one that was not shows the page again, with what to correct.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ValidationError

from pacs_monitor.messages.told import told
from pacs_monitor.model import CheckId
from pacs_monitor.web import evidence, plans, said
from pacs_monitor.web.body import BODY
from pacs_monitor.web.pages.serving import Make, Notice, Pages
from pacs_monitor.web.refusals import of_words
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import Limited, Words

W = TypeVar("W", bound=BaseModel)
Do = Callable[[Mapping[str, str]], Awaitable[Any]]
MATCHED = ("node", "check", "site")
"""Fields of a form that say which checks."""


def fields_of(request: Request) -> Mapping[str, str]:
    """Of the form."""
    fields: Mapping[str, str] = request.scope[BODY]
    return fields


def words_of(kind: type[W], fields: Mapping[str, str]) -> W:
    """What a form says, as the API would read it; HTTPException 422 with sentences. Empty fields say nothing."""
    known = {field.alias or name for name, field in kind.model_fields.items()}
    given: dict[str, Any] = {key: value for key, value in fields.items() if value.strip() and key in known}
    match = {key: fields[key].strip() for key in MATCHED if fields.get(key, "").strip()}
    if match and "match" in known:
        given["match"] = match
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise HTTPException(422, of_words(error)) from None


async def refused(request: Request, pages: Pages, make: Make, error: HTTPException) -> Response:
    """The page again, with what to correct as one line."""
    detail: Any = error.detail
    with pages.speaking(request):
        text = "; ".join(told(str(one)) for one in (detail if isinstance(detail, list) else [detail]))
    return await pages.send(request, make, notice=Notice(text, error.status_code), kept=False)


async def done(request: Request, pages: Pages, make: Make, verbs: Mapping[str, Do]) -> Response:
    """Do what the form says, and answer with the page."""
    fields = fields_of(request)
    what = fields.get("do", "")
    try:
        if what not in verbs:
            raise HTTPException(422, f"send the form of this page: it knows nothing named {what[:20]!r}")
        await verbs[what](fields)
        pages.forget()
    except HTTPException as error:
        return await refused(request, pages, make, error)
    here = quote(request.scope["path"].rpartition("/")[2], safe="")
    return RedirectResponse(f"./{here}?done={what}", 303)


def of_incident(daemon: DaemonView, request: Request, incident: str) -> Mapping[str, Do]:
    """What can be done with an incident."""
    return {
        "ack": lambda form: said.acknowledge(daemon, request, incident, words_of(said.Acknowledgement, form)),
        "note": lambda form: said.note(daemon, request, incident, words_of(said.Note, form)),
        "evidence": lambda form: evidence.state(daemon, request, incident, words_of(evidence.Evidence, form)),
        "close": lambda form: said.close(daemon, request, incident, words_of(Words, form)),
    }


def of_checks(daemon: DaemonView, request: Request, node: str, check: str = "") -> Mapping[str, Do]:
    """What can be done with a check, or with all of a node."""
    which = {"node": node} | ({"check": check} if check else {})
    identity = CheckId(node, check)

    async def run(_form: Mapping[str, str]) -> None:
        if identity not in daemon.engine.board.entries:
            raise HTTPException(404, f"there is no check {identity}: a reload may have removed it")
        await daemon.engine.run_now(identity)

    verbs: dict[str, Do] = {
        "pause": lambda form: plans.pause(daemon, request, words_of(plans.Paused, {**form, **which})),
        "resume": lambda form: plans.resume(daemon, request, words_of(plans.Which, {**form, **which})),
    }
    return verbs | ({"run": run} if check else {})


def of_maintenance(daemon: DaemonView, request: Request) -> Mapping[str, Do]:
    """What can be done with windows of maintenance."""

    def window(form: Mapping[str, str]) -> str:
        return form.get("window", "")

    return {
        "plan": lambda form: plans.plan(daemon, request, words_of(plans.Planned, form)),
        "extend": lambda form: plans.extend(daemon, request, window(form), words_of(Limited, form)),
        "end": lambda form: plans.finish(daemon, request, window(form), words_of(Words, form)),
    }
