"""How long a feed may be silent, by weekday and hour: pure.

Silence counts within hours: a feed that must not be silent for 15 minutes in service hours has 15 minutes from their
beginning. A silence that was too long stays one until a message comes, also when the hours end meanwhile.

While people have paused a check, perhaps nothing could come: silence counts afresh from the end of each pause. So that
pauses at short intervals, such as a nightly window, hide no silence for ever, twice the limit without the pauses is too
long as well.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, Self

from pacs_monitor.calendars import WEEK, Hours, outside
from pacs_monitor.fields import parse_duration
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, OpeningHours

OTHERWISE = "otherwise"
PAUSES, MOST_PAUSES = "pauses", 50
"""Where a check remembers its latest pauses, and how many."""


def note_pause(memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:
    """The check was paused in that time (model.Probe.resumed)."""
    memory[PAUSES] = [*memory.get(PAUSES, ()), [since, until]][-MOST_PAUSES:]


def pauses_of(memory: Mapping[str, Any]) -> list[Interval]:
    """The pauses that a check remembers."""
    return [Interval(since, until) for since, until in memory.get(PAUSES, ())]


def too_long(silence: Interval, pauses: Sequence[Interval], seconds: float) -> bool:
    """Whether a silence lasted for so many seconds without a pause, or for twice as many in all beside the pauses."""
    limit = round(seconds * SECOND)
    parts = [part.end - part.start for part in outside(silence, pauses)] if pauses else [silence.end - silence.start]
    return max(parts, default=0) >= limit or sum(parts) >= 2 * limit


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

    def exceeded(
        self,
        last: Micros,
        now: Micros,
        zone: tzinfo,
        calendar: OpeningHours | None = None,
        *,
        pauses: Sequence[Interval] = (),
    ) -> Limit | None:
        """The limit that a silence has exceeded at some time since the last message, if any; only what lies within the
        calendar counts, and afresh after each pause.
        """
        longest = max(limit.seconds for limit in self)
        looked_at = Interval(max(last, now - WEEK - round(longest * SECOND)), now)
        named = [interval for limit in self if limit.hours for interval in limit.hours.intervals(looked_at, zone)]
        for limit in self:
            intervals = limit.hours.intervals(looked_at, zone) if limit.hours else outside(looked_at, named)
            open_ = [part for one in intervals for part in calendar.intervals(one)] if calendar else intervals
            if any(too_long(Interval(*part), pauses, limit.seconds) for part in open_):
                return limit
        return None

    def apply(self, now: Micros, zone: tzinfo, calendar: OpeningHours | None = None) -> bool:
        """Whether a feed may not be silent as long as it likes just now."""
        if calendar is not None and not calendar.is_open(now):
            return False
        return any(limit.hours is None or limit.hours.hold(now, zone) for limit in self)
