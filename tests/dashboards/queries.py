"""What Grafana would ask of Prometheus: every query of the dashboards with their variables filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pacs_monitor import probes

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))
RULE_FILES = tuple(sorted((ROOT / "rules").glob("*.yaml")))
RULES: list[dict[str, Any]] = [
    rule for file in RULE_FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
]

BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h", "__all": ".*"}
ANY = ".*"
"""Every variable of ours is matched by a regular expression, and stands at All."""
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
LABEL_VALUES = re.compile(r"label_values\((.+),\s*(\w+)\)")
METRIC = re.compile(r"(?<![\w:])pacs_\w+(?![\w:])")
RECORDING = re.compile(r"\w+(?::\w+)+")


@dataclass(frozen=True)
class Query:
    """One query; `where` says which panel, variable or annotation asks it."""

    where: str
    expr: str


def load(file: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(file.read_text())
    return dashboard


def queries(dashboard: dict[str, Any]) -> Iterator[Query]:
    """All of them; a variable's label_values(selector, label) becomes the selector's count by that label.

    An annotation is asked of the last half hour, as Grafana asks of a range: what it marks lasted for a moment.
    """
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield Query(f"{panel['title']} {target['refId']}", fill(target["expr"]))
    for annotation in dashboard["annotations"]["list"]:
        yield Query(annotation["name"], f"last_over_time(({fill(annotation['target']['expr'])})[30m:5s])")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = LABEL_VALUES.fullmatch(variable["query"]["query"])
            assert found, variable["query"]
            yield Query(f"${variable['name']}", f"count by ({found[2]}) ({fill(found[1])})")


def fill(expr: str) -> str:
    """The expression as Prometheus gets it."""
    return VARIABLE.sub(lambda found: BUILT_IN.get(found[1] or found[2], ANY), expr)


def variables(text: str) -> set[str]:
    """The variables of ours that a text uses."""
    return {found[1] or found[2] for found in VARIABLE.finditer(text)} - BUILT_IN.keys()


def metrics(expr: str) -> set[str]:
    """The families that an expression asks for; a histogram is named without its suffix."""
    return {re.sub(r"_bucket$", "", name) for name in METRIC.findall(expr)}


def rule_queries() -> Iterator[str]:
    """What the rules ask, in their expressions and for their annotations."""
    for rule in RULES:
        yield rule["expr"]
        yield from rule.get("annotations", {}).values()


def used_metrics() -> set[str]:
    """What dashboards and rules ask for."""
    of_dashboards = (query.expr for file in DASHBOARDS for query in queries(load(file)))
    return {name for expr in (*of_dashboards, *rule_queries()) for name in metrics(expr)}


def documented_metrics() -> set[str]:
    """What docs/metrics.md promises of the monitor itself and of every check."""
    rows = re.findall(r"^\| `(pacs_\w+)`", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    return set(rows)


def measured_metrics() -> set[str]:
    """What the probes measure, as `pacs-monitor probes KIND` lists it; which of it there is depends on the estate."""
    return {f"pacs_{measure.name}" for kind in probes.kinds().values() for measure in getattr(kind, "measures", ())}


def measured_and_documented() -> set[str]:
    """What the pages of the probes promise."""
    pages = (ROOT / "docs" / "probes").glob("*.md")
    return {name for page in pages for name in re.findall(r"^\| `(pacs_\w+)`", page.read_text(), re.MULTILINE)}


def recordings(expr: str) -> set[str]:
    """The recorded series that an expression asks for."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expr)
    return set(RECORDING.findall(bare))


def recorded() -> set[str]:
    """What the rules record."""
    return {rule["record"] for rule in RULES if "record" in rule}
