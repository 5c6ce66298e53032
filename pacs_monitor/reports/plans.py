"""What had been planned for windows of maintenance, and how much of one was announced early enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.objectives import announced_in_time


@dataclass
class Plan:
    """A window as it was planned at first."""

    start: Micros
    end: Micros
    added: Micros
    """When it was planned; of one in the configuration, when the first one that has it came into force."""
    by: str
    extended: list[tuple[Micros, Micros]] = field(default_factory=list)
    """When its end was moved, and to when."""
    ended: Micros | None = None
    """When it was ended by hand."""


def announced(whole: Interval, day: date | None, plan: Plan | None, notice: Micros, zone: ZoneInfo) -> list[Interval]:
    """The parts of a window that were announced early enough; an extension was announced when it was said."""
    if not notice:
        return [whole]
    moves = plan.extended if plan else []
    end = min(plan.end, whole.end) if plan and moves else whole.end
    parts = [Interval(whole.start, end)] if announced_in_time(day, whole.start, notice, zone) else []
    for at, until in moves:
        said, before, end = datetime.fromtimestamp(at // SECOND, zone).date(), end, max(end, min(until, whole.end))
        if announced_in_time(said, before, notice, zone):
            parts.append(Interval(before, end))
    return parts
