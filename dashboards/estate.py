"""Estate: everything at a glance, worst first."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import CHECK_LINK, OURS
from dashboards.panels import (
    AVAILABILITY,
    BUDGET,
    OPEN_INCIDENTS,
    STATES,
    Json,
    colored,
    column,
    mapped,
    per_interval,
    rows,
    series,
    stat,
    table,
    timeline,
)

NAMES = "title, severity, role, reason, blame"


def count(state: int) -> str:
    return f"count(pacs_check_state{{{OURS}}} == {state}) or vector(0)"


def _states() -> Json:
    panel = stat(
        "Checks by state",
        "Number of checks per confirmed state.",
        {word: count(n) for n, word, _ in STATES},
        decimals=0,
    )
    return colored(panel, {word: color for _, word, color in STATES})


def _worst() -> Json:
    state = f"((pacs_check_state{{{OURS}}} != 1) < 4)"
    return table(
        "Checks that are not up",
        "Worst first, without absent ones: why, and whose fault it is. docs/operations.md has an entry per reason.",
        {
            "State": f"{state} * on (job, instance, node, check) group_left ({NAMES}) pacs_check_info",
            "Since": f"pacs_check_state_since_timestamp_seconds{{{OURS}}} * 1000"
            " and on (job, instance, node, check) ((pacs_check_state != 1) < 4)",
        },
        labels=("node", "title", "check", "reason", "blame", "severity", "role", "site"),
        columns=(
            column("State", mappings=mapped(*STATES)),
            column("Since", unit="dateTimeFromNow"),
            column("check", link=CHECK_LINK),
        ),
        sort=("State", True),
        first=("State", "Since"),
    )


def dashboard() -> Json:
    incidents = stat(
        "Open incidents",
        "All open incidents of the monitor, by severity.",
        OPEN_INCIDENTS,
        decimals=0,
        steps=(("green", None), ("red", 1)),
    )
    measured = stat(
        "Measured",
        "Share of the checks whose state is known now. Checks that people have stopped do not count.",
        {"": "pacs:measured"},
        unit="percentunit",
        decimals=1,
        steps=(("red", None), ("yellow", 0.9), ("green", 1)),
    )
    services = stat(
        "Services",
        "What users call the PACS, as it is now.",
        {"{{service}}": "max by (service) (pacs_service_state)"},
        mappings=mapped(*STATES),
        steps=[(color, n or None) for n, _, color in STATES],
    )
    budgets = stat(
        "Objectives: budget left",
        "The six with the least left of what is permitted in the agreed period, as the report accounts for it.",
        {"{{objective}}: {{service}}{{node}}": "bottomk(6, 1 - objective:pacs_budget_used:ratio)"},
        unit="percentunit",
        decimals=0,
        steps=BUDGET,
    )
    nodes = timeline("Nodes", "Each node over time, by its worst check.", {"{{node}}": _worst_state()}, STATES)
    sites = series(
        "Nodes available, by site",
        "Share of the nodes of which no check is down.",
        {"{{site}}": 'pacs:available{level="site", site=~"$site"}'},
        unit="percentunit",
        maximum=1,
    )
    roles = stat(
        "Availability of roles",
        "Mean of the nodes of a role over the last day. Unknown, planned and unmeasured time is in neither number.",
        {"{{role}}": 'pacs:available:ratio_1d{level="role", role=~"$role"}'},
        unit="percentunit",
        decimals=2,
        steps=AVAILABILITY,
    )
    reasons = series(
        "Failed runs by reason",
        "Runs that failed or were unknown, per interval.",
        {"{{reason}}": per_interval(f"pacs_probe_failures_total{{{OURS}}}", "reason")},
        stacked=True,
    )
    return frame.dashboard(
        "pacs-estate",
        "PACS estate",
        "Every node at a glance, worst first.",
        rows(
            (4, (_states(), incidents, services, measured)),
            (4, (budgets,)),
            (9, (_worst(),)),
            (9, (nodes,)),
            (8, (roles, sites, reasons)),
        ),
    )


def _worst_state() -> str:
    """Down before degraded before up before unknown before absent."""
    state = f"pacs_check_state{{{OURS}}}"
    return f"max by (node) ({state} < 4) or max by (node) ({state})"
