"""How long a feed may be silent, by weekday and hour: pure.

Silence counts within hours: a feed that must not be silent for 15 minutes in service hours has 15 minutes from their
beginning. A silence that was too long stays one until a message comes, also when the hours end meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple, Self

from pacs_monitor.calendars import WEEK, Hours, outside
from pacs_monitor.fields import parse_duration
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, OpeningHours

OTHERWISE = "otherwise"


class Limit(NamedTuple):
    """The seconds that a feed may be silent in these hours; None: in all that no other limit names."""

    hours: Hours | None
    seconds: float


class Limits(tuple[Limit, ...]):
    """Limits that hold at the same time."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """`15m`, or durations by hours: `{"Mon-Fri 07:00-19:00": 15m, otherwise: 4h}`; raises ValueError."""
        by_hours = value if isinstance(value, Mapping) else {"24x7": value}
        if not by_hours:
            raise ValueError("is neither a duration nor durations by hours; write 15m")
        return cls(
            Limit(None if key == OTHERWISE else Hours.parse(str(key)), parse_duration(text))
            for key, text in by_hours.items()
        )

    def exceeded(self, last: Micros, now: Micros, zone: tzinfo, calendar: OpeningHours | None = None) -> Limit | None:
        """The limit that a silence has exceeded at some time since the last message, if any; only what lies within the
        calendar counts.
        """
        longest = max(limit.seconds for limit in self)
        looked_at = Interval(max(last, now - WEEK - round(longest * SECOND)), now)
        named = [interval for limit in self if limit.hours for interval in limit.hours.intervals(looked_at, zone)]
        for limit in self:
            intervals = limit.hours.intervals(looked_at, zone) if limit.hours else outside(looked_at, named)
            open_ = [part for one in intervals for part in calendar.intervals(one)] if calendar else intervals
            if any(end - start >= limit.seconds * SECOND for start, end in open_):
                return limit
        return None

    def apply(self, now: Micros, zone: tzinfo, calendar: OpeningHours | None = None) -> bool:
        """Whether a feed may not be silent as long as it likes just now."""
        if calendar is not None and not calendar.is_open(now):
            return False
        return any(limit.hours is None or limit.hours.hold(now, zone) for limit in self)
