"""What a panel is made of: queries, units, thresholds and mappings, in Grafana's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

Json = dict[str, Any]
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
STATES = (
    (0, "unknown", "purple"),
    (1, "up", "green"),
    (2, "degraded", "yellow"),
    (3, "down", "red"),
    (4, "absent", "blue"),
)
AVAILABILITY = (("red", None), ("yellow", 0.999), ("green", 0.9995))
BUDGET = (("red", None), ("yellow", 0.01), ("green", 0.25))
"""Of an error budget: what is left of it; red is overspent."""
OPEN_INCIDENTS = {"{{severity}}": "sum by (severity) (pacs_incidents_open)"}
Steps = Sequence[tuple[str, float | None]]
"""A colour, and from which value on it holds; the first holds below all."""
LEGEND: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
PLAIN: Steps = (("blue", None),)


def mapped(*values: tuple[int, str, str]) -> list[Json]:
    """Words and colours instead of numbers."""
    options = {str(n): {"text": text, "color": color, "index": i} for i, (n, text, color) in enumerate(values)}
    return [{"type": "value", "options": options}]


NOTHING: Json = {"type": "special", "options": {"match": "null+nan", "result": {"text": "", "color": "transparent"}}}
"""What nobody knows has no colour: without it, an empty cell has that of the lowest threshold."""
BAR = "1m"
"""The shortest time that a bar stands for: four scrapes, as increase() needs them."""


SEVERITIES = {"critical": "red", "warning": "orange", "info": "blue"}


def colored(panel: Json, colors: Mapping[str, str]) -> Json:
    """The panel with a colour for each of these series."""
    rules = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": _fixed(color)}]}
        for name, color in colors.items()
    ]
    return panel | {"fieldConfig": panel["fieldConfig"] | {"overrides": rules}}


def _fixed(color: str) -> Json:
    return {"mode": "fixed", "fixedColor": color}


def per_interval(counter: str, by: str) -> str:
    """By how much a counter rose in the time that a bar stands for; the next bar begins where it ends."""
    return f"sum by ({by}) (increase({counter}[$__interval]))"


def happened(counter: str, by: str) -> str:
    """What rose, of a counter that is there from 0 on: else a series `none`, which is there while the scrape is."""
    none = f'label_replace(0 * sum(increase({counter}[$__interval])), "{by.partition(",")[0]}", "none", "", "")'
    return f"{per_interval(counter, by)} > 0 or {none}"


def stat(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    decimals: int | None = None,
    steps: Steps = PLAIN,
    mappings: Sequence[Json] = (),
    background: bool = True,
) -> Json:
    """The latest value of each query, large."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background" if background else "value",
        "graphMode": "none",
        "textMode": "auto",
        "orientation": "auto",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    targets = _targets(queries, instant=True)
    return _panel("stat", title, description, targets, _defaults(unit, decimals, steps, mappings), options)


def series(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    unit: str = "short",
    steps: Steps = PLAIN,
    minimum: float | None = 0,
    maximum: float | None = None,
    stacked: bool = False,
    beside: bool = False,
) -> Json:
    """Lines over time; where a threshold is given, its line is drawn. Stacked, they are bars, for what is counted.

    `beside`: the legend is a list, for many series.
    """
    defaults = _defaults(unit, None, steps, ())
    defaults["color"] = {"mode": "palette-classic"}
    defaults |= {"min": minimum} if minimum is not None else {}
    defaults |= {"max": maximum} if maximum is not None else {}
    defaults["custom"] = {
        "drawStyle": "bars" if stacked else "line",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        **({"axisSoftMax": 1} if unit == "short" else {}),
        "thresholdsStyle": {"mode": "line" if len(steps) > 1 else "off"},
    }
    options = {
        "legend": LEGEND | {"placement": "right" if beside else "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    panel = _panel("timeseries", title, description, _targets(queries), defaults, options)
    return panel | {"interval": BAR} if stacked else panel


def timeline(title: str, description: str, queries: Mapping[str, str], states: Sequence[tuple[int, str, str]]) -> Json:
    """One row per series, coloured by its state."""
    steps = [(color, None if n == 0 else n) for n, _, color in states]
    defaults = _defaults("short", None, steps, mapped(*states))
    defaults |= {"custom": {"fillOpacity": 80, "lineWidth": 0}, "color": {"mode": "thresholds"}}
    options = {
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.9,
        "alignValue": "left",
        "legend": LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, description, _targets(queries), defaults, options)


def column(
    name: str,
    *,
    unit: str | None = None,
    mappings: Sequence[Json] = (),
    steps: Steps = (),
    link: str | None = None,
) -> Json:
    """How a column of a table is shown; `link` may name fields of its row."""
    properties: list[Json] = []
    if unit:
        properties.append({"id": "unit", "value": unit})
    if mappings or steps:
        properties.append({"id": "mappings", "value": [*mappings, NOTHING]})
    if steps:
        properties.append({"id": "thresholds", "value": _thresholds(steps)})
    if mappings or steps:
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
    if link:
        properties.append({"id": "links", "value": [{"title": "In the monitor", "url": link, "targetBlank": True}]})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def table(
    title: str,
    description: str,
    queries: Mapping[str, str],
    *,
    labels: Sequence[str],
    columns: Sequence[Json] = (),
    sort: tuple[str, bool] | None = None,
    first: Sequence[str] = (),
) -> Json:
    """One row per series: its labels, then the value of each query; `sort`: by a column, and whether downwards.

    Rows of several queries become one where all labels are the same, so that a query must leave out the metric's name.
    The columns in `first` stand before the labels.
    """
    values = {
        f"Value #{ref}" if len(queries) > 1 else "Value": n for n, ref in zip(queries, ascii_uppercase, strict=False)
    }
    early = [name for name, shown in values.items() if shown in first]
    order = {name: place for place, name in enumerate(dict.fromkeys((*early, *labels, *values)))}
    shown = {"include": {"names": [*labels, *values]}}
    organize = {"renameByName": values, "indexByName": order, "excludeByName": {}}
    targets = [t | {"format": "table", "legendFormat": ""} for t in _targets(queries, instant=True)]
    options: Json = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    if sort:
        options["sortBy"] = [{"displayName": sort[0], "desc": sort[1]}]
    defaults = _defaults("short", None, PLAIN, ())
    defaults["custom"] = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "minWidth": 80}
    panel = _panel("table", title, description, targets, defaults, options)
    panel["fieldConfig"]["overrides"] = list(columns)
    merge = [{"id": "merge", "options": {}}, {"id": "filterFieldsByName", "options": shown}]
    panel["transformations"] = [*merge, {"id": "organize", "options": organize}]
    return panel


def rows(*heights_and_panels: tuple[int, Sequence[Json]]) -> list[Json]:
    """Panels on the grid: each row has its height, and its panels share the width."""
    placed: list[Json] = []
    top = 0
    for height, panels in heights_and_panels:
        left = 0
        for index, panel in enumerate(panels):
            width = (24 - left) // (len(panels) - index)
            place = {"x": left, "y": top, "w": width, "h": height}
            placed.append({"id": len(placed) + 1, **panel, "gridPos": place})
            left += width
        top += height
    return placed


def _panel(kind: str, title: str, description: str, targets: list[Json], defaults: Json, options: Json) -> Json:  # noqa: PLR0917 - as Grafana orders them
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def _targets(queries: Mapping[str, str], *, instant: bool = False) -> list[Json]:
    return [
        {"refId": ref, "datasource": SOURCE, "expr": expr, "legendFormat": legend, "instant": instant}
        | ({} if instant else {"range": True})
        for ref, (legend, expr) in zip(ascii_uppercase, queries.items(), strict=False)
    ]


def _defaults(unit: str, decimals: int | None, steps: Steps, mappings: Sequence[Json]) -> Json:
    defaults: Json = {"unit": unit, "thresholds": _thresholds(steps), "mappings": list(mappings)}
    return defaults if decimals is None else defaults | {"decimals": decimals}


def _thresholds(steps: Steps) -> Json:
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in steps]}
