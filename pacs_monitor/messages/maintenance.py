"""What a channel is told of a window of maintenance: the `data` of its notifications (schema 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import moment
from pacs_monitor.messages.page import SCHEMA
from pacs_monitor.messages.sentences import named
from pacs_monitor.model import CheckId, Event, Micros, Severity, iso
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
        "dedup_key": f"{name}/{identity}",
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
    what = f"Maintenance '{window.name}'" + (f" (by {window.by})" if window.by else "")
    until, fail = moment(window.end, zone, now), "fails" if len(failing) == 1 else "fail"
    names = named(map(str, failing))
    if event is Event.MAINTENANCE_BEGUN:
        return f"{what} of {spelled(window.match)} has begun; until {until} nobody is paged for it"
    if event is Event.MAINTENANCE_ENDING:
        return f"{what} ends at {until} and {names} still {fail}: extend it, or it pages then"
    still = f"{names} still {fail}" if failing else "nothing of it fails"
    return f"{what} of {spelled(window.match)} has ended; {still}"
