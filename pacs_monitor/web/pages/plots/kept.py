"""Plots of pages, each made at most once a minute for all who look."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.language import language, speaking
from pacs_monitor.model import SECOND, CheckId, Micros
from pacs_monitor.web.pages.plots.drawing import Plot
from pacs_monitor.web.pages.plots.read import Wanted, plots, watched
from pacs_monitor.web.pages.plots.spans import MINUTE, SPANS, Span, View, around, back
from pacs_monitor.web.view import DaemonView

MOST_KEPT = 40
"""Pages; one with twelve plots has some 300 kB."""
SHARE = 15
"""Of a step: how long plots are shown."""
LONGEST: Micros = 600 * SECOND
OF_AN_INCIDENT = 2
"""Checks."""
FIRST = "day"


class Drawn(NamedTuple):
    """The plots of a page."""

    plots: Sequence[Plot]
    span: Span | None
    """What was chosen; None where there is nothing to choose."""
    unreadable: str = ""


class Plots:
    """Those that were looked at last."""

    def __init__(self) -> None:
        self._known: dict[Hashable, list[Plot]] = {}

    async def of_node(self, daemon: DaemonView, node: str, over: str) -> Drawn:
        """What its checks measure."""
        ids = daemon.estate.checks_of.get(node, ())
        return await self._back(daemon, ids, over, latencies=False)

    async def of_check(self, daemon: DaemonView, check: CheckId, over: str) -> Drawn:
        """How long its runs took, and what it measures."""
        return await self._back(daemon, [check], over, latencies=True)

    async def of_incident(
        self, daemon: DaemonView, checks: Sequence[CheckId], began: Micros, ended: Micros | None
    ) -> Drawn:
        """The same of its first checks, around its time."""
        view = around(began, ended, _as_of(daemon, MINUTE), daemon.estate.monitor.timezone)
        wanted = self._wanted(daemon, checks[:OF_AN_INCIDENT], view, latencies=True)
        during = Interval(began, view.now if ended is None else ended)
        return await self._drawn(daemon, wanted._replace(incident=during), None)

    async def _back(self, daemon: DaemonView, checks: Sequence[CheckId], over: str, *, latencies: bool) -> Drawn:
        span = SPANS.get(over) or SPANS[FIRST]
        now = _as_of(daemon, min(LONGEST, max(MINUTE, span.step // SHARE)))
        view = back(span, now, daemon.estate.monitor.timezone)
        return await self._drawn(daemon, self._wanted(daemon, checks, view, latencies=latencies), span)

    @staticmethod
    def _wanted(daemon: DaemonView, checks: Sequence[CheckId], view: View, *, latencies: bool) -> Wanted:
        entries = daemon.engine.board.entries
        return Wanted([watched(entries[check]) for check in checks if check in entries], view, latencies)

    async def _drawn(self, daemon: DaemonView, wanted: Wanted, span: Span | None) -> Drawn:
        """As of the moment that the view has; a record that cannot be read costs the plots and no page."""
        spoken = language()
        key = tuple(one.check for one in wanted.checks), wanted.view, wanted.incident, spoken
        found = self._known.get(key)
        if found is None:
            try:
                found = await daemon.history.read(lambda reader: _made(reader, wanted, spoken))
            except HistoryError as error:
                return Drawn((), span, str(error))
            while len(self._known) >= MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = found
        return Drawn(found, span)


def _made(reader: HistoryReader, wanted: Wanted, spoken: str) -> list[Plot]:
    """In a thread, which speaks English unless it is told."""
    with speaking(spoken):
        return plots(reader, wanted)


def _as_of(daemon: DaemonView, step: Micros) -> Micros:
    """So that what is made serves all who look until the next step."""
    return daemon.clock.now() // step * step
