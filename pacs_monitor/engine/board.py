"""The live picture in memory: every check's Standing and last Results. Metrics, web and API read only this."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pacs_monitor import states
from pacs_monitor.engine.histogram import DURATIONS, LAGS, Histogram
from pacs_monitor.model import (
    Check,
    CheckId,
    Micros,
    Reason,
    Restriction,
    Result,
    Standing,
    State,
    Status,
    Transition,
    fingerprint,
)


@dataclass(slots=True)
class BoardEntry:
    """What is shown of one check."""

    check: Check
    standing: Standing
    last: Result | None = None
    last_success: Micros | None = None
    recent: deque[Result] = field(default_factory=lambda: deque(maxlen=20))
    failures: deque[Result] = field(default_factory=lambda: deque(maxlen=10))
    runs: int = 0
    reasons: dict[Reason, int] = field(default_factory=dict)
    """Failed and unknown runs since the start, by reason."""
    lapse_at: float | None = None
    """When the check becomes unknown unless a result comes, on the monotonic clock."""
    proven: bool = False
    """Its failures count: it was good once as it is configured, or its outage goes on since before that was changed."""
    restriction: Restriction | None = None
    """What people forbid it for a time."""

    @property
    def stopped(self) -> Restriction | None:
        """The restriction by which it does not run at all."""
        restriction = self.restriction
        return restriction if restriction and restriction.stops(writes=self.check.probe.writes) else None


class Board:
    """All checks of the estate; changed only on the event loop."""

    def __init__(self) -> None:
        self.entries: dict[CheckId, BoardEntry] = {}
        self.durations: dict[str, Histogram] = {}
        self.lag = Histogram(LAGS)
        self.waits = Histogram(LAGS)
        self.skipped = 0
        self.in_progress = 0

    def adopt(
        self,
        checks: Iterable[Check],
        restored: Mapping[CheckId, Standing],
        now: Micros,
        proven: Collection[CheckId] = (),
    ) -> None:
        """Show exactly these checks: known ones keep their standing, new ones take the restored one or are unknown.

        What another kind of probe has measured says nothing to a new one. `proven` are the checks whose
        failures count, by the record.
        """
        old, self.entries = self.entries, {}
        for check in checks:
            entry = old.get(check.id)
            if entry is None:
                standing = restored.get(check.id) or Standing(since=now)
                entry = BoardEntry(check, standing)
            elif entry.check.probe.kind != check.probe.kind:
                entry = BoardEntry(check, entry.standing)
            elif entry.check != check:
                entry.lapse_at = None
                if fingerprint(entry.check) != fingerprint(check):
                    entry.proven = entry.proven and entry.standing.fails.length > 0  # an outage has begun
            entry.proven = entry.proven or check.id in proven
            entry.check = check
            self.entries[check.id] = entry

    def accept(self, result: Result) -> Transition | None:
        """Take in one result; answers the transition that it completes. Results of removed checks are ignored."""
        entry = self.entries.get(result.check)
        if entry is None:
            return None
        entry.last = result
        entry.recent.append(result)
        entry.runs += 1
        outcome = result.outcome
        if outcome.reason is not None and outcome.status is not Status.WARN:
            entry.reasons[outcome.reason] = entry.reasons.get(outcome.reason, 0) + 1
        if outcome.status is Status.FAIL:
            entry.failures.append(result)
        elif outcome.status is not Status.UNKNOWN:
            entry.last_success = result.ended
            entry.proven = True
        durations = self.durations.get(result.probe)
        if durations is None:
            durations = self.durations[result.probe] = Histogram(DURATIONS)
        durations.observe(result.duration)
        entry.standing, transition = states.advance(entry.standing, result, entry.check.thresholds)
        return transition

    def lapse(self, monotonic: float, now: Micros) -> list[Transition]:
        """The transitions of checks whose results stopped coming."""
        transitions = []
        for entry in self.entries.values():
            if entry.lapse_at is not None and monotonic >= entry.lapse_at:
                entry.standing, transition = states.lapse(entry.standing, entry.check.id, now)
                if transition:
                    transitions.append(transition)
        return transitions

    def running(self) -> list[BoardEntry]:
        """All but what people have stopped."""
        return [entry for entry in self.entries.values() if not entry.stopped]

    def by_node(self) -> dict[str, list[BoardEntry]]:
        """The checks of each node that has any, the nodes in the order of their names."""
        nodes: dict[str, list[BoardEntry]] = {}
        for check, entry in self.entries.items():
            nodes.setdefault(check.node, []).append(entry)
        return dict(sorted(nodes.items()))

    def counts(self) -> dict[State, int]:
        """How many checks are in each state."""
        counts = dict.fromkeys(State, 0)
        for entry in list(self.entries.values()):
            counts[entry.standing.state] += 1
        return counts
