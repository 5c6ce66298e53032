"""Notifications that test a channel."""

from __future__ import annotations

from ulid import ULID

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.messages.page import SCHEMA
from pacs_monitor.model import SECOND, Event, Micros, Notification

NO_FAULT = "TEST – no fault"  # noqa: RUF001 - a dash, as people write it
"""The text of a test begins so."""


def trial(channel: str, monitor: MonitorSettings, now: Micros) -> Notification:
    """A notification that tests a channel."""
    words = {
        "schema": SCHEMA,
        "monitor": monitor.name,
        "title": monitor.name,
        "summary": f"{NO_FAULT}: channel {channel} of the monitor {monitor.name} works; no action is needed",
        "url": monitor.url,
    }
    return Notification(str(ULID.from_timestamp(now / SECOND)), channel, Event.TEST, now, words)
