"""What a reload changes, and what of it waits for a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pacs_monitor.config.estate import Estate
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.model import CheckId

AT_START = ("name", "database", "listen", "tls")
"""Keys of `monitor` that a running daemon does not take over; all others it does."""
SECTIONS = (
    "oncall",
    "routes",
    "default_route",
    "handover",
    "reports",
    "sites",
    "calendars",
    "services",
    "objectives",
    "constancy",
    "maintenance",
    "report",
)


@dataclass(frozen=True, slots=True)
class EstateDiff:
    """Checks that come, go and change; what else changes, in words without values."""

    added: tuple[CheckId, ...] = ()
    removed: tuple[CheckId, ...] = ()
    changed: tuple[CheckId, ...] = ()
    other: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For people: one line each."""
        return [
            *(f"+ {check}" for check in self.added),
            *(f"- {check}" for check in self.removed),
            *(f"~ {check}" for check in self.changed),
            *self.other,
            *(f"needs a restart: {key}" for key in self.needs_restart),
        ]


def diff(old: Estate, new: Estate) -> EstateDiff:
    """What changes when `new` takes the place of `old`."""
    monitor = [key for key in MonitorSettings.model_fields if getattr(old.monitor, key) != getattr(new.monitor, key)]
    return EstateDiff(
        added=_only_in(new.checks, old.checks),
        removed=_only_in(old.checks, new.checks),
        changed=tuple(check for check in new.checks if check in old.checks and old.checks[check] != new.checks[check]),
        other=(
            *(f"monitor.{key} changed" for key in monitor if key not in AT_START),
            *_channels(_settings(old), _settings(new)),
            *(f"{section} changed" for section in SECTIONS if getattr(old, section) != getattr(new, section)),
        ),
        needs_restart=tuple(f"monitor.{key}" for key in AT_START if key in monitor),
    )


def in_force(running: Estate, new: Estate) -> Estate:
    """The new estate as a running daemon takes it over; what needs a restart stays as it is, and so in every diff."""
    kept = {key: getattr(running.monitor, key) for key in AT_START}
    return replace(new, monitor=new.monitor.model_copy(update=kept))


def _only_in(these: Mapping[CheckId, Any], those: Mapping[CheckId, Any]) -> tuple[CheckId, ...]:
    return tuple(check for check in these if check not in those)


def _settings(estate: Estate) -> dict[str, Any]:
    """Of each channel, all that a reload may change."""
    return {
        name: (of_kind, estate.fallbacks.get(name), estate.channel_tests.get(name), estate.openings(name))
        for name, of_kind in estate.channel_settings.items()
    }


def _channels(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    names = sorted(old.keys() | new.keys())
    words = {(True, True): "changed", (True, False): "removed", (False, True): "added"}
    return [f"channels.{name} {words[name in old, name in new]}" for name in names if old.get(name) != new.get(name)]
