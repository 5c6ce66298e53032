"""What a message is written from, beside the incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.messages.changes import Changed
from pacs_monitor.model import Check, CheckId, Micros, Outcome, Standing, State
from pacs_monitor.services import Service


@dataclass(frozen=True, slots=True)
class Scene:
    """What a message is written from, beside the incident."""

    name: str
    """The monitor's, as the history was opened with: part of every dedup_key, so a reload does not change it."""
    monitor: MonitorSettings
    checks: Mapping[CheckId, Check]
    """Including those removed from the configuration."""
    standings: Mapping[str, Mapping[CheckId, Standing]]
    """Node → where each of its checks stands."""
    now: Micros
    latest: Mapping[CheckId, Outcome] = field(default_factory=dict)
    """The latest result of each check."""
    unproven: Set[CheckId] = frozenset()
    """Checks that have never worked with their present configuration."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people call a site, where it has a title."""
    services: Mapping[str, Service] = field(default_factory=dict)
    """What users call "the PACS"."""
    states: Mapping[str, State] = field(default_factory=dict)
    """Of the checks (`node/check`) that the services rest on."""
    changes: Mapping[str, Sequence[Changed]] = field(default_factory=dict)
    """Node → what changed there last."""
