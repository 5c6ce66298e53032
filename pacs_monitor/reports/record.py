"""What the record says of a period, read once, and the time of each check as it is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

from pacs_monitor import objectives, reliability, services, uptime
from pacs_monitor.config import NotReadableError, Then, then
from pacs_monitor.fields import Match
from pacs_monitor.history import HistoryReader, periods
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import CheckId, Maintained, Micros, State, Transition
from pacs_monitor.objectives import Bounds
from pacs_monitor.pieces import Coverage, Piece, Timeline, pieces
from pacs_monitor.proof import Identity, proofs
from pacs_monitor.reliability import NOTHING_SEEN, Seen, Sight, seen
from pacs_monitor.reports.plans import Plan, announced
from pacs_monitor.reports.reign import Reign
from pacs_monitor.services import NOTHING, Standing, Stretch, Together, Track, cut, merged
from pacs_monitor.threads import started
from pacs_monitor.uptime import Account, Spell

T = TypeVar("T", bound=Hashable)
MOST_NODES = 500
"""Of more than these what is on record of all is read."""


def brief(runs: Mapping[CheckId, periods.Counted], checks: Iterable[CheckId]) -> int:
    """Failed runs of these that never led to a change of state."""
    return sum(runs[check].brief for check in checks if check in runs)


@dataclass
class Record:
    """Of one monitor, in `during`, which is wider than the period where agreements look beyond it."""

    reader: HistoryReader
    during: Interval
    timezone: str
    nodes_read: frozenset[str] | None = None
    """Those whose ledgers are read; None for all."""
    _said: dict[str, Then | None] = field(default_factory=dict)
    _tracks: dict[tuple[CheckId, int, Bounds], Track] = field(default_factory=dict)
    _sights: dict[tuple[CheckId, int], Sight] = field(default_factory=dict)
    _together: Together[Standing] = field(default_factory=lambda: Together(services.together))
    _seen_together: Together[Seen] = field(default_factory=lambda: Together(reliability.together))
    _runs: dict[Interval, Future[dict[CheckId, periods.Counted]]] = field(default_factory=dict)
    _agreed_runs: dict[Interval, dict[CheckId, periods.Counted]] = field(default_factory=dict)
    _timelines: dict[tuple[CheckId, int, Bounds], Timeline] = field(default_factory=dict)
    _pieces: dict[CheckId, list[Piece]] = field(default_factory=dict)
    _spells: dict[CheckId, list[Spell]] = field(default_factory=dict)
    _matches: dict[tuple[int, int], dict[str, list[CheckId]]] = field(default_factory=dict)

    @cached_property
    def watched(self) -> dict[CheckId, tuple[Interval, ...]]:
        return self.reader.watched()

    @cached_property
    def coverage(self) -> tuple[Coverage, ...]:
        return self.reader.coverage(*self.during)

    @cached_property
    def revisions(self) -> list[periods.Revision]:
        return periods.revisions(self.reader, self.during)

    @cached_property
    def reigns(self) -> list[Reign]:
        """The configurations of the time, without gaps; the first reaches back, the last onwards.

        One whose content is not on record, or cannot be read, is taken for the one before it.
        """
        found: list[Reign] = []
        for revision in self.revisions:
            said = self._content(revision) or (found[-1].said if found else Then(self.timezone))
            if found:
                found[-1] = found[-1]._replace(during=Interval(found[-1].during.start, revision.at))
            start = max(revision.at, self.during.start) if found else self.during.start
            found.append(Reign(Interval(start, max(start, self.during.end)), revision, said))
        return [reign for reign in found if reign.during.start < reign.during.end] or found[-1:]

    def _content(self, revision: periods.Revision) -> Then | None:
        """What a configuration said, read once; None where that is not on record or cannot be read."""
        if revision.document is not None and revision.hash not in self._said:
            try:
                self._said[revision.hash] = then(revision.document, revision.hash)
            except NotReadableError:
                self._said[revision.hash] = None
        return self._said.get(revision.hash)

    def beyond(self, during: Interval, nodes: Iterable[str] | None) -> Record:
        """The record of some nodes in another time; what was read already is not read again."""
        other = Record(self.reader, during, self.timezone, None if nodes is None else frozenset(nodes), self._said)
        for name in ("watched", "_goods", "_identities"):
            other.__dict__[name] = getattr(self, name)
        return other

    def reigns_in(self, during: Interval) -> list[Reign]:
        """Those that were in force at some time of it."""
        return [reign for reign in self.reigns if reign.during.start < during.end and reign.during.end > during.start]

    def said_at(self, at: Micros) -> Then:
        """The configuration that was in force just before a moment."""
        before = [reign for reign in self.reigns if reign.during.start < at]
        return (before or self.reigns)[-1].said if self.reigns else Then(self.timezone)

    @cached_property
    def maintained(self) -> dict[CheckId, list[Maintained]]:
        spans: dict[CheckId, list[Maintained]] = defaultdict(list)
        for span in self.reader.maintained(*self.during):
            spans[span.check].append(span)
        return spans

    @cached_property
    def began(self) -> dict[str, Micros]:
        """The windows that took place, each with when it began to count."""
        found: dict[str, Micros] = {}
        for spans in self.maintained.values():
            for span in spans:
                found[span.window] = min(span.since, found.get(span.window, span.since))
        return found

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """What had been planned for the windows that took place, as far as it is on record."""
        if not self.began:
            return {}
        from pacs_monitor.reports.planning import planned  # noqa: PLC0415 - many periods have no windows

        return planned(self.reigns, self.reader, self.began, self.during.end)

    def count_runs(self, during: Interval) -> Future[dict[CheckId, periods.Counted]]:
        """Begin to count them: a database does so on its own, for as long as a tenth of a report takes."""
        if during not in self._runs:
            self._runs[during] = started(lambda: periods.counted(self.reader, *during), "count of runs")
        return self._runs[during]

    def runs(self, during: Interval) -> dict[CheckId, periods.Counted]:
        """How often each check ran; the record counts by the hour, and after three days by the UTC day."""
        return self.count_runs(during).result()

    def brief(self, checks: Iterable[CheckId], during: Interval) -> int:
        """Failed runs, that never led to a change of state, of checks that are under agreements."""
        if during in self._runs:
            return brief(self.runs(during), checks)
        if during not in self._agreed_runs:
            self._agreed_runs[during] = periods.counted(self.reader, *during, self._agreed_nodes)
        return brief(self._agreed_runs[during], checks)

    @cached_property
    def _agreed_nodes(self) -> set[str] | None:
        """Those that agreements are about, directly or through a service; None where these are many."""
        found: set[str] = set()
        for reign in self.reigns:
            for objective in reign.said.objectives.values():
                if objective.service is None:
                    found.update(self.matched(reign, objective.match))
                else:
                    found.update(check.node for check in self.members(objective.service, reign.during))
        return found if len(found) <= MOST_NODES else None

    def timeline(self, check: CheckId, notice: Micros = 0, bounds: Bounds = Bounds.MEASURED) -> Timeline:
        """The time of a check, with the windows that were announced early enough and the bounds that outages have."""
        key = check, notice, bounds
        if key not in self._timelines:
            self._timelines[key] = self._timeline(*key)
        return self._timelines[key]

    def _timeline(self, check: CheckId, notice: Micros, bounds: Bounds) -> Timeline:
        ledger = self._ledgers.get(check, [])
        zone = ZoneInfo(self.timezone)
        windows = [
            part
            for span in self.maintained.get(check, ())
            for part in announced(
                Interval(span.since, FOREVER if span.until is None else span.until),
                span.announced,
                self.plans.get(span.window) if notice else None,
                notice,
                zone,
            )
        ]
        return Timeline(
            ledger if bounds is Bounds.MEASURED else objectives.bounded(ledger, bounds),
            self.watched.get(check, ()),
            self.coverage,
            self._behind.get(check, ()),
            windows,
            proofs(self._identities.get(check, ()), ledger, self._goods.get(check, ())),
        )

    def pieces(self, check: CheckId) -> list[Piece]:
        """The time of a check in pieces."""
        if check not in self._pieces:
            self._pieces[check] = list(pieces(self.timeline(check), self.during))
        return self._pieces[check]

    def account(self, check: CheckId, during: Interval) -> Account:
        """Where the time of a check went, in a time that is over."""
        if during == self.during:
            return uptime.summed(self.pieces(check), self.spells(check), during)
        return uptime.account(self.timeline(check), during, during.end)

    def spells(self, check: CheckId) -> list[Spell]:
        """The outages of a check, with all that is known of when they began and ended."""
        if check not in self._spells:
            fails = any(moved.after is State.DOWN for moved in self._ledgers.get(check, ()))
            self._spells[check] = list(uptime.spells(self.timeline(check), self.during)) if fails else []
        return self._spells[check]

    def track(self, check: CheckId, notice: Micros = 0, bounds: Bounds = Bounds.MEASURED) -> Track:
        """The same as stretches."""
        key = check, notice, bounds
        if key not in self._tracks:
            plain = not notice and bounds is Bounds.MEASURED
            parts = self.pieces(check) if plain else pieces(self.timeline(*key), self.during)
            self._tracks[key] = services.of_check(parts)
        return self._tracks[key]

    def sight(self, check: CheckId, notice: Micros = 0) -> Sight:
        """The same, with outages as they are seen in each of the ways."""
        key = check, notice
        if key not in self._sights:
            self._sights[key] = seen(self.track(check, notice), self.spells(check))
        return self._sights[key]

    def of_service(self, name: str, notice: Micros = 0, bounds: Bounds = Bounds.MEASURED) -> Track:
        """A service by the rule that was in force at each time; while there was none, it was not watched."""
        return self._of_service(name, lambda check: self.track(check, notice, bounds), self._together, NOTHING)

    def sight_of_service(self, name: str, notice: Micros = 0) -> Sight:
        """The same, in each of the ways."""
        return self._of_service(name, lambda check: self.sight(check, notice), self._seen_together, NOTHING_SEEN)

    def _of_service(
        self, name: str, of: Callable[[CheckId], Sequence[Stretch[T]]], made: Together[T], nothing: T
    ) -> Sequence[Stretch[T]]:
        def in_reign(reign: Reign) -> Sequence[Stretch[T]]:
            rules = reign.said.services
            if name not in rules:
                return ()
            return services.made_of(name, rules, lambda check: cut(of(CheckId.parse(check)), reign.during), made)

        return self._by_reign(in_reign, nothing)

    def members(self, name: str, during: Interval) -> set[CheckId]:
        """The checks that a service rested on at some time."""
        rules = [reign.said.services for reign in self.reigns_in(during) if name in reign.said.services]
        return {CheckId.parse(check) for of in rules for check in services.checks_of(name, of)}

    def of_node(
        self, node: str, match: Match | None = None, notice: Micros = 0, bounds: Bounds = Bounds.MEASURED
    ) -> Track:
        """The checks of a node (that match) together: as bad as the worst of them."""
        return self._of_node(node, match, lambda check: self.track(check, notice, bounds), self._together, NOTHING)

    def sight_of_node(self, node: str, match: Match | None = None, notice: Micros = 0) -> Sight:
        """The same, in each of the ways."""
        return self._of_node(node, match, lambda check: self.sight(check, notice), self._seen_together, NOTHING_SEEN)

    def _of_node(
        self,
        node: str,
        match: Match | None,
        of: Callable[[CheckId], Sequence[Stretch[T]]],
        made: Together[T],
        nothing: T,
    ) -> Sequence[Stretch[T]]:
        def in_reign(reign: Reign) -> Sequence[Stretch[T]]:
            checks = self.matched(reign, match).get(node, [])
            return merged(len(checks), [cut(of(check), reign.during) for check in checks], made)

        return self._by_reign(in_reign, nothing)

    def nodes(self, match: Match | None = None, during: Interval | None = None) -> list[str]:
        """Those with checks (that match) at some time, in order of their names."""
        return sorted({node for reign in self.reigns_in(during or self.during) for node in self.matched(reign, match)})

    def matched(self, reign: Reign, match: Match | None) -> dict[str, list[CheckId]]:
        """The checks of each node (that match), found once: of a large estate they are asked for node by node."""
        key = id(reign.said), id(match)  # both are kept as long as this is
        if key not in self._matches:
            found: dict[str, list[CheckId]] = defaultdict(list)
            for check in reign.said.checks if match is None else reign.said.covered(match):
                found[check.node].append(check)
            self._matches[key] = found
        return self._matches[key]

    def _by_reign(self, make: Callable[[Reign], Sequence[Stretch[T]]], nothing: T) -> Sequence[Stretch[T]]:
        found: list[Stretch[T]] = []
        for reign in self.reigns:
            found += make(reign) or [Stretch(*reign.during, nothing)]
        return found or [Stretch(*self.during, nothing)]

    @cached_property
    def _ledgers(self) -> dict[CheckId, list[Transition]]:
        return periods.ledgers(self.reader, self.during, self.nodes_read)

    @cached_property
    def _goods(self) -> dict[CheckId, list[Micros]]:
        return periods.first_goods(self.reader)

    @cached_property
    def _identities(self) -> dict[CheckId, tuple[Identity, ...]]:
        return self.reader.identities()

    @cached_property
    def _behind(self) -> dict[CheckId, tuple[Interval, ...]]:
        return self.reader.unreachable(*self.during)
