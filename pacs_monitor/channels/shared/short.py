"""A page in one or two SMS: what is broken, where, since when, why; for whom, what to do first, whom to call; the code.

The first four and the code are always in it. Which node it is survives every cut: of a name that is too long the
beginning and the end stay. The rest fills what is left, in the order of its use at night. There is no link: a page that
comes by SMS is sufficient without one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.channels.shared.gsm7 import GSM7, UCS2, Alphabet, is_gsm7, plain, room
from pacs_monitor.channels.shared.rendering import cut, said
from pacs_monitor.language import N_, SOURCE, _, language
from pacs_monitor.model import ENDINGS, SECOND, Event, IncidentKind, Notification, State, parse_iso

DOTS = "..."
PLACE = "{where}"
WORTH_IT = 15
"""Less room than that is no use to another sentence."""
LONGEST_NAME = 70
TIGHT = 100
"""Less room in all leaves out what is only kind: one SMS in UCS-2 has 70 characters."""
_STATES: Mapping[str, str] = {
    State.DOWN: N_("DOWN"),
    State.UNKNOWN: N_("cannot be checked"),
    State.ABSENT: N_("is off now, incident open"),
    State.UP: N_("is up now, incident open"),
}
_FIRST = {Event.REMINDED: N_("Reminder: "), Event.ESCALATED: N_("Escalated: "), Event.CHANGED: N_("Changed: ")}
_OVER = {
    Event.RESOLVED: (N_("OK: {where} has recovered"), N_("OK: {where} has recovered at {at}")),
    Event.WITHDRAWN: (N_("{where} is no longer monitored"), N_("{where} is no longer monitored since {at}")),
    Event.CLOSED: (
        N_("{where} - its incident was closed by hand"),
        N_("{where} - its incident was closed by hand at {at}"),
    ),
}
_GOES_ON = (N_("{first}{where} {state}"), N_("{first}{where} {state} since {since}"))
"""Without and with a time."""
_HANDLED = {
    (False, False): N_("{where}: acknowledged"),
    (True, False): N_("{where}: acknowledged by {by}"),
    (False, True): N_("{where}: acknowledged until {until}"),
    (True, True): N_("{where}: acknowledged by {by} until {until}"),
}
"""By whether it says who, and until when."""


Sentence = tuple[str, dict[str, str], str]
"""A form with the place of `{where}`, what else it has, and what is appended as far as there is room."""


class Form(NamedTuple):
    """How long an SMS may be, and in which characters."""

    segments: int = 2
    ascii_only: bool = False


def short(notification: Notification, data: Mapping[str, Any], form: Form) -> str:
    """The text; `data` is what may leave the house of it. DeliveryError (unsendable) for what is no text."""
    texts = _Texts(notification, data, form)
    end = f" {texts.plain(_reply(texts))}" if texts["code"] else ""
    limit = texts.room - len(end)
    head = _about_a_node(texts, limit) if texts.node else _ended(texts.fit(texts["summary"], limit - 1))
    for sentence in _more(texts):
        free = limit - texts.alphabet.size(head) - 1
        if free >= WORTH_IT:
            head += " " + texts.fit(sentence, free)
    return head + end


def _reply(texts: _Texts) -> str:
    if texts.is_tight:
        return _("Reply {code}.", code=texts["code"])
    return _("Reply {code} to acknowledge.", code=texts["code"])


class _Texts:
    """The texts of one page, each spelled so that it can be sent."""

    def __init__(self, notification: Notification, data: Mapping[str, Any], form: Form) -> None:
        self.event, self.data = notification.event, data
        self._created, self._ascii_only = notification.created, form.ascii_only
        self.node = ""
        """Its name in the configuration; "" of what is about no node."""
        if data.get("kind") == IncidentKind.NODE and said(data, "node"):
            self.node = self["node"] or ("?" if form.ascii_only else said(data, "node"))  # a name of pictures alone
        self.alphabet = GSM7 if form.ascii_only or is_gsm7(self.node or self["summary"]) else UCS2
        self.room = room(self.alphabet, form.segments)
        self.is_tight = self.room < TIGHT

    def __getitem__(self, key: str) -> str:
        return self.plain(said(self.data, key))

    def plain(self, text: str) -> str:
        return plain(text, ascii_only=self._ascii_only)

    def fit(self, text: str, limit: int) -> str:
        """Within so much; what the alphabet lacks must not make the whole SMS shorter."""
        if self.alphabet is GSM7:
            text = "".join(c if is_gsm7(c) else "?" for c in text)
        return cut(text, max(0, limit), self.alphabet.size, DOTS)

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
    if texts.event in ENDINGS:
        form, values, why = _over(texts)
    elif texts.event is Event.ACKNOWLEDGED:
        form, values, why = _handled(texts)
    else:
        form, values, why = _going_on(texts)
    frame = texts.plain(_(form, where="?", **values))
    free = limit - texts.alphabet.size(frame)
    what = texts.plain(_(form, where=PLACE, **values)).replace(PLACE, _where(texts, min(free, LONGEST_NAME)))
    return _ended(what + texts.fit(why, limit - texts.alphabet.size(what) - 1))


def _over(texts: _Texts) -> Sentence:
    since, at, check = texts.clock(texts.data, "since"), texts.clock(texts.data, "resolved"), texts["check"]
    why = _("(since {since}; {check})", since=since, check=check) if since else f"({check})"
    return _OVER[texts.event][bool(at)], {"at": at}, f" {texts.plain(why)}"


def _handled(texts: _Texts) -> Sentence:
    """Who deals with it, and until when, as far as that may be said."""
    told = texts.data.get("acknowledged") or {}
    by, until = texts.plain(str(told.get("by") or "")), texts.clock(told, "until")
    since = texts.clock(texts.data, "since")
    why = _("({check} {state} since {since})", check=texts["check"], state=_(texts["state"]), since=since)
    return _HANDLED[bool(by), bool(until)], {"by": texts.fit(by, 30), "until": until}, f" {texts.plain(why)}"


def _going_on(texts: _Texts) -> Sentence:
    since, check, state, first = texts.clock(texts.data, "since"), texts["check"], texts["state"], ""
    if not texts.is_tight:
        critical = _("CRITICAL ") if texts["severity"] == "critical" else ""
        first = (_(_FIRST[texts.event]) if texts.event in _FIRST else "") + critical
    reason = texts["reason"].replace("_", " ") if language() == SOURCE else texts["why"]
    why = f": {', '.join(filter(None, (check, reason)))}" if check or reason else ""
    return _GOES_ON[bool(since)], {"first": first, "state": _(_STATES.get(state, state)), "since": since}, why


def _more(texts: _Texts) -> Iterator[str]:
    """Sentences about what goes on, the most useful first."""
    if texts.event in ENDINGS or texts.event is Event.ACKNOWLEDGED:
        return
    support = texts.data.get("support") or {}
    phone, contract = (texts.plain(str(support.get(key) or "")) for key in ("phone", "contract"))
    form = N_("Call {phone} (contract {contract})") if contract else N_("Call {phone}")
    call = texts.plain(_(form, phone=phone, contract=contract)) if phone else ""
    sentences = texts["impact"], texts["next_step"], call, texts["detail"] if texts.node else ""
    for sentence in filter(None, sentences):
        yield _ended(sentence)


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
