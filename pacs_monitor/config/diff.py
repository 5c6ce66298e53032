"""What a reload changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacs_monitor.config.estate import Estate
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.model import CheckId

AT_START = frozenset({"name", "database", "listen", "tls", "auth", "timezone"})
"""Keys of `monitor` that a running daemon does not take over."""
SECTIONS = ("routes", "default_route", "sites", "calendars", "services", "objectives", "maintenance")


@dataclass(frozen=True, slots=True)
class EstateDiff:
    """Checks that come, go and change; what else changes, in words without values."""

    added: tuple[CheckId, ...] = ()
    removed: tuple[CheckId, ...] = ()
    changed: tuple[CheckId, ...] = ()
    other: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For people: one line each."""
        return [
            *(f"+ {check}" for check in self.added),
            *(f"- {check}" for check in self.removed),
            *(f"~ {check}" for check in self.changed),
            *self.other,
        ]


def diff(old: Estate, new: Estate) -> EstateDiff:
    """What changes when `new` takes the place of `old`."""
    return EstateDiff(
        added=_only_in(new.checks, old.checks),
        removed=_only_in(old.checks, new.checks),
        changed=tuple(check for check in new.checks if check in old.checks and old.checks[check] != new.checks[check]),
        other=(
            *_monitor(old.monitor, new.monitor),
            *_channels(old.channel_settings, new.channel_settings),
            *(f"{section} changed" for section in SECTIONS if getattr(old, section) != getattr(new, section)),
        ),
    )


def _only_in(these: Mapping[CheckId, Any], those: Mapping[CheckId, Any]) -> tuple[CheckId, ...]:
    return tuple(check for check in these if check not in those)


def _monitor(old: MonitorSettings, new: MonitorSettings) -> list[str]:
    changed = [key for key in MonitorSettings.model_fields if getattr(old, key) != getattr(new, key)]
    return [f"monitor.{key} changed{' (at the next start)' if key in AT_START else ''}" for key in changed]


def _channels(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    names = sorted(old.keys() | new.keys())
    words = {(True, True): "changed", (True, False): "removed", (False, True): "added"}
    return [f"channels.{name} {words[name in old, name in new]}" for name in names if old.get(name) != new.get(name)]
