"""What changed lately, by the record: peers, planned maintenance, the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select

from pacs_monitor.history import decisions
from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import ChangeSeen
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.model import Maintained, Micros

MOST = 2000
"""Rows of each sort that are read, the latest."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest of each sort, the last first."""

    seen: Sequence[ChangeSeen]
    """At peers."""
    maintained: Sequence[Maintained]
    """Maintenance that is over."""
    revisions: Sequence[tuple[Micros, str]]
    """When a configuration was adopted, and its diff."""

    @classmethod
    def read(cls, reader: HistoryReader, start: Micros) -> Self:
        """From `start` on; raises HistoryError."""
        of, revision = t.maintained.c, t.revisions.c
        columns = of.window, of.since, of.until, of.name.label("what"), of.announced
        spans = reader.of_checks(*columns, table=t.maintained).where(of.until >= start).order_by(of.until.desc())
        adopted = select(revision.at, revision.diff).where(revision.monitor_id == reader.monitor, revision.at >= start)
        seen = reader.changes(start, limit=MOST)
        with reader.connected() as connection:
            return cls(
                seen,
                [decisions.maintained(row) for row in connection.execute(spans.limit(MOST))],
                [(row.at, row.diff) for row in connection.execute(adopted.order_by(revision.id.desc()).limit(MOST))],
            )
