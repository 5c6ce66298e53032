"""The handover as JSON: of the API, and of a message."""

from __future__ import annotations

from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from pacs_monitor.handover import text
from pacs_monitor.handover.parts import Handover, OpenIncident
from pacs_monitor.messages.words import acknowledged, public_note
from pacs_monitor.model import iso

TIMES = frozenset({"time", "since", "at", "start", "end", "until", "ended", "oldest", "failing_since", "last_success"})
"""Keys whose values are times."""


def as_json(handover: Handover, zone: tzinfo) -> dict[str, Any]:
    """All parts with times by RFC 3339 in UTC; `summary` and `text` have them in the monitor's zone, in the language
    that is spoken.
    """
    said: dict[str, Any] = _plain(asdict(handover))
    said |= {
        "open": [_open(one, handover) for one in handover.open],
        "acknowledged": [_open(one, handover) for one in handover.acknowledged],
        "overdue_updates": [one.id for one in handover.overdue],
        "channels_not_proven": said.pop("unproven"),
        "summary": text.summary(handover, zone),
        "text": "\n".join(text.lines(handover, zone)),
    }
    return said


def _open(one: OpenIncident, handover: Handover) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "severity": one.severity.value,
        "state": one.state.value,
        "summary": one.summary,
        "next_step": one.next_step,
        "impact": one.impact,
        "since": iso(one.since),
        "acknowledged": acknowledged(one.acknowledged),
        "notes": _plain([asdict(note) for note in one.notes]),
        "public_note": public_note(one.public_note, handover.time),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: iso(inner) if key in TIMES and isinstance(inner, int) else _plain(inner)
            for key, inner in value.items()
        }
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value
