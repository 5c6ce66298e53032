"""Calendars, as far as everybody may ask them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pacs_monitor.model.times import Micros


class OpeningHours(Protocol):
    """A calendar of the configuration (pacs_monitor.calendars.Calendar)."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """Its hours, for people: `Mon-Fri 07:00-17:00`."""
        ...

    def local(self, at: Micros) -> str:
        """A moment on the clocks there, to the minute."""
        ...

    def is_open(self, at: Micros) -> bool: ...

    def intervals(self, during: tuple[Micros, Micros]) -> Sequence[tuple[Micros, Micros]]:
        """When it is open within a time, in order."""
        ...

    def next_opening(self, at: Micros) -> Micros | None:
        """The first moment after this one at which it opens; None if it never does, or never closes."""
        ...

    def pages_from(self, at: Micros) -> Micros | None:
        """The first moment, from this one on, at which people may be paged; None if never."""
        ...
