"""Approvals of checks that write (`enabled_by … until`), and which of them end soon: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import NamedTuple

from pacs_monitor.model import SECOND, Check, CheckId, Micros, last_day

DAY: Micros = 86_400 * SECOND
SOON = 30
"""Days within which an end is shown."""


class Approval(NamedTuple):
    """One that ends, or has ended."""

    check: CheckId
    enabled_by: str
    last_day: date
    """In the monitor's time zone; it ends with this day."""
    ends: Micros
    has_ended: bool


def ending(checks: Iterable[Check], now: Micros, days: int, zone: tzinfo) -> tuple[Approval, ...]:
    """Those that end within so many days, and those that have ended, the earliest first."""
    found = [
        Approval(check.id, check.enabled_by or "", last_day(check.until, zone), check.until, check.until <= now)
        for check in checks
        if check.until is not None and check.until - now <= days * DAY
    ]
    return tuple(sorted(found, key=lambda approval: (approval.ends, approval.check)))
