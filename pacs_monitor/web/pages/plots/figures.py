"""How much of the last 90 days each node was available, as reports account it: worked out beside what people look at.

It is pure Python, which the probes' loop waits for: one at a time, then a long rest, and only
while somebody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, Micros, Node, Presence
from pacs_monitor.reports.record import Record
from pacs_monitor.reports.tables import accounted
from pacs_monitor.web.rate_limit import SingleFlight
from pacs_monitor.web.view import DaemonView

DAYS = 90
FRESH_FOR = 900.0
"""Seconds for which an account is told without another one."""
REST, WITHIN = 30.0, 60.0
"""Times the duration of an account until the next one; seconds that one may take."""


class Figures:
    """The latest account."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._turns = SingleFlight(REST)
        self._made_at: float | None = None
        self._known: Mapping[str, float] = MappingProxyType({})
        self._making: asyncio.Task[None] | None = None

    def look(self) -> Mapping[str, float]:
        """Shares from 0 to 1 by node, of what was measured; without those of which nothing was. Never waits."""
        now = self._daemon.clock.monotonic()
        stale = self._made_at is None or now - self._made_at > FRESH_FOR
        if stale and not self._turns.busy:
            self._making = asyncio.get_running_loop().create_task(self._make(), name="figures of the board")
        return self._known

    async def _make(self) -> None:
        async with self._turns.turn():
            now, zone = self._daemon.clock.now(), self._daemon.estate.monitor.timezone
            try:
                found = await self._daemon.history.read(lambda reader: account(reader, now, zone), WITHIN)
                nodes = self._daemon.estate.nodes
                self._known = {name: share for name, share in found.items() if _is_told(nodes.get(name))}
            except (
                HistoryError
            ):  # the board says so by itself; the next one who looks has it tried again, after the rest
                return
            if self._known:
                self._made_at = self._daemon.clock.monotonic()


def _is_told(node: Node | None) -> bool:
    """What may be off has no percentage."""
    return node is not None and node.presence is Presence.ALWAYS


def account(reader: HistoryReader, now: Micros, zone: str) -> dict[str, float]:
    """Of every node that had a check; for any thread."""
    record = Record(reader, Interval(now - DAYS * 86_400 * SECOND, now), zone)
    found = {}
    for node in record.nodes():
        share = accounted(record.of_node(node)).availability()
        if share is not None:
            found[node] = share
    return found
