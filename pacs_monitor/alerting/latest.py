"""What changed last at each node, in memory: restored from the record at the start, kept up to date since.

A page is written in the middle of a decision, which waits for no database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from pacs_monitor.config.diff import diff
from pacs_monitor.config.estate import Estate
from pacs_monitor.history.recent import Recent
from pacs_monitor.messages.changes import Changed, What, seen
from pacs_monitor.model import CheckId, Maintained, Micros, Result

KEPT = 12
"""Per node; several checks may see one change."""
_MARKS = ("+ ", "- ", "~ ")
"""How lines about checks begin in the diff of a revision."""


class LatestChanges:
    """The last few changes of each node."""

    def __init__(self) -> None:
        self._of: dict[str, deque[Changed]] = {}

    def of(self, nodes: Iterable[str]) -> dict[str, tuple[Changed, ...]]:
        return {node: tuple(self._of[node]) for node in nodes if node in self._of}

    def restore(self, recent: Recent) -> None:
        """At the start; in order of time, so that the latest are kept."""
        found = [(one.check.node, seen(one.check, one.at, one.change)) for one in recent.seen]
        found += [(one.check.node, _ended(one)) for one in recent.maintained]
        for at, text in recent.revisions:
            lines = text.splitlines()
            nodes = {CheckId.parse(line[2:]).node for line in lines if line.startswith(_MARKS)}
            found += [(node, Changed(at, What.CONFIGURATION)) for node in nodes]
        for node, one in sorted(found, key=lambda pair: pair[1].at):
            self._add(node, one)

    def measured(self, result: Result) -> None:
        """For every result, so it costs nothing where nothing has changed."""
        for change in result.outcome.changes:
            self._add(result.check.node, seen(result.check, result.started, change))

    def maintained(self, spans: Iterable[Maintained]) -> None:
        """Of a decision; only maintenance that is over has changed anything."""
        for span in spans:
            if span.until is not None:
                self._add(span.check.node, _ended(span))

    def reloaded(self, old: Estate, new: Estate, now: Micros) -> None:
        """The configuration of these nodes is another one now."""
        found = diff(old, new)
        for node in dict.fromkeys(check.node for check in (*found.added, *found.removed, *found.changed)):
            self._add(node, Changed(now, What.CONFIGURATION))

    def _add(self, node: str, one: Changed) -> None:
        of_node = self._of.setdefault(node, deque(maxlen=KEPT))
        if one not in of_node:
            of_node.append(one)


def _ended(span: Maintained) -> Changed:
    return Changed(span.until or span.since, What.MAINTENANCE, name=span.name)
