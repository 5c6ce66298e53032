"""Uptime and objectives: what was available, what is left of the error budget."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import NODE_LINK, OURS
from dashboards.panels import (
    AVAILABILITY,
    BUDGET,
    OPEN_INCIDENTS,
    SEVERITIES,
    Json,
    colored,
    column,
    rows,
    series,
    stat,
    table,
)

ROLES = 'pacs:available:ratio_1h{level="role", role=~"$role"}'
NODE = f'level="node", {OURS}'
BY_NODE = "min by (node, site)"
BY_OBJECTIVE = "max by (objective, service, node)"


def _agreed() -> Json:
    return table(
        "Objectives",
        "So far in the agreed period, as the report has it: downtime, or the share of runs that were in time.",
        {
            "Budget left": f"{BY_OBJECTIVE} (1 - objective:pacs_budget_used:ratio)",
            "Available": f"{BY_OBJECTIVE} (pacs_objective_availability)",
            "Permitted": f"{BY_OBJECTIVE} (pacs_objective_budget_seconds)",
            "Used": f"{BY_OBJECTIVE} (pacs_objective_used_seconds)",
            "In time": f"{BY_OBJECTIVE} (pacs_objective_in_time_ratio)",
            "Agreed": f"{BY_OBJECTIVE} (pacs_objective_in_time_target_ratio)",
            "Measured": f"{BY_OBJECTIVE} (pacs_objective_measured_ratio)",
            "Period ends": f"{BY_OBJECTIVE} (pacs_objective_period_end_timestamp_seconds) * 1000",
        },
        labels=("objective", "service", "node"),
        columns=(
            column("Budget left", unit="percentunit", steps=BUDGET),
            *(column(name, unit="percentunit") for name in ("Available", "In time", "Agreed", "Measured")),
            *(column(name, unit="s") for name in ("Permitted", "Used")),
            column("Period ends", unit="dateTimeFromNow"),
        ),
        sort=("Budget left", False),
    )


def dashboard() -> Json:
    services = stat(
        "Services over 30 days",
        "Samples, for a look. What counts for a contract, by calendar and service hours, is the report of the quarter.",
        {"{{service}}": 'pacs:available:ratio_30d{level="service"}'},
        unit="percentunit",
        decimals=3,
        steps=AVAILABILITY,
    )
    left = stat(
        "Error budget left",
        "Of 30 days, per service: 100 % is untouched, below zero is overspent, against the objective beside it.",
        {"{{service}}": 'pacs:error_budget_remaining:ratio_30d{level="service"}'},
        unit="percentunit",
        decimals=0,
        steps=BUDGET,
    )
    objective = stat(
        "Objective",
        "As the rules have it, one for all.",
        {"": 'pacs:threshold{name="objective_ratio"}'},
        unit="percentunit",
        decimals=2,
        background=False,
    )
    quarter = stat(
        "Last 91 days",
        "Mean of the nodes of each role, as far as it is kept. The quarter so far is in the report (Open the monitor).",
        {"{{role}}": f"avg_over_time({ROLES}[91d:1h]) or {ROLES}"},
        unit="percentunit",
        decimals=3,
        steps=AVAILABILITY,
    )
    nodes = table(
        "Nodes",
        "Worst first. Unknown, absent, planned and unmeasured time is in neither number.",
        {
            "30 days": f"{BY_NODE} (pacs:available:ratio_30d{{{NODE}}})",
            "7 days": f"{BY_NODE} (pacs:available:ratio_7d{{{NODE}}})",
            "1 day": f"{BY_NODE} (pacs:available:ratio_1d{{{NODE}}})",
            "Budget left": f"{BY_NODE} (pacs:error_budget_remaining:ratio_30d{{{NODE}}})",
        },
        labels=("node", "site"),
        columns=(
            *(column(name, unit="percentunit", steps=AVAILABILITY) for name in ("30 days", "7 days", "1 day")),
            column("Budget left", unit="percentunit", steps=BUDGET),
            column("node", link=NODE_LINK),
        ),
        sort=("30 days", False),
    )
    burn = series(
        "Burn rate",
        "How much faster than even the budget of 30 days is spent; above 1 it does not last.",
        {"{{node}}": f'(1 - pacs:available:ratio_6h{{{NODE}}}) / scalar(1 - pacs:threshold{{name="objective_ratio"}})'},
        steps=(("green", None), ("yellow", 1), ("red", 6)),
    )
    incidents = colored(series("Open incidents", "By severity.", OPEN_INCIDENTS), SEVERITIES)
    coverage = series(
        "Measured",
        "Share of the checks that were measured over a day. The rest is unknown, never downtime.",
        {"{{job}}": "pacs:measured:ratio_1d"},
        unit="percentunit",
        maximum=1,
        steps=(("red", None), ("green", 0.95)),
    )
    return frame.dashboard(
        "pacs-uptime",
        "PACS uptime and objectives",
        "Availability, error budgets and incidents.",
        rows(
            (8, (_agreed(),)),
            (5, (services, left, objective, quarter)),
            (10, (nodes,)),
            (8, (burn, incidents, coverage)),
        ),
        path="/reports",
        since="now-30d",
    )
