"""The report's sentences, for the people who sign it. Nothing is rounded in anybody's favour."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil, floor
from typing import Any

from pacs_monitor.config.format import percent
from pacs_monitor.format.human import duration, exact_percentage
from pacs_monitor.model import SECOND

DASH = "\N{EN DASH}"
MET = {
    "met": "met",
    "missed": "NOT met",
    "within": "within the allowance so far",
    "not_assessable": "not assessable",
}
CAUSES = {
    "monitor_not_running": "the monitor did not run",
    "refused_us": "the node refused the monitor itself",
    "isolated": "the monitor was cut off from its site",
    "not_measured": "no result, or no result yet",
    "paused": "the check was paused",
    "unproven": "the check has never worked with its settings",
    "clock": "the clock was set",
    "not_watched": "it was not in the configuration",
}
STATES = {
    "up": "up",
    "degraded": "slow or impaired",
    "down": "down",
    "unreachable": "unreachable behind a network fault",
    "absent": "switched off",
    "maintenance": "planned maintenance",
    "unknown": "not measured",
    "outside_hours": "outside of the agreed hours",
    "excluded": "left out as planned maintenance",
    "forgiven": "outages too short to count",
}
RULES = {
    "exclude_downtime": "downtime in planned maintenance does not count",
    "exclude_windows": "planned maintenance is left out whole",
    "include": "planned maintenance counts as any other time",
}
BOUNDS = {
    "measured": "an outage lasts from the first failed to the first good result",
    "at_least": "an outage lasts from the first to the last failed result",
    "at_most": "an outage lasts from the last good to the first good result",
}


def verdict(row: Mapping[str, Any]) -> list[str]:
    """`Counted under SLA 4.2: 99.93 %, met.` and what goes with it, for one row of an agreement."""
    under = f"Counted under {row['contract']}" if row["contract"] else "Counted"
    used, budget = row["used_seconds"], row["budget_seconds"]
    if row["verdict"] == "not_assessable":
        said = [_not_assessable(row)]
    else:
        said = [f"{under}: {of(row)} {DASH} {MET[row['verdict']]}.", _allowance(budget, used)]
    felt = percentage(row["felt_time_seconds"] - row["felt_seconds"], row["felt_time_seconds"], decimals(row))
    said.append(f"As users felt it: {felt}.")
    seconds = row["seconds"]
    if seconds["degraded"]:
        said.append(f"Slow, counted as {row['degraded']}: {exact(seconds['degraded'])}.")
    if seconds["excluded"]:
        said.append(f"Left out as planned maintenance: {exact(seconds['excluded'])}.")
    if seconds["forgiven"]:
        said.append(f"Not counted, shorter than {exact(row['minimum_outage_seconds'])}: {exact(seconds['forgiven'])}.")
    if seconds["unknown"]:
        said.append(f"Not measured, counted for nobody: {exact(seconds['unknown'])}.")
    return said


def _not_assessable(row: Mapping[str, Any]) -> str:
    part, whole = row["measured_seconds"], row["to_measure_seconds"]
    causes = sorted(row["unknown_by_cause"].items(), key=lambda item: -item[1])
    why = f" ({CAUSES[causes[0][0]]} for {exact(causes[0][1])})" if causes and causes[0][1] else ""
    return (
        f"Not assessable: {percentage(part, whole)} of the agreed time was measured{why}; "
        f"{percent(row['coverage_needed'])} are needed."
    )


def _allowance(budget: float, used: float) -> str:
    allowed, counted = floor(budget), ceil(used)
    left = f"left {exact(floor(budget - used))}" if used <= budget else f"over by {exact(ceil(used - budget))}"
    return f"Allowed {exact(allowed)}, counted {exact(counted)}, {left}."


def of(row: Mapping[str, Any]) -> str:
    """The figure that counts."""
    return percentage(row["counted_time_seconds"] - row["used_seconds"], row["counted_time_seconds"], decimals(row))


def decimals(row: Mapping[str, Any]) -> int:
    """One more than the target has, at least two."""
    if row["target"] is None:
        return 2
    written = Decimal(percent(row["target"]).rstrip("%")).normalize().as_tuple().exponent
    return max(2, 1 - written) if isinstance(written, int) else 2


def target(row: Mapping[str, Any]) -> str:
    """`99.9 % per quarter`, `at most 26 min per month`."""
    if row["target"] is not None:
        return f"{percent(row['target']).replace('%', ' %')} per {row['per']}"
    return f"at most {exact(row['allowed_seconds'])} of downtime per {row['per']}"


def percentage(part: float, whole: float, places: int = 2) -> str:
    """Of two amounts of seconds, rounded down; in words where there is nothing to divide by."""
    if not whole:
        return "not measured"
    return exact_percentage(round(part * SECOND), round(whole * SECOND), places)


def exact(seconds: float) -> str:
    """`1 h 26 min 3 s`."""
    return duration(round(seconds, 3) if seconds < 60 else round(seconds), exact=True)


def definitions(row: Mapping[str, Any]) -> list[str]:
    """The terms of an agreement, one sentence each."""
    said = [
        f"Agreed: {target(row)}, in {'the hours of ' + row['calendar'] if row['calendar'] else 'all hours'}.",
        "Counted is all downtime that users felt."
        if row["counts"] == "felt"
        else "Counted is downtime of the system itself, not what was unreachable behind a network fault.",
        f"{BOUNDS[row['outage']].capitalize()}.",
        f"{RULES[row['maintenance']].capitalize()}.",
        f"Slow or impaired counts as {row['degraded']}.",
    ]
    if row["notice_seconds"]:
        said.append(f"Maintenance is left out only if it was announced {exact(row['notice_seconds'])} before.")
    if row["cap_seconds"] is not None:
        said.append(f"At most {exact(row['cap_seconds'])} of maintenance is left out per {row['per']}.")
    if row["minimum_outage_seconds"]:
        said.append(f"Outages shorter than {exact(row['minimum_outage_seconds'])} do not count.")
    return said
