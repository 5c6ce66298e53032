"""Monitor health: whether the monitor itself works."""

from __future__ import annotations

from dashboards import frame
from dashboards.panels import Json, happened, mapped, rows, series, stat, timeline

ROLES = ((1, "leader", "green"), (2, "standby", "blue"), (3, "fenced", "red"))
ROLE = " or ".join(f'{number} * (pacs_monitor_role{{role="{role}"}} == 1)' for number, role, _ in ROLES)
ANSWERS = ((0, "no answer", "red"), (1, "answers", "green"))
LAG = "sum by (instance, le) (rate(pacs_scheduler_lag_seconds_bucket[$__rate_interval]))"
MEDIAN = f"histogram_quantile(0.5, {LAG}) >= 0"
WAIT = "sum by (instance, le) (rate(pacs_seat_wait_seconds_bucket[$__rate_interval]))"
UP = 'up{job="pacs-monitor"}'


def dashboard() -> Json:
    answers = stat(
        "Scrape",
        "Whether each daemon answers.",
        {"{{instance}}": UP},
        mappings=mapped(*ANSWERS),
        steps=(("red", None), ("green", 1)),
    )
    roles = stat(
        "Role",
        "Of each daemon of a pair.",
        {"{{instance}}": ROLE},
        mappings=mapped(*ROLES),
        steps=[(color, n if n > 1 else None) for n, _, color in ROLES],
    )
    config = stat(
        "Configuration",
        "Red when the configuration on disk has errors, and the one before it is still in force.",
        {"{{instance}}": "pacs_config_last_reload_successful"},
        mappings=mapped((0, "errors", "red"), (1, "in force", "green")),
        steps=(("red", None), ("green", 1)),
    )
    version = stat("Version", "Of each daemon.", {"{{instance}} {{version}}": "pacs_build_info"}, background=False)
    version["options"]["textMode"] = "name"
    coverage = stat(
        "Coverage",
        "Share of the selected time in which the daemon answered its scrape. The rest is unknown, never downtime.",
        {"{{instance}}": 'avg_over_time(up{job="pacs-monitor"}[$__range])'},
        unit="percentunit",
        decimals=2,
        steps=(("red", None), ("yellow", 0.99), ("green", 0.999)),
    )
    up = timeline("Answers", "Each daemon over time.", {"{{instance}}": UP}, ANSWERS)
    lag = series(
        "Scheduling lag",
        "From when a run was due to its start; apart, how long it waited for other runs at its address.",
        {
            "{{instance}} p99": "instance:pacs_scheduler_lag_seconds:p99_5m",
            "{{instance}} median": MEDIAN,
            "{{instance}} wait for other runs, p99": f"histogram_quantile(0.99, {WAIT}) >= 0",
        },
        unit="s",
        steps=(("green", None), ("red", 1)),
    )
    runs = series(
        "Runs",
        "In progress now, with their name lookups; per second: started, skipped, overdue.",
        {
            "started": "sum by (instance) (rate(pacs_probe_runs_total[$__rate_interval]))",
            "in progress": "pacs_runs_in_progress",
            "skipped": "sum by (instance) (rate(pacs_runs_skipped_total[$__rate_interval]))",
            "lookups": "pacs_resolver_lookups_in_progress",
            "overdue": "sum by (instance) (rate(pacs_runs_overdue_total[$__rate_interval]))",
        },
    )
    history = series(
        "Database",
        "Duration of the write in progress, refused writes per interval, and 1 once damage was found.",
        {
            "write in progress (s)": "pacs_history_write_seconds",
            "refused": "increase(pacs_history_write_failures_total[$__rate_interval])",
            "damaged": "pacs_history_damaged",
        },
        steps=(("green", None), ("red", 5)),
    )
    tasks = series(
        "The monitor's own faults",
        "Failures of its tasks, heartbeats that did not arrive outside, audit entries not recorded: per interval.",
        {
            "task {{task}}": happened("pacs_task_failures_total", "task"),
            "heartbeat": "increase(pacs_heartbeat_failures_total[$__interval])",
            "audit unrecorded": "increase(pacs_audit_unrecorded_total[$__interval])",
            "audit lost": "increase(pacs_audit_syslog_lost_total[$__interval])",
        },
        stacked=True,
    )
    outside = series(
        "Seen from outside",
        "Since the last heartbeat was accepted, and since each change calendar was read well.",
        {
            "heartbeat": "time() - pacs_heartbeat_last_success_timestamp_seconds",
            "calendar {{name}}": "time() - pacs_maintenance_calendar_last_success_timestamp_seconds",
        },
        unit="s",
    )
    turned = series(
        "Connections turned away",
        "By our listeners, with the reason, per interval.",
        {
            "{{listener}} {{reason}}": happened("pacs_connections_turned_away_total", "listener, reason"),
        },
        stacked=True,
    )
    load = series(
        "Processor",
        "Seconds of processor time per second.",
        {"{{instance}}": 'rate(process_cpu_seconds_total{job="pacs-monitor"}[$__rate_interval])'},
        unit="s",
    )
    memory = series(
        "Memory", "Resident.", {"{{instance}}": 'process_resident_memory_bytes{job="pacs-monitor"}'}, unit="bytes"
    )
    return frame.dashboard(
        "pacs-monitor",
        "PACS monitor health",
        "Whether the monitor itself works: its scrape, its schedule, its database, its configuration.",
        rows(
            (5, (answers, roles, config, version, coverage)),
            (5, (up,)),
            (8, (lag, runs)),
            (8, (history, tasks)),
            (8, (outside, turned)),
            (8, (load, memory)),
        ),
        nodes=False,
        path="/monitor",
    )
