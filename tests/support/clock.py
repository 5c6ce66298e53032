"""Clocks that a test sets, lets pass, or stops."""

from __future__ import annotations

from datetime import UTC, datetime

from pacs_monitor.clock import SystemClock
from pacs_monitor.model import SECOND, Micros

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class SettableClock(SystemClock):
    """The machine's clocks, with a wall clock that a test may set (`ahead`: seconds); or it lets time pass."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.offset: Micros = round(ahead * SECOND)
        self.passed = 0.0

    def now(self) -> Micros:
        return super().now() + self.offset

    def monotonic(self) -> float:
        return super().monotonic() + self.passed

    def set_by(self, seconds: float) -> None:
        self.offset += round(seconds * SECOND)

    def pass_by(self, seconds: float) -> None:
        self.passed += seconds
        self.set_by(seconds)


class StoppedClock(SystemClock):
    """A wall clock that stands, by day, so that no test sees midnight pass."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> Micros:
        return int(self.at.timestamp()) * SECOND
