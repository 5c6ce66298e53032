"""Which checks were down in an outage of what rests on them, and why."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import CheckId
from pacs_monitor.reports.record import Record


class Reasons:
    """Of some checks."""

    def __init__(self, record: Record, checks: Iterable[CheckId]) -> None:
        self._spells = {check: record.spells(check) for check in sorted(checks)}
        self._starts = {check: [spell.since for spell in spells] for check, spells in self._spells.items()}

    def of(self, span: Interval) -> list[str]:
        """`ris/dicom_worklist: tcp_refused`, each once; those of a check come in order and do not overlap."""
        found: dict[str, None] = {}
        for check, spells in self._spells.items():
            for spell in reversed(spells[: bisect_left(self._starts[check], span.end)]):
                if (FOREVER if spell.ended is None else spell.ended) <= span.start:
                    break
                found[f"{check}: {spell.first.reason or 'not on record'}"] = None
        return list(found)
