"""How long the runs of a check took, by the hour or day, and the latest ones phase by phase. Pure.

The record keeps how many runs took how long, in buckets of 10 %, and no phases; these are known of the last runs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import quantiles
from typing import NamedTuple

from pacs_monitor.format.human import duration
from pacs_monitor.history.accumulator import Runs
from pacs_monitor.history.trends import RunsIn
from pacs_monitor.intervals import Interval
from pacs_monitor.language import _, _n
from pacs_monitor.model import Phase, Result, Status
from pacs_monitor.reports.latency import percentiles
from pacs_monitor.web.pages.languages import amount
from pacs_monitor.web.pages.names import PHASES, STATUSES
from pacs_monitor.web.pages.plots.axes import SECONDS, ticks, times
from pacs_monitor.web.pages.plots.drawing import Canvas, Plot, key
from pacs_monitor.web.pages.plots.spans import DAY, View, clock, gaps
from pacs_monitor.web.pages.times import Times

BEYOND = 6.0
"""Times what three quarters of the parts stay below, beyond which a part is cut: one time-out must not flatten all."""


class Part(NamedTuple):
    """An hour or a day with figures, seconds."""

    during: Interval
    runs: Runs
    half: float
    most: float
    """95 % of the runs were done by then."""


def latency(name: str, found: Iterable[RunsIn], view: View, title: str, incident: Interval | None = None) -> Plot:
    """How long runs took; hours or days in which none was answered are gaps."""
    rows = list(found)
    parts = _parts(rows, view)
    highest = max((part.most for part in parts), default=0.0)
    scale = _scale([part.most for part in parts])
    marks = ticks(0.0, scale, SECONDS)
    canvas = Canvas(marks, view.during)
    _background(canvas, view, [part.during for part in parts], incident)
    for part in parts:
        _draw(canvas, part, marks[-1])
    for row in rows:
        _tell(canvas, row, view)
    said = _words(rows, parts, highest > marks[-1])
    where = [(canvas.at(at), text) for at, text in times(view.during, view.place)]
    svg = canvas.drawn(title, said, [duration(tick) for tick in marks], where)
    legend = [
        (key("p-line"), _("half of the runs took at most this")),
        (key("p-band", "band"), _("from there to what 95 % took at most")),
        (key("p-failed", "lane"), _("runs failed")),
        (key("p-gap", "band"), _("not measured")),
    ]
    return Plot(name, title, said, svg, legend, _head(), [_row(row, view) for row in rows[::-1]])


def _head() -> Sequence[str]:
    return _("From"), _("Runs"), _("Half within"), _("95 % within"), _("Failed"), _("Not measured")


def daily(found: Iterable[RunsIn]) -> list[RunsIn]:
    """By UTC days, as the record keeps what is older than three days."""
    rows = []
    for day, of_day in groupby(found, lambda one: one.during.start // DAY):
        runs = Runs()
        for one in of_day:
            runs.add(one.runs)
        rows.append(RunsIn(Interval(day * DAY, (day + 1) * DAY), runs))
    return rows


def _parts(rows: Iterable[RunsIn], view: View) -> list[Part]:
    parts = []
    for row in rows:
        figures = percentiles(row.runs.buckets)
        if figures["measured_runs"]:
            start, end = max(row.during.start, view.during.start), min(row.during.end, view.during.end)
            parts.append(Part(Interval(start, end), row.runs, figures["p50_seconds"], figures["p95_seconds"]))
    return parts


def _scale(highest: Sequence[float]) -> float:
    if len(highest) < 4:
        return max(highest, default=1.0)
    usual = quantiles(highest, n=4)[2]
    return min(max(highest), BEYOND * usual)


def _background(canvas: Canvas, view: View, known: Sequence[Interval], incident: Interval | None) -> None:
    if incident is not None:
        canvas.across("p-incident", incident)
    for gap in gaps(known, Interval(view.during.start, min(view.during.end, view.now)), 0):
        canvas.across("p-gap", gap)


def _draw(canvas: Canvas, part: Part, top: float) -> None:
    start, end = canvas.at(part.during.start), canvas.at(part.during.end)
    canvas.bar("p-band", start, end, part.half, part.most)
    canvas.line("p-line", [[(start, part.half), (end, part.half)]])
    if part.most > top:
        canvas.cut((start + end) / 2)


def _tell(canvas: Canvas, row: RunsIn, view: View) -> None:
    start = max(0.0, canvas.at(row.during.start))
    end = min(1.0, canvas.at(row.during.end))
    if row.runs.fail:
        canvas.failed(start, end)
    when, _total, half, most, *_rest = _row(row, view)
    told = _("{half}, 95 % {most}", half=half, most=most) if half else _("not measured")
    more = _n("{count} run failed", "{count} runs failed", row.runs.fail) if row.runs.fail else ""
    canvas.told(start, end, "; ".join(filter(None, (f"{when}: {told}", more))))


def _row(row: RunsIn, view: View) -> Sequence[str]:
    figures = percentiles(row.runs.buckets)
    half, most = figures["p50_seconds"], figures["p95_seconds"]
    return (
        clock(row.during.start, view) + ("" if row.during.end - row.during.start < DAY else _(" (day)")),
        amount(row.runs.total),
        "" if half is None else duration(half),
        "" if most is None else duration(most),
        amount(row.runs.fail),
        amount(row.runs.unknown),
    )


def _words(rows: Sequence[RunsIn], parts: Sequence[Part], is_cut: bool) -> str:
    if not parts:
        return _("Nothing was measured in this time.")
    whole = Runs()
    for row in rows:
        whole.add(row.runs)
    figures, failed = percentiles(whole.buckets), amount(whole.fail)
    said = [
        _(
            "Half of the runs took at most {half}, 95 % at most {most}.",
            half=duration(figures["p50_seconds"]),
            most=duration(figures["p95_seconds"]),
        ),
        _n(
            "{failed} of {count} run failed.",
            "{failed} of {count} runs failed.",
            whole.total,
            failed=failed,
        ),
    ]
    if is_cut:
        said.append(
            _("The longest took {longest}: beyond the scale (▲).", longest=duration(figures["longest_seconds"]))
        )
    return " ".join(said)


def latest(name: str, recent: Sequence[Result], at: Times) -> Plot | None:
    """The last runs one by one, oldest first, phases on top of each other; None where no phase was timed."""
    runs = [one for one in recent if one.outcome.phases]
    if not runs:
        return None
    totals = [sum(one.outcome.phases.values()) for one in runs]
    marks = ticks(0.0, max(*totals, 1e-6), SECONDS)
    canvas, wide = Canvas(marks), 1 / len(runs)
    for n, one in enumerate(runs):
        y = 0.0
        for phase in Phase:
            seconds = one.outcome.phases.get(phase, 0.0)
            if seconds:
                canvas.bar(f"phase-{phase.value}", (n + 0.1) * wide, (n + 0.9) * wide, y, y + seconds)
                y += seconds
        if one.outcome.status is Status.FAIL:
            canvas.failed((n + 0.1) * wide, (n + 0.9) * wide)
        canvas.told(n * wide, (n + 1) * wide, f"{at.exact(one.started)}: {_phases(one)}")
    title = _("The last runs, phase by phase")
    said = _words_of_phases(runs, at)
    shown = sorted({0, len(runs) // 2, len(runs) - 1})
    where = [((n + 0.5) * wide, at.exact(runs[n].started)) for n in shown]
    svg = canvas.drawn(title, said, [duration(tick) for tick in marks], where)
    used = [phase for phase in Phase if any(one.outcome.phases.get(phase) for one in runs)]
    words = [_(PHASES[phase.value]) for phase in used]
    legend = [(key(f"phase-{phase.value}", "band"), word) for phase, word in zip(used, words, strict=True)]
    rows = [(at.exact(one.started), *(_of(one, phase) for phase in used), _result(one)) for one in runs[::-1]]
    return Plot(name, title, said, svg, legend, (_("Started"), *words, _("Result")), rows)


def _result(one: Result) -> str:
    return _(STATUSES[one.outcome.status.value])


def _of(one: Result, phase: Phase) -> str:
    seconds = one.outcome.phases.get(phase)
    return "" if seconds is None else duration(seconds)


def _phases(one: Result) -> str:
    return ", ".join(f"{_(PHASES[phase.value])} {duration(seconds)}" for phase, seconds in one.outcome.phases.items())


def _words_of_phases(runs: Sequence[Result], at: Times) -> str:
    sums = {phase: sum(one.outcome.phases.get(phase, 0.0) for one in runs) for phase in Phase}
    longest = max(sums, key=lambda phase: sums[phase])
    return _n(
        "{count} run since {since}. Most of the time went to {phase}: {seconds} of {whole}.",
        "{count} runs since {since}. Most of the time went to {phase}: on average {seconds} of {whole}.",
        len(runs),
        since=at.clock(runs[0].started),
        phase=_(PHASES[longest.value]),
        seconds=duration(sums[longest] / len(runs)),
        whole=duration(sum(sums.values()) / len(runs)),
    )
