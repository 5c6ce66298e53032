"""Parts of a plot as SVG: stretched to the width of the page, with texts that are not. Pure.

Colours and strokes are classes of the style sheet, for light and dark. Texts stand at shares of the width and are never
stretched; lines are drawn in a part of their own, 1000 units wide whatever the width of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pacs_monitor.intervals import Interval
from pacs_monitor.model import Micros

WIDE, TOP, HIGH, LANE, FOOT = 1000.0, 8.0, 128.0, 6.0, 20.0
"""Units of the lines; pixels above them, of them, of the lane below for what failed, of the times."""
EDGE = 0.03
"""Of the width, within which no time is written."""
CUT = "\N{BLACK UP-POINTING TRIANGLE}"

NO_TIME = Interval(0, 1)
"""Of a plot whose parts are only one after the other."""
Point = tuple[float, float]
"""A share of the width from 0 to 1, and a value."""


class Plot(NamedTuple):
    """A plot with all that is said of it."""

    key: str
    """Names it in its page."""
    title: str
    said: str
    """What it shows, in words."""
    svg: Markup
    legend: Sequence[tuple[Markup, str]]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The figures."""


class Canvas:
    """Collects the parts of one plot."""

    def __init__(self, ticks: Sequence[float], during: Interval = NO_TIME) -> None:
        self._low, self._top = ticks[0], ticks[-1]
        self._during = during
        self._ticks = ticks
        self._lines: list[Markup] = []
        self._around: list[Markup] = []
        self._behind: list[Markup] = []

    def at(self, time: Micros) -> float:
        """A share of the width."""
        return (time - self._during.start) / (self._during.end - self._during.start)

    def y(self, value: float) -> float:
        """Pixels from the top of the lines; what is beyond the scale is cut."""
        share = (min(max(value, self._low), self._top) - self._low) / (self._top - self._low)
        return round(HIGH * (1 - share), 1)

    def line(self, kind: str, runs: Iterable[Sequence[Point]]) -> None:
        """One line for each run of points; a single one is a dot."""
        paths = [
            f"M{_xy(run[0], self)}" + ("".join(f"L{_xy(p, self)}" for p in run[1:]) or "h0") for run in runs if run
        ]
        if paths:
            self._lines.append(Markup('<path class="{}" d="{}"/>').format(kind, "".join(paths)))

    def band(self, kind: str, runs: Iterable[Sequence[tuple[float, float, float]]]) -> None:
        """Between a lower and an upper value at each share of the width."""
        paths = []
        for run in runs:
            there = [(x, upper) for x, _, upper in run]
            back = [(x, lower) for x, lower, _ in reversed(run)]
            if len(run) > 1:
                paths.append("M" + "L".join(_xy(point, self) for point in (*there, *back)) + "Z")
        if paths:
            self._lines.append(Markup('<path class="{}" d="{}"/>').format(kind, "".join(paths)))

    def bar(self, kind: str, start: float, end: float, lower: float, upper: float) -> None:
        """A column from a value up to another one, in shares of the width."""
        y = self.y(upper)
        self._lines.append(
            Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
                kind, start * WIDE, y, max(0.5, (end - start) * WIDE), round(max(0.0, self.y(lower) - y), 1)
            )
        )

    def across(self, kind: str, during: Interval) -> None:
        """A stretch of time from top to bottom, behind all else."""
        start, end = max(0.0, self.at(during.start)), min(1.0, self.at(during.end))
        if end > start:
            self._behind.append(_box(kind, start, end, TOP, HIGH))

    def failed(self, start: float, end: float) -> None:
        """A mark in the lane below; 2 ‰ of the width at least."""
        self._around.append(_box("p-failed", start, max(end, start + 0.002), TOP + HIGH + 1, LANE - 1))

    def cut(self, x: float) -> None:
        """A value goes beyond the scale."""
        self._text("p-cut", x, TOP + 9, CUT)

    def told(self, start: float, end: float, words: str) -> None:
        """What is said of a stretch to whoever points at it."""
        box = _box("p-slot", start, end, TOP, HIGH + LANE)
        self._around.append(Markup("<g><title>{}</title>{}</g>").format(words, box))

    def upright(self, kind: str, at: Micros, words: str) -> None:
        """A line from top to bottom with a word at its foot."""
        x = self.at(at)
        self._lines.append(Markup('<path class="{}" d="M{:.1f} 0V{}"/>').format(kind, x * WIDE, HIGH))
        self._text("p-word", x, TOP + 9, words)

    def drawn(self, title: str, words: str, values: Sequence[str], times: Sequence[tuple[float, str]]) -> Markup:
        """The whole of it; `values` are those of the ticks."""
        grid = "".join(f"M0 {self.y(tick)}H{WIDE:.0f}" for tick in self._ticks)
        marks = "".join(f"M{x * WIDE:.1f} {HIGH - 4}V{HIGH}" for x, _ in times)
        for tick, value in zip(self._ticks, values, strict=True):
            if tick == self._low:
                continue
            self._around.append(
                Markup('<text class="p-value" x="2" y="{}">{}</text>').format(self.y(tick) + TOP - 3, value)
            )
        for x, text in ((x, text) for x, text in times if EDGE <= x <= 1 - EDGE):
            self._text("p-time", x, TOP + HIGH + LANE + 13, text)
        inner = Markup('<path class="p-grid" d="{}{}"/>{}').format(grid, marks, Markup().join(self._lines))
        return Markup(
            '<svg class="plot" role="img" height="{:.0f}"><title>{}</title><desc>{}</desc>{}'
            '<svg aria-hidden="true" x="0" y="{:.0f}" width="100%" height="{:.0f}" viewBox="0 0 {:.0f} {:.0f}" '
            'preserveAspectRatio="none">{}</svg>{}</svg>'
        ).format(
            TOP + HIGH + LANE + FOOT,
            title,
            words,
            Markup().join(self._behind),
            TOP,
            HIGH,
            WIDE,
            HIGH,
            inner,
            Markup().join(self._around),
        )

    def _text(self, kind: str, x: float, y: float, text: str) -> None:
        self._around.append(
            Markup('<text class="{}" x="{:.2f}%" y="{:.0f}" text-anchor="middle">{}</text>').format(
                kind, 100 * x, y, text
            )
        )


def key(kind: str, shape: str = "line") -> Markup:
    """A sample for the legend."""
    inner = {
        "line": '<path class="{}" d="M0 6H20"/>',
        "band": '<rect class="{}" width="20" height="12"/>',
        "lane": '<rect class="{}" y="7" width="20" height="5"/>',
    }[shape]
    return Markup('<svg class="p-key" viewBox="0 0 20 12" aria-hidden="true" focusable="false">{}</svg>').format(
        Markup(inner).format(kind)  # noqa: S704 - of ours alone
    )


def _box(kind: str, start: float, end: float, y: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.2f}%" y="{:.0f}" width="{:.2f}%" height="{:.0f}"/>').format(
        kind, 100 * start, y, 100 * (end - start), height
    )


def _xy(point: Point, canvas: Canvas) -> str:
    return f"{point[0] * WIDE:.1f} {canvas.y(point[1])}"
