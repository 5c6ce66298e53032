"""Node: all checks and phases of the chosen nodes."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import CHECK_LINK, OURS
from dashboards.panels import (
    AVAILABILITY,
    STATES,
    Json,
    column,
    mapped,
    per_interval,
    rows,
    series,
    stat,
    table,
    timeline,
)

MEAN = "check:pacs_probe_duration_seconds"
NOW = "max by (node, check, probe, site)"
RESTRICTED = mapped((0, "", "transparent"), (1, "read only", "purple"), (2, "stopped", "purple"))


def dashboard() -> Json:
    checks = table(
        "Checks",
        "Every check of the chosen nodes, as it is now.",
        {
            "State": f"{NOW} (pacs_check_state{{{OURS}}} < 4 or pacs_check_state{{{OURS}}} - 5)",
            "Last duration": f"{NOW} (pacs_probe_duration_seconds{{{OURS}}})",
            "Last run": f"{NOW} (pacs_probe_last_run_timestamp_seconds{{{OURS}}}) * 1000",
            "Last success": f"{NOW} (pacs_probe_last_success_timestamp_seconds{{{OURS}}}) * 1000",
            "Restricted": f"{NOW} (pacs_check_restricted{{{OURS}}})",
        },
        labels=("node", "check", "probe", "site"),
        columns=(
            column("State", mappings=mapped(*STATES, (-1, "absent", "blue"))),  # after all others, being no trouble
            column("Last duration", unit="s"),
            column("Last run", unit="dateTimeFromNow"),
            column("Last success", unit="dateTimeFromNow"),
            column("Restricted", mappings=RESTRICTED),
            column("check", link=CHECK_LINK),
        ),
        sort=("State", True),
        first=("State",),
    )
    available = stat(
        "Availability",
        "Of the node over 30 days: no check down. Unknown, planned and unmeasured time is in neither number.",
        {"{{node}}": f'pacs:available:ratio_30d{{level="node", {OURS}}}'},
        unit="percentunit",
        decimals=3,
        steps=AVAILABILITY,
    )
    states = timeline("States", "Every check over time.", {"{{node}}/{{check}}": f"pacs_check_state{{{OURS}}}"}, STATES)
    durations = series(
        "Duration of the last run",
        "By check.",
        {"{{node}}/{{check}}": f"pacs_probe_duration_seconds{{{OURS}}}"},
        unit="s",
        beside=True,
    )
    phases = series(
        "Where the time goes",
        "Mean of the phases of the last runs: name, connection, TLS, association, operation.",
        {"{{check}} {{phase}}": f"avg by (check, phase) (pacs_probe_phase_seconds{{{OURS}}})"},
        unit="s",
        beside=True,
    )
    week = series(
        "Duration against its week",
        "Mean of half an hour of the runs that succeeded, divided by the mean of the last seven days; 1 is as usual.",
        {"{{node}}/{{check}}": f"{MEAN}:avg_30m{{{OURS}}} / {MEAN}:avg_7d"},
        steps=(("green", None), ("red", 3)),
        beside=True,
    )
    failures = series(
        "Failed runs by reason",
        "Runs that failed or were unknown, per interval.",
        {"{{check}} {{reason}}": per_interval(f"pacs_probe_failures_total{{{OURS}}}", "check, reason")},
        stacked=True,
        beside=True,
    )
    return frame.dashboard(
        "pacs-node",
        "PACS node",
        "All checks and phases of one node, or of some.",
        rows((11, (checks,)), (4, (available,)), (8, (states,)), (8, (durations, phases)), (8, (failures, week))),
    )
