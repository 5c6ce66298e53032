"""Storage and queues: what is free, how it develops, when it is full."""

from __future__ import annotations

from dashboards import frame
from dashboards.frame import CHECK_LINK, OURS
from dashboards.panels import Json, column, rows, series, table

FULL = (("red", None), ("yellow", 4 * 86400), ("green", 21 * 86400))
USED = (("green", None), ("yellow", 0.8), ("red", 0.9))
VOLUME = "max by (node, check, volume, site)"


def dashboard() -> Json:
    volumes = table(
        "Volumes",
        "Fullest first. The time to full is the forecast of the check; none while the volume does not fill.",
        {
            "Used": f"{VOLUME} (pacs_disk_used_ratio{{{OURS}}})",
            "Free": f"{VOLUME} (pacs_disk_free_bytes{{{OURS}}})",
            "Full in": f"{VOLUME} (pacs_disk_full_in_seconds{{{OURS}}})",
            "Files left": f"{VOLUME} (pacs_disk_inodes_free{{{OURS}}})",
        },
        labels=("node", "check", "volume", "site"),
        columns=(
            column("Used", unit="percentunit", steps=USED),
            column("Free", unit="bytes"),
            column("Full in", unit="s", steps=FULL),
            column("check", link=CHECK_LINK),
        ),
        sort=("Used", True),
    )
    free = series(
        "Free",
        "Bytes that a writer may still use.",
        {"{{node}} {{volume}}": f"pacs_disk_free_bytes{{{OURS}}}"},
        unit="bytes",
    )
    trend = series(
        "Trend of a day",
        "How fast free room changes; below zero it fills.",
        {"{{node}} {{volume}}": f"deriv(pacs_disk_free_bytes{{{OURS}}}[1d])"},
        unit="Bps",
        minimum=None,
    )
    full = series(
        "Free in four days",
        "By the trend of the last day. Below zero, the volume is full before then.",
        {"{{node}} {{volume}}": f"predict_linear(pacs_disk_free_bytes{{{OURS}}}[1d], 345600)"},
        unit="bytes",
        minimum=None,
    )
    length = series("Items waiting", "Length of each queue.", {"{{node}} {{queue}}": f"pacs_queue_length{{{OURS}}}"})
    oldest = series(
        "Oldest item",
        "Age of the item that waits longest.",
        {"{{node}} {{queue}}": f"time() - pacs_queue_oldest_item_timestamp_seconds{{{OURS}}}"},
        unit="s",
    )
    failed = series(
        "Failed items",
        "As the system counts or lists them.",
        {"{{node}} {{queue}}": f"pacs_queue_failed{{{OURS}}}"},
        steps=(("green", None), ("red", 1)),
    )
    progress = series(
        "In progress and growth",
        "Items being worked on, and how many more wait than an hour ago.",
        {
            "{{node}} {{queue}} in progress": f"pacs_queue_in_progress{{{OURS}}}",
            "{{node}} {{queue}} growth": f"delta(pacs_queue_length{{{OURS}}}[1h])",
        },
        minimum=None,
    )
    return frame.dashboard(
        "pacs-storage",
        "PACS storage and queues",
        "Free room, its trend and when it ends; queues, their oldest item and what failed.",
        rows((7, (volumes,)), (8, (free, trend, full)), (8, (length, oldest)), (8, (progress, failed))),
        since="now-7d",
    )
