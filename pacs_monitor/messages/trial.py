"""Notifications that test a channel."""

from __future__ import annotations

from ulid import ULID

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import duration
from pacs_monitor.messages.page import SCHEMA
from pacs_monitor.model import SECOND, Event, Micros, Notification

NO_FAULT = "TEST – no fault"  # noqa: RUF001 - a dash, as people write it
"""The text of a test begins so."""


def trial(channel: str, monitor: MonitorSettings, now: Micros) -> Notification:
    """A notification that somebody has asked for."""
    words = f"channel {channel} of the monitor {monitor.name} works; no action is needed"
    return _test(str(ULID.from_timestamp(now / SECOND)), channel, monitor, now, words)


def planned_trial(
    identity: str, channel: str, monitor: MonitorSettings, now: Micros, ack_within: float | None
) -> Notification:
    """The regular one; `ack_within`, in seconds, where the channel takes answers."""
    action = f"acknowledge it within {duration(ack_within)}" if ack_within else "no action is needed"
    words = f"the regular test of channel {channel} of the monitor {monitor.name}; {action}"
    return _test(identity, channel, monitor, now, words)


def _test(identity: str, channel: str, monitor: MonitorSettings, now: Micros, words: str) -> Notification:
    data = {
        "schema": SCHEMA,
        "monitor": monitor.name,
        "kind": "test",
        "title": monitor.name,
        "summary": f"{NO_FAULT}: {words}",
        "url": monitor.url,
    }
    return Notification(identity, channel, Event.TEST, now, data)
