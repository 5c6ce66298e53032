"""Alerting: incidents, pages and what was suppressed. No figure per person."""

from __future__ import annotations

from dashboards import frame
from dashboards.panels import (
    OPEN_INCIDENTS,
    SEVERITIES,
    Json,
    colored,
    happened,
    mapped,
    per_interval,
    rows,
    series,
    stat,
    timeline,
)

CIRCUIT = ((0, "delivers", "green"), (1, "delivers nothing", "red"))


def dashboard() -> Json:
    incidents = stat(
        "Open incidents",
        "By severity.",
        OPEN_INCIDENTS,
        decimals=0,
        steps=(("green", None), ("red", 1)),
    )
    pending = stat(
        "Pending",
        "Pages that are not delivered yet, by channel.",
        {"{{channel}}": "max by (channel) (pacs_notifications_pending)"},
        decimals=0,
        steps=(("green", None), ("yellow", 1), ("red", 20)),
    )
    circuits = stat(
        "Channels",
        "Red while a channel has delivered nothing for a minute or longer.",
        {"{{channel}}": "max by (channel) (pacs_channel_circuit_open)"},
        mappings=mapped(*CIRCUIT),
        steps=(("green", None), ("red", 1)),
    )
    success = stat(
        "Last delivery",
        "When a channel last delivered a page or a test.",
        {"{{channel}}": "max by (channel) (pacs_channel_last_success_timestamp_seconds) * 1000"},
        unit="dateTimeFromNow",
        background=False,
    )
    over_time = colored(series("Open incidents over time", "By severity.", OPEN_INCIDENTS), SEVERITIES)
    pages = series(
        "Pages by channel",
        "Delivered, per interval.",
        {"{{channel}}": per_interval("pacs_notifications_total", "channel")},
        stacked=True,
    )
    failures = series(
        "Failed attempts",
        "By channel and reason, per interval. Each is retried.",
        {"{{channel}} {{reason}}": per_interval("pacs_notification_failures_total", "channel, reason")},
        stacked=True,
    )
    suppressed = series(
        "Suppressed, by why",
        "Notifications that were not sent, and the reason; docs/alerting.md explains each.",
        {"{{why}}": happened("pacs_notifications_suppressed_total", "why")},
        stacked=True,
    )
    oldest = series(
        "Oldest undelivered page",
        "Since when it waits, by channel.",
        {"{{channel}}": "time() - pacs_notification_oldest_pending_timestamp_seconds"},
        unit="s",
        steps=(("green", None), ("red", 300)),
    )
    circuit = timeline(
        "Channels over time",
        "Whether they deliver.",
        {"{{channel}}": "max by (channel) (pacs_channel_circuit_open)"},
        CIRCUIT,
    )
    return frame.dashboard(
        "pacs-alerting",
        "PACS alerting",
        "Incidents, pages by channel, what was suppressed and why. It has no figure per person.",
        rows(
            (5, (incidents, pending, circuits, success)),
            (8, (over_time, pages)),
            (8, (failures, suppressed)),
            (8, (oldest, circuit)),
        ),
        nodes=False,
        since="now-24h",
    )
