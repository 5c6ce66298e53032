"""Scales of plots: round values on the left, round times by the monitor's zone below. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.format.german import german_day
from pacs_monitor.format.human import byte_size, duration, with_decimal_mark
from pacs_monitor.intervals import Interval
from pacs_monitor.language import language
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.pages.languages import amount

LINES = 3
"""Of the grid above 0, about."""
SMALLEST = 1e-9
"""Height of a scale."""
_MINUTES = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_HOUR, _DAY = 3600, 86_400
_STEPS, _DAYS = (900, _HOUR, 2 * _HOUR, 4 * _HOUR, 12 * _HOUR), (1, 2, 7, 14, 28)
MOST_TIMES = 8


class Unit(NamedTuple):
    """How values are written, and whether there are halves of them."""

    write: Callable[[float], str]
    whole: bool = False
    clock: bool = False
    """From a minute on it is divided by 60."""


def _bytes(size: float) -> str:
    return with_decimal_mark(byte_size(size))


SECONDS, BYTES, COUNT = Unit(duration, clock=True), Unit(_bytes), Unit(amount, whole=True)


def unit_of(measure: str) -> Unit:
    """By the base unit that ends the name of a measure (Prometheus, metric naming)."""
    if measure.endswith("_seconds"):
        return SECONDS
    return BYTES if measure.endswith("_bytes") else COUNT


def ticks(low: float, high: float, unit: Unit) -> list[float]:
    """Round values from at most `low` to at least `high`, which begin or pass at 0."""
    low = min(low, 0.0)
    step = _step((high - low) / LINES, unit) if high - low > SMALLEST else 1.0
    first, last = floor(low / step), max(1, ceil(high / step - 1e-9))
    return [round(n * step, 12) for n in range(first, last + 1)]


def _step(least: float, unit: Unit) -> float:
    if unit.clock and least > _MINUTES[0] / 2:
        return next((float(step) for step in _MINUTES if step >= least), _DAY * _decimal(least / _DAY))
    return max(1.0, _decimal(least)) if unit.whole else _decimal(least)


def _decimal(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def times(during: Interval, zone: ZoneInfo) -> Sequence[tuple[Micros, str]]:
    """Round times within, at most MOST_TIMES."""
    seconds = (during.end - during.start) / SECOND
    for step in _STEPS:
        if seconds / step <= MOST_TIMES:
            return list(_hours(during, zone, step))
    fewest = ceil(seconds / _DAY / MOST_TIMES)
    return list(_days(during, zone, next((step for step in _DAYS if step >= fewest), fewest)))


def _hours(during: Interval, zone: ZoneInfo, step: int) -> Iterator[tuple[Micros, str]]:
    """Counted from midnight by the clock; on days on which clocks are set, some may be missing."""
    for midnight in _midnights(during, zone):
        for n in range(_DAY // step):
            wall = midnight + timedelta(seconds=n * step)
            at = int(wall.timestamp()) * SECOND
            if during.start <= at < during.end:
                yield at, f"{wall:%H:%M}" if step < 12 * _HOUR else f"{weekday(wall)} {wall:%H:%M}"


def _days(during: Interval, zone: ZoneInfo, step: int) -> Iterator[tuple[Micros, str]]:
    for midnight in _midnights(during, zone):
        at = int(midnight.timestamp()) * SECOND
        if midnight.toordinal() % step == 0 and during.start <= at < during.end:
            yield at, weekday(midnight) if step < 7 else date(midnight)


def _midnights(during: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    day = local(during.start, zone).date()
    while (midnight := datetime(day.year, day.month, day.day, tzinfo=zone)).timestamp() * SECOND < during.end:
        yield midnight
        day += timedelta(days=1)


def weekday(there: datetime) -> str:
    """`Fri 27`, `Fr 27.`."""
    return german_day(there)[:6] if language() == "de" else f"{there:%a} {there.day}"


def date(there: datetime) -> str:
    """`27 Nov`, `27.11.`."""
    return f"{there:%d.%m.}" if language() == "de" else f"{there.day} {there:%b}"


def local(at: Micros, zone: ZoneInfo) -> datetime:
    """By the clocks of the zone."""
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)
