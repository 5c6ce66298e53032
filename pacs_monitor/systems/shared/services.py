"""States of services, as exporters and Windows report them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pacs_monitor.systems.shared.exposition import Sample
from pacs_monitor.systems.shared.resources import UNKNOWN

AT_WORK = frozenset({"reloading", "refreshing"})
"""States of a unit of systemd that goes on working in them (org.freedesktop.systemd1, ActiveState)."""


def states_of(samples: Iterable[Sample]) -> dict[str, str]:
    """Of series `{name, state}` that are 1 for the state that holds: name → state, UNKNOWN where none does."""
    found: dict[str, str] = {}
    for _, labels, on in samples:
        name = labels.get("name", "")
        found[name] = labels.get("state", UNKNOWN) if on else found.get(name, UNKNOWN)
    return found


def of_windows(wanted: Collection[str], states: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """The states of services by the names that are wanted: those of Windows have no case; `shown` are for people."""
    names = {display.casefold(): name for name, display in shown.items() if display}
    names |= {name.casefold(): name for name in states}
    found = {name: states.get(names.get(name.casefold(), "")) for name in wanted}
    return {name: "active" if state == "running" else state for name, state in found.items() if state}
