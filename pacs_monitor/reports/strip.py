"""Pictures of the report as inline SVG, each with its text; legible in black and white.

Everything that an element looks like stands in its own attributes: what prints the page may know no stylesheet of the
document, and no pattern of another picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import ceil, floor
from typing import Any

from markupsafe import Markup

from pacs_monitor.language import _, _n
from pacs_monitor.reports.dates import month, short_day
from pacs_monitor.reports.words import STATES, exact

WIDTH, HEIGHT = 560.0, 34.0
"""Of a strip, in its own units."""
FROM_BELOW = ("down", "unreachable", "degraded", "maintenance", "absent", "unknown")
"""What is not up, as it fills a day."""
LEAST = {"down": 10.0, "unreachable": 10.0, "degraded": 6.0, "maintenance": 6.0, "absent": 4.0, "unknown": 6.0}
"""The height of any of it in a day, however short."""
SHORT = {"unknown": 300.0}
"""Seconds of a day below which it is not drawn."""
NAMED = 8
"""Days that a text names one by one."""
SHOWN = 4
"""Days that stand under a strip."""
BAR = 120.0
"""The width of a bar beside a figure."""
LABEL = 80.0
"""The width that a text under a bar may need."""
PALE, INK = "#d5ead9", "#111"


@dataclass(frozen=True)
class Days:
    """The days of a period, for all strips of a report."""

    dates: tuple[date, ...]

    @cached_property
    def width(self) -> float:
        """Of a day."""
        return WIDTH / max(1, len(self.dates))

    @cached_property
    def months(self) -> list[tuple[float, date]]:
        """Where each begins, and its first day."""
        edges = [n for n, day in enumerate(self.dates) if n == 0 or day.month != self.dates[n - 1].month]
        return [(n * self.width, self.dates[n]) for n in edges]

    @cached_property
    def lines(self) -> Markup:
        """Between the months, and around all of them."""
        between = (f'<path d="M{x:.1f} 0V34" stroke="#111" stroke-width=".7"/>' for x, __ in self.months[1:])
        return _drawn([*between, f'<path d="M0 0H{WIDTH:.0f}V34H0Z" fill="none" stroke="#111"/>'])


def scale(days: Days) -> Markup:
    """The names of the months above the strips."""
    names = [(x, month(first.month)[: 3 if len(days.months) > 4 else None]) for x, first in days.months]
    texts = [
        Markup('<text x="{:.1f}" y="15" font-size="16" font-family="sans-serif">{}</text>').format(x, name)
        for x, name in names
    ]
    said = ", ".join(name for __, name in names)
    return Markup('<svg class="scale" role="img" viewBox="0 0 {:.0f} 20"><title>{}</title>{}</svg>').format(
        WIDTH, said, Markup().join(texts)
    )


def strip(row: Mapping[str, Any], days: Days) -> Markup:
    """A node day by day, each filled from below by the seconds of what was not up; the rest is up."""
    parts, at, width = [_rect(PALE, 0, 0, WIDTH, HEIGHT)], 0.0, days.width
    for run in row["days"]:
        wide = run["count"] * width
        y = HEIGHT
        for kind, height in _layers(run["seconds"]):
            y -= height
            parts.append(DRAWN[kind](at, y, wide, height))
        at += wide
    return Markup('<svg class="strip" role="img" viewBox="-1 -1 {:.0f} 36"><title>{}</title>{}</svg>').format(
        WIDTH + 2, described(row), _drawn([*parts, days.lines])
    )


def _layers(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    """What was not up in a day, and how high it stands."""
    whole = sum(seconds.values())
    found = {kind: seconds[kind] for kind in FROM_BELOW if seconds.get(kind, 0) > SHORT.get(kind, 0)}
    heights = {kind: max(LEAST[kind], HEIGHT * time / whole) for kind, time in found.items()}
    room = HEIGHT if sum(found.values()) >= whole - 1 else HEIGHT - 2
    squeeze = min(1.0, room / sum(heights.values())) if heights else 1.0
    return [(kind, height * squeeze) for kind, height in heights.items()]


def described(row: Mapping[str, Any]) -> str:
    """What the strip of a node shows, in words."""
    by_state: dict[str, list[str]] = {}
    count, partly = 0, 0
    for days in row["days"]:
        count += days["count"]
        by_state.setdefault(days["worst"], []).extend([days["day"]] * days["count"])
        partly += days["count"] if days["seconds"].get("unknown", 0) > SHORT["unknown"] else 0
    parts = []
    for state in ("up", *FROM_BELOW):
        if found := by_state.get(state):
            parts.append(_days_of(state, found))
    if partly:
        parts.append(
            _n("not measured for over 5 min on {count} day", "not measured for over 5 min on {count} days", partly)
        )
    whole = _n("{count} day", "{count} days", count)
    nothing = _("nothing on record")
    return f"{row['title']}, {whole}: {'; '.join(parts) or nothing}"


def _days_of(state: str, days: Sequence[str]) -> str:
    whole = _n("{count} day", "{count} days", len(days))
    counted = f"{whole} {_(STATES[state])}"
    if state == "up":
        return counted
    named = [short_day(date.fromisoformat(day)) for day in dict.fromkeys(days)]
    first = _("first on {day}", day=named[0])
    return f"{counted} ({first if len(days) > NAMED else ', '.join(named)})"


def outages(row: Mapping[str, Any]) -> str:
    """Under the strip: `down: 10 Jul 44 min, 13 Sep 12 min`."""
    return "; ".join(filter(None, (_outages(row, kind) for kind in ("down", "unreachable", "degraded"))))


def _outages(row: Mapping[str, Any], kind: str) -> str:
    found = [run for run in row["days"] if run["seconds"].get(kind)]
    if not found:
        return ""
    said = ", ".join(f"{_span(run)} {exact(run['seconds'][kind] * run['count'])}" for run in found[:SHOWN])
    more = sum(run["count"] for run in found[SHOWN:])
    rest = _n(", and {count} more day", ", and {count} more days", more) if more > 0 else ""
    return f"{_(STATES[kind])}: {said}{rest}"


def _span(run: Mapping[str, Any]) -> str:
    """`22 Sep`, of several days alike `22 Sep to 23 Sep`."""
    first = date.fromisoformat(run["day"])
    if run["count"] == 1:
        return short_day(first)
    return _("{first} to {last}", first=short_day(first), last=short_day(first + timedelta(days=run["count"] - 1)))


def allowance(row: Mapping[str, Any]) -> Markup:
    """How much of the permitted downtime is used."""
    budget, used = row["budget_seconds"], row["used_seconds"]
    whole = max(budget, used, 1e-6) * 1.02
    inside, limit, end = min(used, budget) / whole * WIDTH, budget / whole * WIDTH, used / whole * WIDTH
    counted, allowed = _("counted {time}", time=exact(ceil(used))), _("allowed {time}", time=exact(floor(budget)))
    mostly = limit > WIDTH / 2
    at_end = not mostly or end - limit > LABEL
    parts = [
        Markup('<path d="M0.5 1.5H{0:.1f}V11.5H0.5Z" fill="#fff" stroke="#111"/>').format(limit),
        _rect("#6b7280", 1, 2, max(0, inside - 1), 9),
        _rect(INK, limit, 2, end - limit, 9) if used > budget else Markup(),
        Markup('<path d="M{:.1f} 0V14" stroke="#111" stroke-width="2"/>').format(limit),
        _text(counted, end if at_end else 0, "end" if at_end else "start"),
        _text(allowed, limit, "end" if mostly else "start"),
    ]
    return Markup('<svg class="allowance" role="img" viewBox="0 0 {:.0f} 24"><title>{}; {}</title>{}</svg>').format(
        WIDTH, counted, allowed, Markup().join(parts)
    )


def worst_month(months: Iterable[Mapping[str, Any]]) -> float:
    """The scale of their bars, in seconds."""
    return max(float(one["used_seconds"] + one["seconds"]["excluded"]) for one in months)


def month_bar(month: Mapping[str, Any], most: float) -> Markup:
    """The counted downtime of a month, solid, and what was left out as planned, striped; to the scale of the worst."""
    return _bar(most, [("down", month["used_seconds"]), ("maintenance", month["seconds"]["excluded"])])


def longest_window(windows: Iterable[Mapping[str, Any]]) -> float:
    """The scale of their bars, in seconds."""
    return max(float(one["seconds"] + one["overrun_seconds"]) for one in windows)


def window_bar(row: Mapping[str, Any], most: float) -> Markup:
    """A window: striped what was used of it, white what was not, solid what was down after its end; to one scale."""
    used = min(row["used_seconds"], row["seconds"])
    parts = [("maintenance", used), ("absent", row["seconds"] - used), ("down", row["overrun_seconds"])]
    return _bar(most, parts)


def _bar(most: float, parts: Iterable[tuple[str, float]]) -> Markup:
    """Beside its text, which says the same; each part that is there can be seen."""
    drawn, at = [], 0.0
    for kind, seconds in parts:
        if seconds:
            wide = max(3.0, seconds / most * BAR)
            drawn.append(DRAWN[kind](at, 1, wide, 8))
            drawn.append(
                Markup('<path d="M{:.1f} 1h{:.1f}v8h-{:.1f}Z" fill="none" stroke="#111"/>').format(at, wide, wide)
            )
            at += wide
    if not drawn:
        return Markup()
    return Markup('<svg class="bar" aria-hidden="true" viewBox="-1 0 {:.0f} 10">{}</svg>').format(
        BAR + 12, Markup().join(drawn)
    )


def _text(said: str, x: float, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="22" font-size="9" font-family="sans-serif" text-anchor="{}">{}</text>').format(
        x, anchor, said
    )


def legend() -> list[tuple[Markup, str]]:
    """What fills the strips, each with its word."""
    return [(_key(kind), _(STATES[kind])) for kind in ("up", *FROM_BELOW)]


def _key(kind: str) -> Markup:
    box = _rect(PALE, 0, 0, 16, 12) if kind == "up" else DRAWN[kind](0, 0, 16, 12)
    frame = Markup('<path d="M0 0H16V12H0Z" fill="none" stroke="#111"/>')
    return Markup('<svg class="key" aria-hidden="true" viewBox="-1 -1 18 14">{}{}</svg>').format(box, frame)


def _drawn(parts: Iterable[str]) -> Markup:
    """Pieces of pictures as one: of numbers and words of ours, none of which needs to be escaped."""
    return Markup("".join(parts))  # noqa: S704


def _rect(fill: str, x: float, y: float, width: float, height: float) -> Markup:
    return _drawn([f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'])


def _filled(fill: str) -> Callable[[float, float, float, float], Markup]:
    return lambda x, y, width, height: _rect(fill, x, y, width, height)


def _lined(colour: str, step: float, thick: float) -> Callable[[float, float, float, float], Markup]:
    """Horizontal lines on white."""

    def drawn(x: float, y: float, width: float, height: float) -> Markup:
        count = max(1, round(height / step))
        lines = "".join(f"M{x:.1f} {y + (n + 0.5) * height / count:.1f}h{width:.1f}" for n in range(count))
        path = Markup('<path d="{}" stroke="{}" stroke-width="{}"/>').format(lines, colour, thick)
        return _rect("#fff", x, y, width, height) + path

    return drawn


def _hatched(x: float, y: float, width: float, height: float) -> Markup:
    """Diagonal lines on white, cut at the edges."""
    lines, step = [], 4.0
    start = step / 2
    while start < width + height:
        x0, y0 = (x + start, y) if start <= width else (x + width, y + start - width)
        x1, y1 = (x, y + start) if start <= height else (x + start - height, y + height)
        lines.append(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}")
        start += step
    path = Markup('<path d="{}" stroke="#333" stroke-width="1"/>').format("".join(lines))
    return _rect("#fff", x, y, width, height) + path


DRAWN: dict[str, Callable[[float, float, float, float], Markup]] = {
    "down": _filled("#000"),
    "unreachable": _lined("#000", 2.6, 1.5),
    "degraded": _filled("#e08a00"),
    "maintenance": _lined("#1d4ed8", 4.0, 1.0),
    "absent": _filled("#fff"),
    "unknown": _hatched,
}
