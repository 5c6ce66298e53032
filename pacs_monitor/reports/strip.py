"""Pictures of the report as inline SVG, each with its text; legible in black and white."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pacs_monitor.format.human import pluralized
from pacs_monitor.reports.words import STATES, exact

DAY, HEIGHT = 6, 24
NAMED = 8
"""Days that a text names one by one."""
UNMEASURED = 300
"""Seconds of a day that were not measured: from then on it is marked."""
HEIGHTS = {"up": 6, "degraded": 14, "absent": 3, "maintenance": 14, "unreachable": 20, "down": 24, "unknown": 24}
PATTERNS = Markup(
    '<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="5" height="5" fill="#fff"/>'
    '<line x1="0" y1="0" x2="0" y2="5" stroke="#444" stroke-width="2.4"/></pattern>'
    '<pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<rect width="4" height="4" fill="#fff"/><circle cx="2" cy="2" r="1.2" fill="#1d4ed8"/></pattern>'
    "</defs></svg>"
)


def strip(row: Mapping[str, Any], months: Sequence[str]) -> Markup:
    """A node day by day: the taller, the worse; hatched where nothing was measured."""
    drawn, x, edges = [Markup()], 0, set[int]()
    for days in row["days"]:
        width = days["count"] * DAY
        worst, unmeasured = days["worst"], days["seconds"].get("unknown", 0)
        height = HEIGHTS[worst]
        drawn.append(_rect(worst, x, HEIGHT - height, width, height))
        if unmeasured >= UNMEASURED and worst != "unknown":
            drawn.append(_rect("unknown", x, 0, width, 6))
        x += width
    for number, month in enumerate(months):
        if number and month != months[number - 1]:
            edges.add(number * DAY)
    lines = Markup().join(Markup('<path class="edge" d="M{} 0V{}"/>').format(edge, HEIGHT) for edge in sorted(edges))
    text = described(row)
    return Markup(
        '<svg class="strip" role="img" viewBox="0 0 {} {}" preserveAspectRatio="none"><title>{}</title>{}{}</svg>'
    ).format(max(x, DAY), HEIGHT, text, Markup().join(drawn), lines)


def described(row: Mapping[str, Any]) -> str:
    """What the strip of a node shows, in words."""
    by_state: dict[str, list[str]] = {}
    count, partly = 0, 0
    for days in row["days"]:
        count += days["count"]
        by_state.setdefault(days["worst"], []).extend([days["day"]] * days["count"])
        partly += days["count"] if days["seconds"].get("unknown", 0) >= UNMEASURED else 0
    parts = [pluralized(len(by_state["up"]), "day") + " up"] if by_state.get("up") else []
    for state in ("down", "unreachable", "degraded", "maintenance", "absent", "unknown"):
        if found := by_state.get(state):
            named = f" (first on {found[0]})" if len(found) > NAMED else f" ({', '.join(dict.fromkeys(found))})"
            parts.append(f"{pluralized(len(found), 'day')} {STATES[state]}{named}")
    if partly:
        parts.append(f"not measured for 5 min or more on {pluralized(partly, 'day')}")
    return f"{row['title']}, {pluralized(count, 'day')}: {'; '.join(parts) or 'nothing on record'}"


def allowance(row: Mapping[str, Any]) -> Markup:
    """How much of the permitted downtime is used."""
    budget, used = row["budget_seconds"], row["used_seconds"]
    whole = max(budget, used, 1e-6)
    width = 600
    inside, over = min(used, budget) / whole * width, max(0.0, used - budget) / whole * width
    limit = budget / whole * width
    text = f"Counted downtime {exact(used)} of {exact(budget)} allowed"
    return Markup(
        '<svg class="allowance" role="img" viewBox="0 0 {w} 26"><title>{text}</title>'
        '<rect class="frame" x="0.5" y="4.5" width="{inner:.1f}" height="16"/>'
        '<rect class="used" x="0.5" y="4.5" width="{inside:.1f}" height="16"/>'
        '<rect class="over" x="{limit:.1f}" y="4.5" width="{over:.1f}" height="16"/>'
        '<path class="limit" d="M{limit:.1f} 0V25"/></svg>'
    ).format(w=width, text=text, inner=width - 1, inside=inside, over=over, limit=min(limit, width - 0.5))


def legend() -> Markup:
    """What the strips mean."""
    kinds = ("up", "degraded", "maintenance", "unreachable", "down", "absent", "unknown")
    return Markup().join(_legend(kind) for kind in kinds)


def _legend(kind: str) -> Markup:
    box = _rect(kind, 0, HEIGHT - HEIGHTS[kind], 14, HEIGHTS[kind])
    return Markup('<li><svg aria-hidden="true" viewBox="0 0 14 {}">{}</svg> {}</li>').format(HEIGHT, box, STATES[kind])


def _rect(kind: str, x: int, y: int, width: int, height: int) -> Markup:
    """Of numbers and a kind of ours: nothing in it needs to be escaped."""
    return Markup(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}"/>')  # noqa: S704
