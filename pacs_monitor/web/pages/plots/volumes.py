"""What comes by the hour, against the same hour of the same day in the weeks before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from pacs_monitor.intervals import Interval
from pacs_monitor.language import _, _n
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.pages.plots.axes import Unit, local, ticks, times
from pacs_monitor.web.pages.plots.drawing import Canvas, Plot, key
from pacs_monitor.web.pages.plots.spans import DAY, HOUR, View, clock, gaps

WEEKS = 4
"""That are looked at."""
ENOUGH = 3
"""Of them with a value, for an hour to have its usual."""
FAR_BELOW = 0.5
"""Times the least of the weeks before: an hour with less is named."""
NAMED = 5


class Hour(NamedTuple):
    """One hour."""

    at: Micros
    value: float | None
    """None where it was not measured all the time."""
    usual: Sequence[float]
    """Of the weeks before; empty where too few of them are known."""


def windows(now: Micros, zone: str) -> tuple[View, list[Interval]]:
    """The last 24 hours, the one that goes on included, and all that is to be read for them."""
    end = now // HOUR * HOUR + HOUR
    view = View(Interval(end - DAY, end), HOUR, now, zone)
    past = [_weeks_before(view.during.start, week, view) for week in range(1, WEEKS + 1)]
    return view, [view.during, *(Interval(start - HOUR, start + DAY + HOUR) for start in past)]


def hours(values: Mapping[Micros, float], view: View) -> list[Hour]:
    """Of the last 24 hours, by the values of whole hours."""
    found = []
    for at in range(view.during.start, view.during.end, HOUR):
        past = [values.get(_weeks_before(at, week, view)) for week in range(1, WEEKS + 1)]
        known = [value for value in past if value is not None]
        found.append(Hour(at, values.get(at), known if len(known) >= ENOUGH else ()))
    return found


def _weeks_before(at: Micros, weeks: int, view: View) -> Micros:
    """The same time by the clocks of the zone."""
    there = local(at, view.place)
    return int((there.replace(tzinfo=None) - timedelta(weeks=weeks)).replace(tzinfo=view.place).timestamp()) * SECOND


def volume(name: str, title: str, unit: Unit, found: Sequence[Hour], view: View, *, adds: bool) -> Plot:
    """Columns for the hours, and what they usually are; `adds` where the hours of a day can be summed up."""
    highest = max([value for hour in found for value in (hour.value or 0, *hour.usual)], default=0.0)
    marks = ticks(0.0, highest or 1.0, unit)
    canvas = Canvas(marks, view.during)
    known = [Interval(hour.at, hour.at + HOUR) for hour in found if hour.value is not None]
    for gap in gaps(known, Interval(view.during.start, view.now // HOUR * HOUR), 0):
        canvas.across("p-gap", gap)
    for hour in found:
        start, end = canvas.at(hour.at), canvas.at(hour.at + HOUR)
        if hour.value is not None:
            kind = "p-column p-begun" if hour.at + HOUR > view.now else "p-column"
            canvas.bar(kind, start + 0.004, end - 0.004, 0.0, hour.value)
        if hour.usual:
            canvas.bar("p-usual", start, end, min(hour.usual), max(hour.usual))
            canvas.line("p-median", [[(start, median(hour.usual)), (end, median(hour.usual))]])
        canvas.told(start, end, _told(hour, view, unit))
    said = _words(found, view, unit, adds=adds)
    where = [(canvas.at(at), text) for at, text in times(view.during, view.place)]
    svg = canvas.drawn(title, said, [unit.write(tick) for tick in marks], where)
    legend = [
        (key("p-column", "band"), _("this hour")),
        (key("p-median"), _("usual: the middle of the same hour in the weeks before")),
        (key("p-usual", "band"), _("from the least to the greatest of those weeks")),
        (key("p-gap", "band"), _("not measured")),
    ]
    head = _("Hour"), _("Then"), _("Usual"), _("Weeks before")
    return Plot(name, title, said, svg, legend, head, [_row(hour, view, unit) for hour in found[::-1]])


def _told(hour: Hour, view: View, unit: Unit) -> str:
    now = _("not measured") if hour.value is None else unit.write(hour.value)
    if hour.at + HOUR > view.now and hour.value is not None:
        now = _("{value} so far", value=now)
    usual = _(", usually {value}", value=unit.write(median(hour.usual))) if hour.usual else ""
    return f"{clock(hour.at, view)}: {now}{usual}"


def _row(hour: Hour, view: View, unit: Unit) -> Sequence[str]:
    return (
        clock(hour.at, view),
        _("not measured") if hour.value is None else unit.write(hour.value),
        unit.write(median(hour.usual)) if hour.usual else _("not known"),
        ", ".join(unit.write(value) for value in hour.usual),
    )


def _words(found: Sequence[Hour], view: View, unit: Unit, *, adds: bool) -> str:
    over = [hour for hour in found if hour.value is not None and hour.at + HOUR <= view.now]
    if not over:
        return _("No hour of this time was measured as a whole.")
    both = [hour for hour in over if hour.usual]
    said = []
    if adds:
        said.append(
            _n(
                "{amount} in {count} hour that was measured.",
                "{amount} in the {count} hours that were measured.",
                len(over),
                amount=unit.write(sum(hour.value or 0 for hour in over)),
            )
        )
    if not both:
        return " ".join([*said, _("What is usual is not known yet: that takes three weeks.")])
    if adds:
        said.append(
            _(
                "In the {count} of them whose usual is known, {now}; usually {usual}.",
                count=len(both),
                now=unit.write(sum(hour.value or 0 for hour in both)),
                usual=unit.write(sum(median(hour.usual) for hour in both)),
            )
        )
    low = [clock(hour.at, view) for hour in both if (hour.value or 0) < FAR_BELOW * min(hour.usual)]
    if not low:
        return " ".join([*said, _("No hour had less than half of the least of those weeks.")])
    named = ", ".join(low[:NAMED]) + (" …" if len(low) > NAMED else "")
    return " ".join([*said, _("Less than half of the least of those weeks: {hours}.", hours=named)])
