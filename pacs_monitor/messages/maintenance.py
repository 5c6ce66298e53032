"""What a channel is told of a window of maintenance: the `data` of its notifications (schema 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment
from pacs_monitor.language import _, _n
from pacs_monitor.messages.page import SCHEMA
from pacs_monitor.messages.sentences import named
from pacs_monitor.model import CheckId, Event, Micros, Severity, dedup_key, iso
from pacs_monitor.windows import Window, spelled


def data(
    event: Event,
    window: Window,
    failing: Sequence[CheckId],
    *,
    identity: str,
    name: str,
    monitor: MonitorSettings,
    now: Micros,
) -> dict[str, Any]:
    """`name` is the monitor's, as the history was opened with."""
    is_near = event is Event.MAINTENANCE_ENDING
    return {
        "schema": SCHEMA,
        "monitor": name,
        "kind": "maintenance",
        "dedup_key": dedup_key(name, identity),
        "title": window.name,
        "severity": (Severity.WARNING if is_near else Severity.INFO).value,
        "summary": _summary(event, window, failing, ZoneInfo(monitor.timezone), now),
        "window": {
            "id": window.id,
            "name": window.name,
            "by": window.by,
            "why": window.why,
            "match": spelled(window.match),
            "start": iso(window.start),
            "end": iso(window.end),
            "probing": window.probing.value,
        },
        "failing": [str(check) for check in failing],
        "url": monitor.link("/maintenance"),
    }


def _summary(event: Event, window: Window, failing: Sequence[CheckId], zone: ZoneInfo, now: Micros) -> str:
    said = {
        "what": _("'{name}' (by {by})", name=window.name, by=window.by) if window.by else f"'{window.name}'",
        "match": spelled(window.match),
        "until": moment(window.end, zone, now),
        "names": named(map(str, failing)),
    }
    if event is Event.MAINTENANCE_BEGUN:
        return _("Maintenance {what} of {match} has begun; until {until} nobody is paged for it", **said)
    if event is Event.MAINTENANCE_ENDING:
        return _n(
            "Maintenance {what} ends at {until} and {names} still fails: extend it, or it pages then",
            "Maintenance {what} ends at {until} and {names} still fail: extend it, or it pages then",
            len(failing),
            **said,
        )
    if not failing:
        return _("Maintenance {what} of {match} has ended; nothing of it fails", **said)
    return _n(
        "Maintenance {what} of {match} has ended; {names} still fails",
        "Maintenance {what} of {match} has ended; {names} still fail",
        len(failing),
        **said,
    )
