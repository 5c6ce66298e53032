"""Reads what plots are drawn from: a few statements a page, however many its checks and their values are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.history import HistoryReader, trends
from pacs_monitor.history.trends import Series, Slot
from pacs_monitor.intervals import Interval
from pacs_monitor.language import _
from pacs_monitor.model import SECOND, CheckId, Measure, Micros, Result
from pacs_monitor.web.pages.plots import volumes
from pacs_monitor.web.pages.plots.axes import unit_of
from pacs_monitor.web.pages.plots.drawing import Plot
from pacs_monitor.web.pages.plots.latency import daily, latency
from pacs_monitor.web.pages.plots.levels import Course, Forecast, level
from pacs_monitor.web.pages.plots.spans import DAY, HOUR, View

MOST = 12
"""Series that a page shows."""
CALENDAR_REACH: Micros = 26 * HOUR
"""Between two runs of a check that runs by a calendar, such as every night."""
WHOLE = 0.75
"""Of an hour must lie between the first and the last value for what came in it to be told."""


class Watched(NamedTuple):
    """A check, as the board had it when the page was asked for."""

    check: CheckId
    measures: Mapping[str, Measure]
    """Those that are kept."""
    reach: Micros
    """As long without a result it is still well."""
    last: Result | None


class Wanted(NamedTuple):
    """What a page shows."""

    checks: Sequence[Watched]
    view: View
    latencies: bool
    """Whether how long runs took is shown as well."""
    incident: Interval | None = None

    @property
    def latest(self) -> bool:
        """It shows the time up to now, of which there are forecasts and what came by the hour."""
        return self.view.during.end > self.view.now - DAY


def watched(entry: BoardEntry) -> Watched:
    """Of the running daemon."""
    check = entry.check
    reach = CALENDAR_REACH if check.cron else round(3 * check.interval * SECOND)
    return Watched(
        check.id, {measure.name: measure for measure in check.probe.measures if measure.trend}, reach, entry.last
    )


def plots(reader: HistoryReader, wanted: Wanted) -> list[Plot]:
    """All of a page; raises HistoryError."""
    return [*_latencies(reader, wanted), *_trends(reader, wanted)]


def _latencies(reader: HistoryReader, wanted: Wanted) -> Iterator[Plot]:
    if not wanted.latencies:
        return
    view, ids = wanted.view, [one.check for one in wanted.checks]
    found = trends.runs_of(reader, ids, view.during)
    for n, check in enumerate(ids):
        rows = found.get(check, [])
        by_day = view.step >= DAY
        title = _("{check}: how long its runs took", check=check.check)
        yield latency(f"runs-{n}", daily(rows) if by_day else rows, view, title, wanted.incident)


def _trends(reader: HistoryReader, wanted: Wanted) -> Iterator[Plot]:
    checks = {one.check: one for one in wanted.checks if one.measures}
    known = [
        one
        for node in sorted({check.node for check in checks})
        for one in trends.series_of(reader, node)
        if one.check in checks and one.name in checks[one.check].measures
    ]
    hourly = [one for one in known if checks[one.check].measures[one.name].by_hour]
    plain = [one for one in known if one not in hourly]
    levels = _read_levels(reader, plain, wanted.view)
    shown = [one for one in plain if one.id in levels] or plain
    drawn = 0
    for one in shown[:MOST]:
        yield level(_course(one, checks[one.check], levels.get(one.id, ()), wanted), wanted.view, wanted.incident)
        drawn += 1
    if wanted.latest:
        yield from _by_hour(reader, hourly[: MOST - drawn], checks, wanted.view)


def _read_levels(reader: HistoryReader, series: Sequence[Series], view: View) -> dict[int, list[Slot]]:
    return trends.levels(reader, [one.id for one in series], [view.during], view.step) if series else {}


def _course(one: Series, check: Watched, slots: Sequence[Slot], wanted: Wanted) -> Course:
    measure = check.measures[one.name]
    forecasts = bool(measure.empty_in) and wanted.incident is None
    return Course(
        f"series-{one.id}",
        _title(one, measure),
        unit_of(one.name),
        slots,
        check.reach,
        forecasts,
        _forecast(one, measure, check.last) if forecasts else None,
    )


def _forecast(one: Series, measure: Measure, last: Result | None) -> Forecast | None:
    """As the check has said at its last run, of the value that it had then."""
    if last is None:
        return None
    said = {found.name: found.value for found in last.outcome.measurements if found.labels == one.labels}
    if measure.empty_in not in said or one.name not in said:
        return None
    return Forecast(last.started, said[one.name], last.started + round(said[measure.empty_in] * SECOND))


def _title(one: Series, measure: Measure, when: str = "") -> str:
    about = ", ".join(text for _name, text in one.labels)
    return f"{one.check.check}{f', {about}' if about else ''}{when}: {_(measure.help).rstrip('.')}"


def _by_hour(
    reader: HistoryReader, series: Sequence[Series], checks: Mapping[CheckId, Watched], seen: View
) -> Iterator[Plot]:
    if not series:
        return
    view, times = volumes.windows(seen.now, seen.zone)
    totals = [one.id for one in series if checks[one.check].measures[one.name].counts]
    others = [one.id for one in series if one.id not in totals]
    grown = trends.growth(reader, totals, times) if totals else {}
    levels = trends.levels(reader, others, times, HOUR) if others else {}
    for one in series:
        measure = checks[one.check].measures[one.name]
        if measure.counts:
            values = dict(_whole(grown.get(one.id, ()), view.now))
        else:
            values = {slot.at: slot.mean for slot in levels.get(one.id, ())}
        found = volumes.hours(values, view)
        title = _title(one, measure, _(" by the hour, the last 24 hours"))
        yield volumes.volume(f"series-{one.id}", title, unit_of(one.name), found, view, adds=measure.counts)


def _whole(hours: Iterable[trends.Growth], now: Micros) -> Iterator[tuple[Micros, float]]:
    """The hours that were measured as a whole, and the one that goes on."""
    for hour in hours:
        if hour.seen >= WHOLE * HOUR or hour.at + HOUR > now:
            yield hour.at, hour.amount
