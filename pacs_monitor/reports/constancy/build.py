"""The constancy logs of a period as data; every format is made of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor import __version__
from pacs_monitor.config.then import LogThen, Then
from pacs_monitor.format.names import listed
from pacs_monitor.history import Explanation, HistoryReader, Transmission, explained, transmissions
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Micros, PacsMonitorError
from pacs_monitor.pieces import Class
from pacs_monitor.reports.constancy import days
from pacs_monitor.reports.opening import closed_days
from pacs_monitor.reports.periods import Period, overlapping
from pacs_monitor.reports.periods import days as days_of
from pacs_monitor.reports.record import Record
from pacs_monitor.reports.tables import accounted
from pacs_monitor.services import combined, cut

TARGET = 98
"""Percent: the availability of the route in a year (DIN 6868-159)."""
ENOUGH = 90
"""Percent of the year so far that must have been measured; with less its availability is not assessable."""

LONGER_THAN_A_DAY: Micros = 36 * 3600 * SECOND


class NoLogError(PacsMonitorError):
    """No constancy log of this name, or none at all, was in force in the period."""


def build(reader: HistoryReader, period: Period, now: Micros, log: str | None = None) -> dict[str, Any]:
    """The pages of all logs, or of one: one for each month; durations in seconds, times RFC 3339. Raises NoLogError.

    A day goes by the log as it was configured at its end, so that what is configured later changes no page.
    """
    until = min(period.interval.end, now)
    years = overlapping("year", period.interval, period.timezone)
    record = Record(reader, Interval(years[0].interval.start, period.interval.end), period.timezone)
    names = _names(record, period.interval.start, until)
    if log is not None and log not in names:
        raise NoLogError(f"no constancy log {log!r} was in force in {period.name}; known: {listed(names)}")
    if not names:
        raise NoLogError(f"configure constancy: {{checks: …, route: …}}: no log was in force in {period.name}")
    record.nodes_read = _nodes(record, names)
    pages = [
        page
        for name in ([log] if log else names)
        for month in overlapping("month", Interval(period.interval.start, until), period.timezone)
        if (page := _Page(record, name, month, _common(month.interval, period.interval), now).made())
    ]
    return {
        "monitor": reader.name,
        "version": __version__,
        "made": period.local(now),
        "period": {
            "name": period.name,
            "from": period.local(period.interval.start),
            "to": period.local(period.interval.end),
            "timezone": period.timezone,
            "so_far": period.so_far(now),
        },
        "pages": pages,
    }


def _common(one: Interval, other: Interval) -> Interval:
    return Interval(max(one.start, other.start), min(one.end, other.end))


def _names(record: Record, start: Micros, until: Micros) -> list[str]:
    """The logs that were in force at some time, in the order of their configuration."""
    found: dict[str, None] = {}
    for reign in record.reigns_in(Interval(start, until)):
        if reign.revision.at < until:
            found |= dict.fromkeys(reign.said.constancy)
    return list(found)


def _nodes(record: Record, names: Collection[str]) -> frozenset[str]:
    """Those of the checks that the logs name, at whatever time: of a large estate nothing else is read."""
    logs = [log for reign in record.reigns for name, log in reign.said.constancy.items() if name in names]
    return frozenset(check.node for log in logs for check in log.settings.tested)


@dataclass
class _Page:
    """A month of a log, as far as it lies in `during`."""

    record: Record
    name: str
    month: Period
    during: Interval
    now: Micros

    def made(self) -> dict[str, Any] | None:
        """None if the log was not in force on any day of it."""
        calendar = [(day, span, said) for day, span in self._days() if (said := self._said(span.end))]
        if not calendar:
            return None
        last = calendar[-1][2]
        log = last.constancy[self.name]
        checks = {check for _, _, said in calendar for check in said.constancy[self.name].settings.tested}
        sent = self._by_day(transmissions(self.record.reader, checks, self.during))
        said_of = self._explained(calendar[0][0], calendar[-1][0])
        rows = [row for day, span, said in calendar for row in self._lines(day, span, said, sent, said_of)]
        due = {row["day"] for row in rows}
        off = [day for day, _, _ in calendar if day not in due]
        figures = {str(check): days.figures([one for key, found in sent.items() if key[1] == check for one in found])
                   for check in log.settings.tested}  # fmt: skip
        return {
            "log": self.name,
            "month": self.month.name,
            "from": self.month.local(self.during.start),
            "to": self.month.local(self.during.end),
            "so_far": self.now < self.during.end,
            "whole_month": self.during == self.month.interval,
            "by": log.settings.by,
            "calendar": self._hours(last, log),
            "routes": self._routes(calendar),
            "legs": [_leg(check, log, last) for check in log.settings.tested],
            "calling_ae_title": last.ae_title,
            "days": rows,
            "days_off": [{"day": day, **days.counts(self._of_day(day, sent))} for day in off],
            "elsewhen": [
                {"day": day, "why": one.why, "by": one.by, "at": self.month.local(one.at)}
                for day, found in said_of.items()
                if day not in due
                for one in found
            ],
            "working_days": self._summary(rows),
            "figures": figures,
            "year": self._year(log.settings.tested),
        }

    def _days(self) -> list[tuple[str, Interval]]:
        return days_of(Interval(self.during.start, min(self.during.end, self.now)), self.month.timezone)

    def _said(self, end: Micros) -> Then | None:
        """The configuration at the end of a day, if it has the log; what was in force before the first is not known."""
        before = [reign for reign in self.record.reigns if reign.revision.at < end]
        return before[-1].said if before and self.name in before[-1].said.constancy else None

    def _by_day(self, sent: Sequence[Transmission]) -> dict[tuple[str, CheckId], list[Transmission]]:
        zone = ZoneInfo(self.month.timezone)
        found: dict[tuple[str, CheckId], list[Transmission]] = defaultdict(list)
        for one in sent:
            day = datetime.fromtimestamp(one.started // SECOND, zone).date()
            found[day.isoformat(), one.check].append(one)
        return found

    def _explained(self, first: str, last: str) -> dict[str, list[Explanation]]:
        found: dict[str, list[Explanation]] = defaultdict(list)
        for one in explained(self.record.reader, self.name, first, last):
            found[one.day].append(one)
        return found

    def _lines(
        self,
        day: str,
        span: Interval,
        said: Then,
        sent: Mapping[tuple[str, CheckId], list[Transmission]],
        said_of: Mapping[str, list[Explanation]],
    ) -> Iterator[dict[str, Any]]:
        """One for each check, if it is a working day."""
        settings = said.constancy[self.name].settings
        calendar = said.calendars.get(settings.calendar or "")
        if calendar is not None and not calendar.intervals(self._whole(span)):
            return
        for check in settings.tested:
            yield self._line(day, span, check, sent.get((day, check), []), said_of.get(day, []))

    @staticmethod
    def _of_day(day: str, sent: Mapping[tuple[str, CheckId], list[Transmission]]) -> list[Transmission]:
        return [one for (when, _), tests in sent.items() if when == day for one in tests]

    def _whole(self, span: Interval) -> Interval:
        """The day to its end, also of one that goes on."""
        return days_of(Interval(span.start, span.start + LONGER_THAN_A_DAY), self.month.timezone)[0][1]

    def _line(
        self, day: str, span: Interval, check: CheckId, tests: Sequence[Transmission], said: Sequence[Explanation]
    ) -> dict[str, Any]:
        verdict, one = days.verdict(tests, over=self._whole(span).end <= self.now), days.shown(tests)
        gap = verdict is days.Verdict.NOT_TESTED
        return {
            "day": day,
            "node": check.node,
            "check": check.check,
            "at": one and self.month.local(one.started),
            "object": one.sop_instance if one else "",
            "sop_class": one.sop_class if one else "",
            "bytes": one and one.size,
            "seconds": one and days.total_seconds(one),
            "bytes_per_second": one and days.speed(one),
            "verified": one.verify if one else "",
            "result": verdict.value,
            **days.counts(tests),
            "reasons": days.reasons(tests),
            "cause": self._cause(check, span) if gap else None,
            "explanations": [{"by": each.by, "at": self.month.local(each.at), "why": each.why} for each in said],
        }

    def _cause(self, check: CheckId, span: Interval) -> str | None:
        """What most of a day without a test was: `maintenance`, or why the check was not measured."""
        seconds: Counter[str] = Counter()
        for start, end, standing in cut(self.record.track(check), span):
            if standing.counted in (Class.MAINTENANCE, Class.UNKNOWN):
                seconds[standing.cause or "maintenance"] += end - start
        return str(seconds.most_common(1)[0][0]) if seconds else None

    def _hours(self, said: Then, log: LogThen) -> dict[str, Any] | None:
        calendar = said.calendars.get(log.settings.calendar or "")
        if calendar is None:
            return None
        return {"name": calendar.name, "hours": calendar.words, "closed": closed_days(calendar, self.during)}

    def _routes(self, calendar: Sequence[tuple[str, Interval, Then]]) -> list[dict[str, str]]:
        """The route, and from which day on it was another."""
        found: list[dict[str, str]] = []
        for day, _, said in calendar:
            route = said.constancy[self.name].settings.route
            if not found or found[-1]["route"] != route:
                found.append({"from": day, "route": route})
        return found

    def _summary(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """How many working days there were, by the worst of their lines."""
        worst: dict[str, int] = {}
        explained_days = {row["day"] for row in rows if row["explanations"]}
        for row in rows:
            worst[row["day"]] = max(worst.get(row["day"], 0), WORSE.index(row["result"]))
        found = Counter(WORSE[rank] for rank in worst.values())
        gaps = {day for day, rank in worst.items() if WORSE[rank] in ("failed", "not_tested")}
        kinds = {verdict.value: found[verdict.value] for verdict in days.Verdict}
        return {"days": len(worst), **kinds, "unexplained": len(gaps - explained_days)}

    def _year(self, checks: Sequence[CheckId]) -> dict[str, Any]:
        """The availability of the year up to the end of the page, as felt: whoever is to blame."""
        (year,) = overlapping("year", Interval(self.during.start, self.during.start + 1), self.month.timezone)
        span = Interval(year.interval.start, min(self.during.end, self.now))
        track = combined(len(checks), [self.record.track(one) for one in checks])
        seconds = accounted(cut(track, span)).classes
        worked = seconds[Class.UP] + seconds[Class.DEGRADED]
        asked = worked + seconds[Class.DOWN] + seconds[Class.UNREACHABLE]
        measured = span.end - span.start - seconds[Class.UNKNOWN]
        return {
            "year": year.name,
            "until": self.month.local(span.end),
            "so_far": span.end < year.interval.end,
            "target": TARGET / 100,
            "availability": worked / asked if asked else None,
            "measured": measured / (span.end - span.start),
            "verdict": _judged(worked, asked, measured, span.end - span.start),
            "seconds": {kind.value: seconds[kind] / SECOND for kind in Class if kind is not Class.OUTSIDE_HOURS},
        }


WORSE = ("passed", "pending", "partly", "failed", "not_tested")
"""Results of a day, the worst last."""


def _judged(worked: Micros, asked: Micros, measured: Micros, whole: Micros) -> str:
    if not asked or measured * 100 < ENOUGH * whole:
        return "not_assessable"
    return "met" if worked * 100 >= TARGET * asked else "missed"


def _leg(check: CheckId, log: LogThen, said: Then) -> dict[str, Any]:
    """The part of the route that a check tests."""

    def title(node: str) -> str:
        return said.nodes[node].title or node if node in said.nodes else node

    return {
        "node": check.node,
        "check": check.check,
        "to": title(check.node),
        "then": [title(node) for node in log.also_on.get(check, ())],
    }
