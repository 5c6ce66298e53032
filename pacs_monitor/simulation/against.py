"""A replay of the record against what was sent: by the configurations that were in force, or by another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pacs_monitor.alerting.events import Event, Reloaded
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.config import Estate, NotReadableError, of_record
from pacs_monitor.format.human import pluralized
from pacs_monitor.history import HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.model import Micros, iso
from pacs_monitor.simulation.replay import NOT_REPLAYED, Difference, difference, pages_sent, replay


class Answer(NamedTuple):
    """What a replay comes to."""

    difference: Difference
    causes: dict[str, str]
    """Incident → its cause."""
    not_replayed: tuple[str, ...]


def against_record(reader: HistoryReader, period: Interval, estate: Estate, new: Estate | None) -> Answer:
    """Replay a period by `new`; None: by the configurations on record, each in its time, and `estate` where none is.

    Raises HistoryError, and what a decision raised.
    """
    covered = max((one.end for one in reader.coverage(end=period.end)), default=period.start)
    period = Interval(period.start, min(period.end, covered))
    revisions = _Revisions(reader, estate)
    replayed = replay(
        reader.events(end=period.end), Rules(new or estate), period, revisions.in_force if new is None else _none
    )
    first = period.end if replayed.first is None else replayed.first
    sent, older = pages_sent(reader.notifications(start=period.start, end=period.end), period, first)
    found = difference(sent, replayed.pages)
    causes = replayed.causes | dict(_causes(reader, found, replayed.causes))
    own = [f"no event is on record before {iso(first)}"] if period.start < first else []
    if older:
        count = pluralized(older, "notification")
        own.append(f"incidents that were open before that: {count} about them went out, and {count} are left out")
    return Answer(found, causes, (*own, *revisions.missing, *NOT_REPLAYED))


def _none(_event: Event) -> None:
    """One configuration is used for all."""


def _causes(reader: HistoryReader, found: Difference, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    for page in found.gone:
        if page.sent.incident not in known:
            for incident in reader.incidents(id=page.sent.incident):
                yield incident.id, incident.cause


@dataclass
class _Revisions:
    """The configurations on record."""

    reader: HistoryReader
    estate: Estate
    """Stands in for those that cannot be read."""
    missing: list[str] = field(default_factory=list)
    _known: dict[str, Rules] = field(default_factory=dict)

    def in_force(self, event: Event) -> Rules:
        """From this event on."""
        reloaded = event.what.revision if isinstance(event.what, Reloaded) else None
        document = self.reader.configuration(event.at + 1, reloaded)
        key = repr(document)
        if key not in self._known:
            self._known[key] = Rules(self._read(document, event.at, reloaded or "recorded"))
        return self._known[key]

    def _read(self, document: dict[str, object] | None, at: Micros, revision: str) -> Estate:
        try:
            if document is not None:
                return of_record(document, self.estate.file, revision)
            why = "is not on record whole"
        except NotReadableError as error:
            why = f"cannot be decided by ({error})"
        said = f"the configuration in force from {iso(at)} {why}: {self.estate.file} is used instead"
        self.missing.append(said)
        return self.estate
