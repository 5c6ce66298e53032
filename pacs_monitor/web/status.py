"""The JSON of `/api/v1/status` and its parts, from the Board (contracts.md)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from pacs_monitor import states
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.model import SECOND, State, iso
from pacs_monitor.web.house import House

WORST_FIRST = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.ABSENT, State.UP)


def status(house: House) -> dict[str, Any]:
    """The whole board."""
    entries = sorted(house.engine.board.entries.values(), key=lambda entry: entry.check.id)
    counts = house.engine.board.counts()
    return {
        "monitor": house.estate.monitor.name,
        "time": iso(house.clock.now()),
        "role": house.role,
        "paging": house.estate.monitor.paging,
        "counts": {state.value: counts[state] for state in WORST_FIRST[::-1]},
        "channels": channels(house),
        "nodes": [
            node(house, name, list(group)) for name, group in groupby(entries, key=lambda entry: entry.check.id.node)
        ],
    }


def channels(house: House) -> list[dict[str, Any]]:
    """Whether each takes notifications, what waits, and what it refuses while it takes others."""
    return [
        {
            "channel": name,
            "works": health.trouble is None,
            "failing_since": health.trouble and iso(health.trouble.since),
            "reason": health.trouble and health.trouble.reason,
            "pending": health.pending,
            "oldest_pending": None if health.oldest is None else iso(health.oldest),
            "stuck": [
                {
                    "notification": stuck.notification.id,
                    "incident": stuck.notification.incident,
                    "summary": stuck.notification.data.get("summary", ""),
                    "attempts": stuck.attempts,
                    "reason": stuck.reason,
                }
                for stuck in health.stuck
            ],
        }
        for name, health in house.deliveries.health().items()
    ]


def node(house: House, name: str, entries: list[BoardEntry]) -> dict[str, Any]:
    """One node: as bad as its worst check."""
    known = house.estate.nodes[name]
    return {
        "node": name,
        "title": known.title or name,
        "site": known.site,
        "role": known.role,
        "state": min((entry.standing.state for entry in entries), key=WORST_FIRST.index),
        "maintenance": False,
        "checks": [check(house, entry) for entry in entries],
    }


def check(house: House, entry: BoardEntry) -> dict[str, Any]:
    """One check: where it stands, where it leans, its last result, when it runs next."""
    due = house.engine.next_due(entry.check.id)
    standing = entry.standing
    return {
        "check": entry.check.id.check,
        "probe": entry.check.probe.kind,
        "state": standing.state,
        "since": iso(standing.since),
        "reason": standing.reason,
        "leaning": states.leaning(standing),
        "last": entry.last and entry.last.as_json(),
        "next_due": None if due is None else iso(house.clock.now() + round(due * SECOND)),
    }
