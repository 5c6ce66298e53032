"""What a page says, line by line, in the order in which it is read at 3 a.m.; for channels with room for all of it.
Pure.

A key that is new to a page is a line too: it comes behind those that are known here, under its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pacs_monitor.channels.shared.lines import local
from pacs_monitor.channels.shared.rendering import cut, unsendable

TEXT_LIMIT, NAMED = 2000, 50
"""Characters of one text, and members of a list that are named."""
TITLES = {
    "impact": "For whom",
    "since": "Since",
    "detail": "Why",
    "reason": "Reason",
    "next_step": "Do first",
    "still_ok": "Still works",
    "also_failing": "Fails too",
    "support": "Call",
    "acknowledged": "Acknowledged",
    "public_note": "Users were told",
    "maintenance_ended": "Maintenance ended",
    "problems": "Checks",
    "nodes": "Nodes",
    "failing": "Still fails",
    "window": "Maintenance",
    "missed": "Missed",
    "open": "Still open",
    "resolved": "Resolved",
    "last_good": "Last good result",
}
"""The lines for people; every other key is a detail."""
SHOWN_ELSEWHERE = frozenset(
    {
        "schema",
        "dedup_key",
        "kind",
        "summary",
        "url",
        "runbook",
        "monitor",
        "page",
        "worse",
        "first",
        "text",
        "handover",
    }
)
"""Identity, what the receiver puts elsewhere, and what is said twice."""


class Line(NamedTuple):
    """One line: several texts where it is a list."""

    key: str
    title: str
    texts: tuple[str, ...]


def lines(data: Mapping[str, Any]) -> list[Line]:
    """What people read first; nothing that is empty."""
    return [*_lines(data, TITLES)]


def details(data: Mapping[str, Any]) -> list[Line]:
    """Everything else."""
    others = [key for key in data if key not in TITLES and key not in SHOWN_ELSEWHERE]
    return [*_lines(data, {key: key.replace("_", " ").capitalize() for key in others})]


def _lines(data: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Line]:
    for key, title in titles.items():
        if texts := tuple(_texts(key, data.get(key))):
            yield Line(key, title, texts)


def _texts(key: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = [f"{name}: {_text(key, one)}" for name, one in value.items() if one not in (None, "")]
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (_text(key, one) for one in value[:NAMED])
        if len(value) > NAMED:
            yield f"and {len(value) - NAMED} more"
    elif value not in (None, "", False):
        yield _text(key, value)


def _text(key: str, value: object) -> str:
    """DeliveryError (unsendable) for what is neither a text, a number nor made of these."""
    if isinstance(value, Mapping):
        return _entry(key, value)
    if value is True:
        return "yes"
    if not isinstance(value, str | int | float | None):
        raise unsendable(f"{key} of the notification is {type(value).__name__}, not a text")
    text = local(value, {})
    return cut(text.replace("_", " ") if key == "reason" else text, TEXT_LIMIT)


def _entry(key: str, value: Mapping[str, Any]) -> str:
    """One of a list: its own sentence, or a check with its state."""
    if "summary" in value:
        return _text(key, value["summary"])
    if "check" in value:
        reason = f" ({str(value['reason']).replace('_', ' ')})" if value.get("reason") else ""
        flapping = ", flapping" if value.get("flapping") else ""
        return f"{value['check']}: {value.get('state')}{reason} since {local(value.get('since'), {})}{flapping}"
    return ", ".join(f"{name}: {_text(key, one)}" for name, one in value.items() if one not in (None, ""))
