"""Values over time, such as free space or the length of a queue, with the forecast that the check has made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pacs_monitor.format.human import duration
from pacs_monitor.history.trends import Slot
from pacs_monitor.intervals import Interval
from pacs_monitor.language import _
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.pages.plots.axes import Unit, ticks, times
from pacs_monitor.web.pages.plots.drawing import Canvas, Plot, Point, key
from pacs_monitor.web.pages.plots.spans import HOUR, View, clock, gaps

MARGIN = 1.1
"""Of the time until the forecast ends, which is shown where it is less than half of what lies behind."""


class Forecast(NamedTuple):
    """What the check itself has said at its last run."""

    at: Micros
    value: float
    end: Micros
    """When nothing is left."""


class Course(NamedTuple):
    """A series with all that its plot tells."""

    name: str
    title: str
    unit: Unit
    slots: Sequence[Slot]
    reach: Micros
    """How far two values of a check that is well may be apart."""
    forecasts: bool = False
    """Whether its check makes forecasts at all."""
    forecast: Forecast | None = None


def level(course: Course, view: View, incident: Interval | None = None) -> Plot:
    """Least, greatest and mean of each step; where there was no value, there is a gap."""
    forecast, unit = course.forecast, course.unit
    shown = view if forecast is None else view.ahead(_ahead(view, forecast))
    highest = max((slot.most for slot in course.slots), default=0.0)
    marks = ticks(min((slot.least for slot in course.slots), default=0.0), highest or 1.0, unit)
    canvas = Canvas(marks, shown.during)
    if incident is not None:
        canvas.across("p-incident", incident)
    known = [Interval(slot.at, slot.at + view.step) for slot in course.slots]
    for gap in gaps(known, Interval(view.during.start, min(view.during.end, view.now)), max(course.reach, view.step)):
        canvas.across("p-gap", gap)
    runs = list(_connected(course.slots, max(course.reach, view.step)))
    middle = view.step // 2
    canvas.band("p-band", [[(canvas.at(one.at + middle), one.least, one.most) for one in run] for run in runs])
    canvas.line("p-line", [[(canvas.at(one.at + middle), one.mean) for one in run] for run in runs])
    for slot in course.slots:
        start, end = canvas.at(slot.at), canvas.at(slot.at + view.step)
        canvas.told(max(0.0, start), min(1.0, end), f"{clock(slot.at, view)}: {_told(slot, unit)}")
    if forecast is not None:
        canvas.line("p-forecast", [_line(canvas, shown, forecast)])
        canvas.upright("p-now", view.now, _("now"))
    said = _words(course, view)
    where = [(canvas.at(at), text) for at, text in times(shown.during, view.place)]
    svg = canvas.drawn(course.title, said, [unit.write(tick) for tick in marks], where)
    rows = [
        (clock(slot.at, view), unit.write(slot.mean), unit.write(slot.least), unit.write(slot.most))
        for slot in course.slots[::-1]
    ]
    head = _("From"), _("Mean"), _("Least"), _("Greatest")
    return Plot(course.name, course.title, said, svg, _legend(course), head, rows)


def _legend(course: Course) -> list[tuple[Markup, str]]:
    legend = [
        (key("p-line"), _("mean")),
        (key("p-band", "band"), _("from the least to the greatest")),
        (key("p-gap", "band"), _("not measured")),
    ]
    return legend + ([(key("p-forecast"), _("forecast of the check"))] if course.forecast else [])


def _ahead(view: View, forecast: Forecast) -> Micros:
    length = view.during.end - view.during.start
    return min(round(MARGIN * max(0, forecast.end - view.now)), length // 2)


def _line(canvas: Canvas, view: View, forecast: Forecast) -> Sequence[Point]:
    """From the last value to where nothing is left, as far as it is shown."""
    until = min(forecast.end, view.during.end)
    share = (until - forecast.at) / max(1, forecast.end - forecast.at)
    return (canvas.at(forecast.at), forecast.value), (canvas.at(until), forecast.value * (1 - share))


def _connected(slots: Sequence[Slot], reach: Micros) -> Iterator[Sequence[Slot]]:
    run: list[Slot] = []
    for slot in slots:
        if run and slot.at - run[-1].at > reach:
            yield run
            run = []
        run.append(slot)
    yield run


def _told(slot: Slot, unit: Unit) -> str:
    if slot.least == slot.most:
        return unit.write(slot.mean)
    return _("{mean} ({least} to {most})", **{n: unit.write(getattr(slot, n)) for n in ("mean", "least", "most")})


def _words(course: Course, view: View) -> str:
    if not course.slots:
        return _("Nothing was measured in this time.")
    write, slots = course.unit.write, course.slots
    said = [
        _(
            "{last} last, between {least} and {most} in this time.",
            last=write(slots[-1].mean),
            least=write(min(slot.least for slot in slots)),
            most=write(max(slot.most for slot in slots)),
        )
    ]
    if course.forecast is not None:
        left = max(0, course.forecast.end - view.now)
        wide = view._replace(during=Interval(view.now - 48 * HOUR, view.now), step=HOUR)
        said.append(
            _(
                "At its present rate nothing is left in {left}, on {when}.",
                left=duration(left / SECOND),
                when=clock(course.forecast.end, wide),
            )
        )
    elif course.forecasts:
        said.append(_("There is no forecast: no end is in sight."))
    return " ".join(said)
