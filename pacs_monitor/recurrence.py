"""When something recurs that begins at a local time, by a recurrence rule (RFC 5545 3.3.10): pure, in a time zone.

Rules count by the clocks of the zone: what begins at 02:00 does so in summer and in winter. A time that does not exist,
when the clock is set forward, is by the offset before (02:30 is 03:30 then); of one that is there twice, when it is set
back, the first counts (RFC 5545 3.3.5).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise, takewhile

from dateutil.rrule import rrule, rrulestr

from pacs_monitor.model import SECOND, Micros

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WITHIN = timedelta(days=12 * 366)
"""A rule that does not come true in this time never does, as far as anybody cares."""
LAST_YEARS = 9984
MOST = 60_000
"""Times of a rule within that: more than 13 a day are a mistake."""
_MARGIN = timedelta(days=2)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z")
_INTERVAL = re.compile(r"INTERVAL=0*(?:;|$)")


class Recurrence:
    """The times at which something begins: once at `start`, or as the rule says from then on."""

    def __init__(self, rule: str | None, start: datetime, zone: tzinfo) -> None:
        """`start` without an offset is by the clocks of the zone. Raises ValueError for what is no rule."""
        self._zone = zone
        self.first = start.astimezone(zone).replace(tzinfo=None) if start.tzinfo else start
        self._rule = None if rule is None else _parsed(rule, self.first, zone)

    def starts(self, first: Micros, last: Micros) -> list[Micros]:
        """Those from `first` to `last`, in order."""
        begin, end = (datetime.fromtimestamp(at // SECOND, UTC).astimezone(self._zone) for at in (first, last))
        if self._rule is None:
            found = [self.first]
        else:
            begin, end = begin.replace(tzinfo=None) - _MARGIN, end.replace(tzinfo=None) + _MARGIN
            found = self._rule.between(begin, end, inc=True)
        moments = (self._moment(local) for local in found)
        return sorted({at for at in moments if first <= at <= last})

    def check(self, duration: float) -> None:
        """Raises ValueError where it would never begin, too often, or never end, lasting `duration` seconds each."""
        if self._rule is None:
            return
        if not self.comes_true:
            raise ValueError("never begins: no day is as its rrule says; write FREQ=MONTHLY;BYDAY=2SU")
        last = self.first + WITHIN
        times = list(islice(takewhile(lambda at: at <= last, self._rule), MOST))
        if len(times) == MOST:
            raise ValueError("begins more than 13 times a day; write one time a day, and a longer duration")
        if any((after - before).total_seconds() <= duration for before, after in pairwise(times)):
            raise ValueError("would never end: the next time begins before the last one is over; shorten the duration")

    @property
    def comes_true(self) -> bool:
        """Whether it ever begins.

        Tried in the last years that there are: dateutil searches for the 30th of February until the year 9999.
        """
        rule = self._rule
        if rule is None:
            return True
        first = self.first.replace(day=min(self.first.day, 28), year=LAST_YEARS + self.first.year % 4)
        try:
            return bool(rule.replace(dtstart=first, until=None)[:1]) and next(iter(rule), None) is not None
        except IndexError:  # its answer to the ninth Sunday of a month
            return False

    @property
    def begins_late(self) -> datetime | None:
        """The first time of a rule that does not hold at the start."""
        first = next(iter(self._rule), None) if self._rule is not None else None
        return None if first == self.first else first

    def _moment(self, local: datetime) -> Micros:
        return round(local.replace(tzinfo=self._zone, fold=0).timestamp()) * SECOND


def _parsed(text: str, first: datetime, zone: tzinfo) -> rrule:
    frequency = text.partition(";")[0].removeprefix("FREQ=")
    if frequency not in FREQUENCIES:
        raise ValueError(f"cannot recur by {frequency!r}; write FREQ= and one of {', '.join(FREQUENCIES)}")
    if _INTERVAL.search(text):
        raise ValueError("its INTERVAL is 0; write 1 or more (RFC 5545 3.3.10)")
    if "COUNT=" in text and "UNTIL=" in text:
        raise ValueError("has both COUNT and UNTIL; write one of them (RFC 5545 3.3.10)")
    local = _UNTIL.sub(lambda found: f"UNTIL={_local(found[1], zone)}", text)
    try:
        rule = rrulestr(local, dtstart=first, cache=True)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"is not a recurrence (RFC 5545 3.3.10): {error}; write FREQ=MONTHLY;BYDAY=2SU") from None
    if not isinstance(rule, rrule):
        raise ValueError("is more than one recurrence; write one rule, such as FREQ=MONTHLY;BYDAY=2SU")
    return rule


def _local(stamp: str, zone: tzinfo) -> str:
    """A time in UTC as the clocks of the zone show it."""
    there = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(zone)
    return f"{there:%Y%m%dT%H%M%S}"
