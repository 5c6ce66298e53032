"""The windows of the configuration: which of their times holds when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.windows import Window, occurrence

if TYPE_CHECKING:
    from pacs_monitor.recurrence import Recurrence

AHEAD = 370 * 86_400 * SECOND
"""How far ahead starts are looked for."""


class Planned:
    """The windows of `maintenance:`."""

    def __init__(self, settings: Sequence[MaintenanceSettings], zone: ZoneInfo) -> None:
        self._windows: list[tuple[MaintenanceSettings, Recurrence, Micros]] = []
        for one in settings:
            if one.start is not None and one.duration is not None:  # else a calendar says when it is
                from pacs_monitor.recurrence import Recurrence  # noqa: PLC0415 - few configurations need dateutil

                times = Recurrence(one.rrule, one.start, zone)
                self._windows.append((one, times, round(one.duration * SECOND)))

    def between(self, first: Micros, last: Micros) -> list[Window]:
        """Those that hold at any time from `first` to `last`, by their start."""
        return sorted(self._between(first, last), key=lambda window: (window.start, window.id))

    def in_force(self, at: Micros) -> dict[str, Window]:
        """Those that hold at a time, by their ids."""
        return {window.id: window for window in self._between(at, at)}

    def next_start(self, at: Micros) -> Micros | None:
        """When the next one begins after a time, or when to look again."""
        if not self._windows:
            return None
        starts = (times.starts(at + 1, at + AHEAD) for _, times, _ in self._windows)
        return min((found[0] for found in starts if found), default=at + AHEAD)

    def find(self, identity: str, at: Micros) -> Window | None:
        """One that is not over yet, by its id."""
        return next((window for window in self._between(at, at + AHEAD) if window.id == identity), None)

    def _between(self, first: Micros, last: Micros) -> Iterator[Window]:
        for one, times, lasts in self._windows:
            for start in times.starts(first - lasts + 1, last):
                yield Window(
                    occurrence(one.name, one.match, start),
                    one.name,
                    one.match,
                    start,
                    start + lasts,
                    one.probing,
                    one.by,
                    announced=one.announced,
                    notify=one.notify,
                )
