"""What each writing check means to its node a day, for whoever must allow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from pacs_monitor import cron
from pacs_monitor.config import Estate
from pacs_monitor.format.human import number, pluralized
from pacs_monitor.model import SECOND, STORES_A_DAY, Burden, Check, Load, last_day

DAY = 86_400.0


def loads(estate: Estate) -> list[str]:
    """A line per check that writes."""
    return [
        _line(check, check.probe.load(check.settings), estate.monitor.timezone)
        for check in estate.checks.values()
        if isinstance(check.probe, Burden)
    ]


def _line(check: Check, load: Load, timezone: str) -> str:
    runs = sum(1 for _ in _times(check.cron, timezone)) if check.cron else ceil(DAY / check.interval)
    often = _most(load, runs)
    trouble = "" if check.cron else f"; up to {number(_most(load, ceil(DAY / check.retry_interval)))} while it fails"
    allowed = f"allowed by: {check.enabled_by}{_until(check, timezone)}"
    return f"{check.id}: {_sent(check, load, often)} a day, in {pluralized(often, 'run')}{trouble} ({allowed})"


def _sent(check: Check, load: Load, often: int) -> str:
    if not load.objects:
        return f"{pluralized(often * load.notices, 'message')} to {check.node.name}"
    stored = f"{pluralized(often * load.objects, 'object')}, {pluralized(often * load.deletions, 'deletion')}"
    return f"{stored} and up to {pluralized(often * load.notices, 'notification')} by {check.node.name}"


def _until(check: Check, timezone: str) -> str:
    if check.until is None:
        return ""
    last = last_day(check.until, ZoneInfo(timezone))
    over = check.until <= datetime.now(UTC).timestamp() * SECOND
    return f", which ended on {last}: the check does not run" if over else f", until {last}"


def _most(load: Load, runs: int) -> int:
    """Runs a day, as far as the cap lets them."""
    return min(runs, STORES_A_DAY // load.objects) if load.objects else runs


def _times(line: str, timezone: str) -> Iterator[datetime]:
    trigger, now = cron.trigger(line, timezone), datetime.now(UTC)
    at = trigger.get_next_fire_time(None, now)
    while at is not None and at < now + timedelta(days=1):
        yield at
        at = trigger.get_next_fire_time(at, at + timedelta(microseconds=1))
