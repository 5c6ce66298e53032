"""What a mail says of a page: the lines that people read first, and everything else as details.

A key that is new to a page is a detail under its own name, until `lines` knows it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from pacs_monitor.channels.shared import lines as shared
from pacs_monitor.channels.shared.lines import local
from pacs_monitor.channels.shared.rendering import cut, said, unsendable, utf8
from pacs_monitor.language import N_, _

TEXT_LIMIT, NAMED = 2000, 50
"""Bytes of one text and of one list, and members of a list that are named."""
_LISTED = {"missed": 12_000, "open": 12_000, "problems": TEXT_LIMIT}
"""Lists of which each member has a line of its own, and bytes for all of them."""
_MORE = {
    "problems": N_("Checks"),
    "maintenance_ended": N_("Maintenance ended"),
    "window": N_("Maintenance"),
    "resolved": N_("Resolved"),
    "last_good": N_("Last good before it"),
}
"""What a mail has room for beside the lines of every channel."""
_CALLS = frozenset(
    {"impact", "services", "next_step", "support", "failing", "downtime_procedure", "points_to", "still_ok"}
)
"""What is left out once it is over."""
_OVER = {"why": N_("Last finding"), "since": N_("Had been failing since")}
_ELSEWHERE = frozenset(
    (
        *(
            "schema",
            "monitor",
            "kind",
            "dedup_key",
            "summary",
            "why",
            "detail",
            "url",
            "runbook",
            "timezone",
            "language",
        ),
        *("page", "worse", "first", "text", "handover", "last_changes", "blame", "phase", "unproven"),
    )
)
"""Identity, what a mail has elsewhere, what is said twice, and words that only programs know."""


class Line(NamedTuple):
    """One line: several texts where it is a list."""

    key: str
    title: str
    texts: tuple[str, ...]


def lines(data: Mapping[str, Any], *, over: bool = False) -> list[Line]:
    """What people read first; nothing that is empty, and once it is over, nothing that would still call for action."""
    return [*_lines(data, over=over)]


def details(data: Mapping[str, Any], *, over: bool = False) -> list[Line]:
    """Everything else."""
    told_first = {line.key for line in lines(data, over=over)}
    shown = _ELSEWHERE | told_first | {*_said_already(data, told_first, over=over)}
    others = {key: key.replace("_", " ").capitalize() for key in data if key not in shown}
    told = ((key, title, tuple(_texts(key, data[key], data))) for key, title in others.items())
    return [Line(key, title, texts) for key, title, texts in told if texts]


def _said_already(data: Mapping[str, Any], told_first: Set[str], *, over: bool) -> Iterator[str]:
    """What has been said in other words, and once it is over, its state and what called for action."""
    title = said(data, "title")
    if title and title in said(data, "summary"):
        yield "title"
    if said(data, "node") == title:
        yield "node"
    if len(data.get("problems") or ()) < 2:
        yield "problems"
    if "why" in told_first:
        yield "reason"
    if over:
        yield from ("state", *_CALLS)


def _lines(data: Mapping[str, Any], *, over: bool) -> Iterator[Line]:
    for key, title, text in shared.lines(data):
        if (over and key in _CALLS) or (key in ("url", "runbook") and said(data, key)):
            continue
        texts = tuple(_texts(key, data[key], data)) if key in _LISTED else (cut(text, TEXT_LIMIT, utf8),)
        yield Line(key, _(_OVER[key]) if over and key in _OVER else title, texts)
    for key, title in _MORE.items():
        if key == "problems" and len(data.get(key) or ()) < 2:  # the page is about it
            continue
        if texts := tuple(_texts(key, data.get(key), data)):
            yield Line(key, _(title), texts)


def _texts(key: str, value: object, data: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = [f"{name}: {_text(key, one, data)}" for name, one in value.items() if one not in (None, "")]
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from _named(key, value, data)
    elif value not in (None, "", False):
        yield _text(key, value, data)


def _named(key: str, values: Sequence[object], data: Mapping[str, Any]) -> Iterator[str]:
    """The first, as many as there is room for."""
    room = _LISTED.get(key, TEXT_LIMIT)
    for number, one in enumerate(values):
        text = _text(key, one, data)
        room -= utf8(text)
        if number and (room < 0 or number >= NAMED):
            yield _("and {count} more", count=len(values) - number)
            return
        yield text


def _text(key: str, value: object, data: Mapping[str, Any]) -> str:
    """DeliveryError (unsendable) for what is neither a text, a number nor made of these."""
    if isinstance(value, Mapping):
        return _entry(key, value, data)
    if isinstance(value, list | tuple):
        return ", ".join(_text(key, one, data) for one in value[:NAMED])
    if value is True:
        return _("yes")
    if not isinstance(value, str | int | float | None):
        raise unsendable(f"{key} of the notification is {type(value).__name__}, not a text")
    text = local(value, data) if isinstance(value, str) else str(value)
    return cut(text.replace("_", " ") if key == "reason" else text, TEXT_LIMIT, utf8)


def _entry(key: str, value: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """One of a list: its own sentence, or a check with its state."""
    if "summary" in value:
        return _text(key, value["summary"], data)
    if "check" in value:
        reason = f" ({value['reason']})" if value.get("reason") else ""
        since = _("since {since}", since=local(value.get("since"), data))
        flapping = ", " + _("flapping") if value.get("flapping") else ""
        return f"{value['check']}: {_(str(value.get('state')))}{reason}, {since}{flapping}"
    return ", ".join(f"{name}: {_text(key, one, data)}" for name, one in value.items() if one not in (None, ""))
