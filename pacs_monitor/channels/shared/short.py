"""A page in one or two SMS: what is broken, where, since when, why; for whom, which services; whom to call; the code.

The first four and the code are always in it. Which node it is survives every cut: of a name that is too long the
beginning and the end stay. The rest fills what is left, in the order of its use at night; whom to call is in it whole
or not at all, since half a phone number calls somebody else. There is no link: a page that comes by SMS is sufficient
without one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.channels.shared.gsm7 import GSM7, UCS2, Alphabet, is_gsm7, plain, room
from pacs_monitor.channels.shared.rendering import cut, said
from pacs_monitor.language import N_, _, language
from pacs_monitor.model import (
    ENDINGS,
    SECOND,
    Event,
    FailureClass,
    IncidentKind,
    Notification,
    Reason,
    State,
    failure_class,
    parse_iso,
)

DOTS = "..."
WORTH_IT = 15
"""Less room than that is no use to another sentence."""
LONGEST_NAME, LONGEST_PERSON = 70, 30
TIGHT = 100
"""Less room in all leaves out what is only kind: one SMS in UCS-2 has 70 characters."""
_DOWN, _FAILING = N_("{where} DOWN since {since}"), N_("{where} failing since {since}")
_OUT_OF_USE = frozenset({FailureClass.UNREACHABLE, FailureClass.UNRESPONSIVE})
"""Failures after which a node is called down; one that answers, such as with a disk over its limit, is failing."""
_REASONS = {reason.value: reason for reason in Reason}
_OPEN: Mapping[str, str] = {
    State.DEGRADED: N_("{where} degraded since {since}"),
    State.UNKNOWN: N_("{where} failing since {since}, cannot be checked now"),
    State.ABSENT: N_("{where} is off now, its incident open since {since}"),
    State.UP: N_("{where} is up now, its incident open since {since}"),
}
_FIRST = {Event.REMINDED: N_("Reminder"), Event.ESCALATED: N_("Escalated"), Event.CHANGED: N_("Changed")}
_OVER = {
    Event.RESOLVED: N_("OK: {where} recovered at {at} (failed at {since})"),
    Event.WITHDRAWN: N_("{where} is no longer monitored (failed at {since})"),
    Event.CLOSED: N_("{where}: incident closed by hand, open since {since}"),
}


class Form(NamedTuple):
    """How long an SMS may be, and in which characters."""

    segments: int = 2
    ascii_only: bool = False


def short(notification: Notification, data: Mapping[str, Any], form: Form) -> str:
    """The text; `data` is what may leave the house of it. DeliveryError (unsendable) for what is no text."""
    texts = _Texts(notification, data, form)
    end = f" {_code(texts)}" if texts["code"] else ""
    limit = texts.room - texts.alphabet.size(end)
    head = _about_a_node(texts, limit) if texts.node else _ended(texts.fit(texts["summary"], limit - 1))
    if texts.event in ENDINGS or texts.event is Event.ACKNOWLEDGED:
        return head + end
    call = _call(texts, limit - texts.alphabet.size(head))
    head = _filled(texts, head, (texts["impact"], _services(texts)), limit - texts.alphabet.size(call)) + call
    detail = texts["detail"] if texts.node else ""
    return _filled(texts, head, (texts["next_step"], texts["downtime_procedure"], detail), limit) + end


class _Texts:
    """The texts of one page, each spelled so that it can be sent."""

    def __init__(self, notification: Notification, data: Mapping[str, Any], form: Form) -> None:
        self.event, self.data = notification.event, data
        self._created, self._ascii_only = notification.created, form.ascii_only
        self.node = ""
        """Its name in the configuration; "" of what is about no node."""
        if data.get("kind") == IncidentKind.NODE and said(data, "node") and not data.get("test"):
            self.node = self["node"] or ("?" if form.ascii_only else said(data, "node"))  # a name of pictures alone
        self.alphabet = GSM7 if form.ascii_only or is_gsm7(self.node or self["summary"]) else UCS2
        self.room = room(self.alphabet, form.segments)
        self.is_tight = self.room < TIGHT

    def __getitem__(self, key: str) -> str:
        return self.plain(said(self.data, key))

    def plain(self, text: str) -> str:
        return plain(text, ascii_only=self._ascii_only)

    def fit(self, text: str, limit: int) -> str:
        """Within so much."""
        return cut(self.spelled(text), max(0, limit), self.alphabet.size, DOTS)

    def spelled(self, text: str) -> str:
        """What the alphabet lacks must not make the whole SMS shorter."""
        return "".join(c if is_gsm7(c) else "?" for c in text) if self.alphabet is GSM7 else text

    def clock(self, of: Mapping[str, Any], key: str) -> str:
        """`08:01` in the monitor's time zone, with the day if it is not that of the notification; "" if unknown."""
        try:
            zone = ZoneInfo(str(self.data.get("timezone") or "UTC"))
            at, sent = (
                datetime.fromtimestamp(moment / SECOND, UTC).astimezone(zone)
                for moment in (parse_iso(str(of.get(key))), self._created)
            )
        except (ValueError, TypeError, OverflowError, OSError):  # a time that no calendar has must not cost the page
            return ""
        if at.date() == sent.date():
            return f"{at:%H:%M}"
        return f"{at:%d.%m. %H:%M}" if language() == "de" else f"{at:%d %b %H:%M}"


def _about_a_node(texts: _Texts, limit: int) -> str:
    """What is broken, where, since when, and why."""
    before, sentence, times = _sentence(texts)
    free = limit - texts.alphabet.size(before + _(sentence, where="", **times)) - 1
    what = before + _(sentence, where=_where(texts, min(free, LONGEST_NAME)), **times)
    why = ""
    if texts.event not in ENDINGS and texts.event is not Event.ACKNOWLEDGED:
        why = texts["why"] or texts["reason"].replace("_", " ")
    named = ", ".join(filter(None, (texts["check"], why)))
    return _ended(what + texts.fit(f": {named}" if named else "", limit - texts.alphabet.size(what) - 1))


def _sentence(texts: _Texts) -> tuple[str, str, dict[str, str]]:
    """What comes before it, the sentence about the node, and the times in it."""
    since = texts.clock(texts.data, "since") or "?"
    if texts.event in ENDINGS:
        return "", _OVER[texts.event], {"since": since, "at": texts.clock(texts.data, "resolved") or "?"}
    if texts.event is Event.ACKNOWLEDGED:
        told = texts.data.get("acknowledged") or {}
        by = texts.fit(texts.plain(str(told.get("by") or "")), LONGEST_PERSON)
        until = texts.clock(told, "until") or "?"
        if by:
            return "", N_("{where}: acknowledged by {by} until {until}"), {"by": by, "until": until}
        return "", N_("{where}: acknowledged until {until}"), {"until": until}
    before = ""
    if not texts.is_tight:
        before = _(_FIRST[texts.event]) + ": " if texts.event in _FIRST else ""
        before += _("CRITICAL") + " " if texts["severity"] == "critical" else ""
    failing = _DOWN if texts["state"] == State.DOWN and _is_out_of_use(texts.data) else _FAILING
    return before, _OPEN.get(texts["state"], failing), {"since": since}


def _is_out_of_use(data: Mapping[str, Any]) -> bool:
    """Whether it cannot be reached, or does not answer; of a reason that nobody knows, neither is claimed."""
    return failure_class(_REASONS.get(said(data, "reason")), said(data, "probe")) in _OUT_OF_USE


def _code(texts: _Texts) -> str:
    sentence = N_("Reply {code}.") if texts.is_tight else N_("Reply {code} to acknowledge.")
    return _(sentence, code=texts["code"])


def _filled(texts: _Texts, head: str, sentences: Iterable[str], limit: int) -> str:
    """With as much of the sentences as there is room for."""
    for sentence in filter(None, sentences):
        free = limit - texts.alphabet.size(head) - 1
        if free >= WORTH_IT:
            head += " " + texts.fit(_ended(sentence), free)
    return head


def _services(texts: _Texts) -> str:
    return texts.plain("; ".join(str(one.get("summary") or "") for one in texts.data.get("services") or ()))


def _call(texts: _Texts, free: int) -> str:
    """Whom to call, with the contract if there is room; "" where not even the number fits whole."""
    support = texts.data.get("support") or {}
    phone, contract = (texts.plain(str(support.get(key) or "")) for key in ("phone", "contract"))
    if not phone:
        return ""
    forms = [_("Call {phone}", phone=phone)]
    if contract:
        forms.insert(0, _("Call {phone} (contract {contract})", phone=phone, contract=contract))
    for form in forms:
        sentence = texts.spelled(f" {_ended(form)}")
        if texts.alphabet.size(sentence) <= free:
            return sentence
    return ""


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _where(texts: _Texts, longest: int) -> str:
    """Title and name of the node, or its name alone, or the beginning and the end of that."""
    title, node = texts["title"], texts.node
    both = title if node.casefold() in title.casefold() else f"{title} ({node})" if title else node
    for name in (both, node):
        if texts.alphabet.size(name) <= longest and (texts.alphabet is UCS2 or is_gsm7(name)):
            return name
    return _ends(node, longest, texts.alphabet)


def _ends(name: str, longest: int, alphabet: Alphabet) -> str:
    """The beginning and the end of a long name: it is often the end that tells it from others."""
    half = (longest - len(DOTS)) // 2
    begin = cut(name, half, alphabet.size, "")
    end, taken = "", 0
    for c in reversed(name):
        taken += alphabet.size(c)
        if taken > half:
            break
        end = c + end
    return f"{begin}{DOTS}{end}"
