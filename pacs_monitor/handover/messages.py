"""The handover as a notification."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.handover.form import as_json
from pacs_monitor.handover.parts import Handover
from pacs_monitor.messages.words import voice
from pacs_monitor.model import Event, Notification, Severity, dedup_key

SCHEMA = 1


def message(identity: str, channel: str, handover: Handover, monitor: MonitorSettings) -> Notification:
    """To one channel; its text is `summary`, in full `text`."""
    said = as_json(handover, ZoneInfo(monitor.timezone))
    data = {
        "schema": SCHEMA,
        "monitor": monitor.name,
        "kind": "handover",
        "dedup_key": dedup_key(monitor.name, identity),
        "title": monitor.name,
        "severity": Severity.INFO.value,
        "channel": channel,
        "summary": said.pop("summary"),
        "text": said.pop("text"),
        "handover": said,
        "url": monitor.url,
        **voice(monitor),
    }
    return Notification(identity, channel, Event.DIGEST, handover.time, data)
