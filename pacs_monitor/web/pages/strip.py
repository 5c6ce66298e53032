"""The history strip: a cell a day in the monitor's zone, filled by the seconds of each class of its account. Pure.

It comes from the same account as the percentage, so that the two never disagree; what is so now is told by the sign
beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor import uptime
from pacs_monitor.format.human import duration, percentage
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.language import _
from pacs_monitor.model import SECOND, CheckId, Micros
from pacs_monitor.proof import proofs
from pacs_monitor.uptime import Class
from pacs_monitor.web.pages import languages
from pacs_monitor.web.pages.names import CLASSES

DAYS = 90
MOST_KEPT = 1000
"""Strips."""
HEIGHT, LEAST = 36.0, 2.0
"""Pixels of a cell, and of any outage in it."""
_FROM_BELOW = (
    Class.DOWN,
    Class.UNREACHABLE,
    Class.DEGRADED,
    Class.MAINTENANCE,
    Class.ABSENT,
    Class.UNKNOWN,
    Class.UP,
)


class Layer(NamedTuple):
    """A part of a cell; pixels from above."""

    of: str
    y: float
    height: float


class Cell(NamedTuple):
    """One day."""

    day: date
    layers: tuple[Layer, ...]
    spent: tuple[tuple[Class, Micros], ...]

    @property
    def said(self) -> str:
        """`2026-11-24: down 12 min, up 23 h 48 min`, in the language that is spoken."""
        told = [f"{_(CLASSES[kind.value])} {duration(micros / SECOND)}" for kind, micros in self.spent]
        return f"{languages.day(self.day)}: {', '.join(told) or _('not watched')}"


class Strip(NamedTuple):
    """Of one check."""

    cells: tuple[Cell, ...]
    availability: str
    """`99.93 %`; "" where nothing was measured."""

    @property
    def kinds(self) -> Sequence[str]:
        """What its days were spent in, as a cell is filled."""
        found = {kind for cell in self.cells for kind, _spent in cell.spent}
        return [kind.value for kind in _FROM_BELOW if kind in found]


class Strips:
    """Strips of checks, each as of the minute in which it was asked for first."""

    def __init__(self) -> None:
        self._known: dict[CheckId, tuple[Micros, Strip]] = {}

    def of(self, reader: HistoryReader, checks: Sequence[CheckId], now: Micros, zone: str) -> dict[CheckId, Strip]:
        """Each is read from the record at most once a minute; for any thread."""
        minute = now // (60 * SECOND)
        known = {check: self._known.get(check) for check in checks}
        found = {check: one[1] for check, one in known.items() if one is not None and one[0] == minute}
        missing = [check for check in checks if check not in found]
        if not missing:
            return found
        days = period(now, zone)
        lines = timelines(reader, missing, Interval(days[0].start, days[-1].end))
        made = {check: strip(line, days, now, zone) for check, line in lines.items()}
        if len(self._known) + len(made) > MOST_KEPT:
            self._known.clear()
        self._known |= {check: (minute, one) for check, one in made.items()}
        return found | made


def timelines(reader: HistoryReader, checks: Sequence[CheckId], interval: Interval) -> dict[CheckId, uptime.Timeline]:
    """What the record has of some checks; what it has of all of them is read once."""
    maintained: dict[CheckId, list[Interval]] = defaultdict(list)
    for one in reader.maintained(*interval):
        maintained[one.check].append(Interval(one.since, FOREVER if one.until is None else one.until))
    watched, coverage = reader.watched(), reader.coverage(*interval)
    unreachable, identities = reader.unreachable(*interval), reader.identities()
    ledgers = {check: reader.transitions(check=check).get(check, []) for check in checks}
    return {
        check: uptime.Timeline(
            ledger,
            watched.get(check, ()),
            coverage,
            unreachable.get(check, ()),
            maintained[check],
            proofs(identities.get(check, ()), ledger),
        )
        for check, ledger in ledgers.items()
    }


def period(now: Micros, zone: str) -> tuple[Interval, ...]:
    """The days of the strip, today last; those on which clocks are set have 23 or 25 hours."""
    place = ZoneInfo(zone)
    today = datetime.fromtimestamp(now // SECOND, UTC).astimezone(place).date()
    days = [today - timedelta(days=back) for back in range(DAYS, -2, -1)]
    starts = [int(datetime(day.year, day.month, day.day, tzinfo=place).timestamp()) * SECOND for day in days[1:]]
    return tuple(Interval(start, end) for start, end in pairwise(starts))


def strip(line: uptime.Timeline, days: Sequence[Interval], now: Micros, zone: str) -> Strip:
    """The cells and the figure of the same time."""
    place, cells, whole = ZoneInfo(zone), [], uptime.Account()
    for day in days:
        account = uptime.account(line, day, now)
        watched = account.causes.get(uptime.Cause.NOT_WATCHED, 0)
        seconds = dict(account.classes)
        seconds[Class.UNKNOWN] = max(0, seconds[Class.UNKNOWN] - watched)
        for kind, micros in account.classes.items():
            whole.classes[kind] += micros
        cells.append(cell(datetime.fromtimestamp(day.start // SECOND, UTC).astimezone(place).date(), seconds, day))
    figure = whole.availability()
    return Strip(tuple(cells), "" if figure is None else percentage(figure, 2))


def cell(of: date, seconds: dict[Class, Micros], whole: Interval) -> Cell:
    """A day, filled from below by what it was spent in."""
    day_length, y, layers = whole.end - whole.start, HEIGHT, []
    for kind in _FROM_BELOW:
        if seconds.get(kind, 0):
            least = LEAST if kind in (Class.DOWN, Class.UNREACHABLE, Class.DEGRADED) else 0.0
            height = min(y, max(least, HEIGHT * seconds[kind] / day_length))
            y -= height
            layers.append(Layer(kind.value, round(y, 2), round(height, 2)))
    return Cell(of, tuple(layers), tuple((kind, seconds[kind]) for kind in _FROM_BELOW if seconds.get(kind)))
