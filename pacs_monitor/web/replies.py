"""Replies to pages: a box forwards the SMS that it receives, and one with a page's code acknowledges its incident.

Only from numbers that the configuration knows (channels with `replies`). Numbers are personal: of one that is refused
three digits are recorded, of the others the person's name.
"""

from __future__ import annotations

import hmac
import html
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from pacs_monitor import api as answers
from pacs_monitor.alerting.codes import DIGITS
from pacs_monitor.alerting.words import Acknowledge
from pacs_monitor.model import Incident, ReplyFields, TakesReplies, iso
from pacs_monitor.web.audit import TOLD, Told
from pacs_monitor.web.auth import REPLIES
from pacs_monitor.web.body import BODY
from pacs_monitor.web.rate_limit import TokenBucket
from pacs_monitor.web.routing import WHY, Responses
from pacs_monitor.web.said import said
from pacs_monitor.web.view import DaemonView

GUESSES_A_SECOND, GUESSES_AT_ONCE = 1 / 600, 5
"""Wrong codes of each phone: from then on its replies are refused for a while."""
REMEMBERED = 20
"""Wrong codes of each phone that count once, however often a box repeats them."""
BY_REPLY = "by a reply"
REFUSED: Responses = {
    status: {"model": answers.ReplyRefused | answers.Refusal, "description": f"{WHY[status]} Nothing is acknowledged."}
    for status in (403, 404, 409, 422, 429)
}
_CODE = re.compile(rf"(?<![0-9]){'[0-9]' * DIGITS}(?![0-9])")
_SHOWN = 3
"""Digits of an unknown number that are recorded."""


class Reply(NamedTuple):
    """One SMS as the box forwards it."""

    sender: str
    text: str
    always_200: bool


class RefusedError(Exception):
    """A reply that acknowledges nothing: the status, and why."""

    def __init__(self, status: int, why: str, by: str = "") -> None:
        super().__init__(why)
        self.status, self.why, self.by = status, why, by


class Guesses:
    """Counts the wrong codes of each phone; an SMS that a box repeats is one guess."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._bucket = TokenBucket(GUESSES_A_SECOND, GUESSES_AT_ONCE, now)
        self._wrong: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def pause(self, phone: str) -> float:
        """Seconds until a code of this phone is looked at again."""
        return self._bucket.pause(phone)

    def wrong(self, phone: str, code: str) -> None:
        if code not in self._wrong[phone]:
            self._wrong[phone].append(code)
            self._bucket.wait(phone)


def add_replies(api: APIRouter, daemon: DaemonView) -> None:
    """The one address for boxes."""
    guesses = Guesses(daemon.clock.monotonic)

    @api.post(
        REPLIES,
        response_model=answers.Replied | answers.ReplyRefused,
        responses=REFUSED,
        summary="A reply by SMS, forwarded by the box: the code of a page acknowledges its incident.",
    )
    async def reply(request: Request) -> JSONResponse:
        phones = {
            name: channel for name, channel in daemon.estate.channels.items() if isinstance(channel, TakesReplies)
        }
        fields = {channel.replies for channel in phones.values() if channel.replies is not None}
        always_200 = False
        try:
            forwarded = _read(request.scope.get(BODY), fields)
            always_200 = forwarded.always_200
            phone = _phone(forwarded.sender, phones)
            person = phones[phone].person
            incident = _incident(forwarded.text, phone, person, guesses, daemon.desk.open_incidents())
            recorded = await _acknowledged(daemon, incident, person)
        except RefusedError as refused:
            request.scope[TOLD] = Told(refused.by, refused.why, refused.status)
            status = 200 if always_200 else refused.status
            return JSONResponse({"accepted": False, "detail": refused.why}, status)
        request.scope[TOLD] = Told(person, "", 200, {"incident": incident.id})
        return JSONResponse({"accepted": True, "incident": incident.id, "by": person, "recorded": recorded})


async def _acknowledged(daemon: DaemonView, incident: Incident, person: str) -> bool:
    """Whether it is on record. HTTPException 503 for what could not be decided: the box has to come again."""
    try:
        return await said(daemon, Acknowledge(incident.id, person, BY_REPLY, only_first=True))
    except HTTPException as error:
        if error.status_code >= 500:
            raise
        raise RefusedError(error.status_code, str(error.detail), person) from None


def _read(body: object, forms: Iterable[ReplyFields]) -> Reply:
    """Sender and text, by the first names of fields that fit."""
    known = sorted(forms)
    if not known:
        raise RefusedError(404, "set replies in an sms channel: no channel takes any")
    for form in known:
        sender, text = _field(body, form.sender), _field(body, form.text)
        if sender:
            return Reply(sender, text, form.always_200)
    names = " or ".join(f"{form.sender} and {form.text}" for form in known)
    raise RefusedError(422, f"send the fields {names}, as replies of the channel names them")


def _field(body: object, path: str) -> str:
    """A field of a form or an object; `a.b` within an object, or of an XML text the element of that name."""
    value: object = body
    for step in [path] if isinstance(body, Mapping) and path in body else path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, str) and (found := re.search(rf"<{re.escape(step)}>([^<]*)</", value)):
            value = _unescaped(found[1])
        else:
            return ""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _unescaped(text: str) -> str:
    """Without references to characters; nothing where one of them is too long a number."""
    try:
        return html.unescape(text)
    except ValueError:
        return ""


def _phone(sender: str, phones: Mapping[str, TakesReplies]) -> str:
    """The channel whose number it is."""
    known = [name for name, channel in phones.items() if channel.replies is not None and channel.is_from(sender)]
    if not known:
        raise RefusedError(
            403, f"unknown number {masked(sender)}: only phones of sms channels may answer", masked(sender)
        )
    return known[0]


def masked(number: str) -> str:
    """The end of a number: enough to find whose it is, for whoever knows."""
    digits = "".join(c for c in number if c in "0123456789")
    return f"…{digits[-_SHOWN:]}" if len(digits) > 2 * _SHOWN else "…"


def _incident(text: str, phone: str, person: str, guesses: Guesses, incidents: Iterable[Incident]) -> Incident:
    """The open incident whose code it is; all are compared, so that the time says nothing."""
    pause = guesses.pause(phone)
    if pause:
        raise RefusedError(429, f"wait {pause:.0f} s: too many wrong codes came from this number", person)
    codes = set(_CODE.findall(text))
    if len(codes) != 1:
        why = "send one code at a time" if codes else f"write the code of the page, {DIGITS} digits"
        raise RefusedError(422, f"{why}: nothing is acknowledged", person)
    (code,) = codes
    found = [one for one in incidents if hmac.compare_digest(one.code.encode(), code.encode())]
    if not found:
        guesses.wrong(phone, code)
        raise RefusedError(404, "no open page has this code: its incident is over, or a later page has another", person)
    (incident,) = found
    if incident.acknowledgement is not None:
        at = iso(incident.acknowledgement.until)
        raise RefusedError(409, f"nothing to do: {incident.acknowledgement.by} deals with it until {at}", person)
    return incident
