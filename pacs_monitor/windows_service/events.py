"""What the event log is told, and how it is written there (pure)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from enum import IntEnum

SOURCE = "pacs_monitor"
MESSAGES = r"%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\EventLogMessages.dll"
"""The file of messages that every Windows has, "%1" for each number up to 65535: it outlasts the monitor's versions."""
LONGEST = 30_000
"""Characters; Windows takes 31,839 in a string."""
AGAIN_AFTER = 600.0
"""Seconds in which the same trouble is written once; the log file has every line."""
OWN = "pacs_monitor.windows_service"
"""What this logs is an event of its own number."""
PAGING = "pacs_monitor.delivery", "pacs_monitor.channels", "pacs_monitor.dead_mans_switch", "pacs_monitor.alerting"


class Event(IntEnum):
    """Its number in the event log, to filter and to alarm by."""

    STARTED = 1
    STOPPED = 2
    CONFIGURATION = 10
    REFUSED = 11
    FAULT = 12
    HUNG = 13
    PAGING_TROUBLE = 20
    TROUBLE = 21

    @property
    def level(self) -> int:
        return logging.INFO if self in (Event.STARTED, Event.STOPPED) else logging.ERROR


def of_log(logger: str, level: int) -> Event | None:
    """Which event a line of the log is: trouble with paging, from warnings on, and every error."""
    if _is_within(logger, OWN):
        return None
    if level >= logging.WARNING and any(_is_within(logger, name) for name in PAGING):
        return Event.PAGING_TROUBLE
    return Event.TROUBLE if level >= logging.ERROR else None


def _is_within(logger: str, name: str) -> bool:
    return logger == name or logger.startswith(f"{name}.")


def shown(text: str) -> str:
    """Text that the event viewer shows as it is: it takes %1 and %%1 for places where it inserts something."""
    text = re.sub(r"%(?=[\d%])", "% ", text.replace("\0", " "))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … (the rest is in the log file)"


@dataclass(slots=True)
class Damper:
    """Which trouble has been written just now."""

    written: dict[tuple[str, ...], float] = field(default_factory=dict)

    def lets_through(self, now: float, *what: str) -> bool:
        self.written = {key: at for key, at in self.written.items() if now - at < AGAIN_AFTER}
        return what not in self.written and self.written.setdefault(what, now) == now
