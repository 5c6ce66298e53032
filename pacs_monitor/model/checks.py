"""A probe bound to a node: Check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pacs_monitor.model.contracts import Probe
from pacs_monitor.model.defaults import CHECK_DEFAULTS
from pacs_monitor.model.enums import Paging, Severity
from pacs_monitor.model.estate import Node
from pacs_monitor.model.hours import OpeningHours
from pacs_monitor.model.results import CheckId, Thresholds
from pacs_monitor.model.times import Micros


@dataclass(frozen=True, slots=True)
class Check:
    """A probe bound to a node, with its settings and timing. Equal checks are unchanged checks."""

    id: CheckId
    node: Node
    probe: Probe
    settings: Any
    interval: float
    retry_interval: float
    timeout: float
    thresholds: Thresholds
    severity: Severity = CHECK_DEFAULTS.severity
    paging: Paging = Paging.ON
    page_after: float = CHECK_DEFAULTS.page_after
    unknown_after: float = CHECK_DEFAULTS.unknown_after
    cron: str | None = None
    enabled_by: str | None = None
    until: Micros | None = None
    """When that approval ends: from then on the check does not run and is `not_configured`."""
    calendar: OpeningHours | None = None
    """The hours in which it pages, and in which what it expects must happen."""
    others: tuple[Node, ...] = ()
    """The nodes that its settings name."""
    allowed: bool = True
    """False: it would run a command or a statement that `monitor.allow` does not name, so it does not run."""
