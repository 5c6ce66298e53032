"""What is written every few seconds instead of a row per run: the batch of a heartbeat, and what gathers it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil, log
from typing import Any

from pacs_monitor.history.counting import LatencyCounter
from pacs_monitor.history.identities import Known
from pacs_monitor.latency import Counted, CountedOf
from pacs_monitor.model import Change, Check, CheckId, Measurement, Micros, Phase, Reason, Result, State, Status

GROWTH = 1.1
"""Each bucket of durations ends at 1.1 times the one before: a quantile is known to 5 %."""
SMALLEST = 1e-6
_LOG_GROWTH = log(GROWTH)
MOST_SAMPLES = 100_000
MOST_CHANGES = 10_000
"""What waits for a database that is away; older ones are dropped."""


def bucket(seconds: float) -> int:
    """The logarithmic bucket of a duration: bucket n holds what is at most GROWTH**n microseconds."""
    return ceil(log(seconds / SMALLEST) / _LOG_GROWTH) if seconds > SMALLEST else 0


@dataclass(slots=True)
class Runs:
    """Runs of a check, counted. `brief` are failed runs that never became a change of state."""

    ok: int = 0
    warn: int = 0
    fail: int = 0
    unknown: int = 0
    brief: int = 0
    seconds: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)
    """How many runs lasted how long, all but the unknown ones."""

    @property
    def total(self) -> int:
        return self.ok + self.warn + self.fail + self.unknown

    def add(self, other: Runs) -> None:
        self.ok += other.ok
        self.warn += other.warn
        self.fail += other.fail
        self.unknown += other.unknown
        self.brief += other.brief
        self.seconds += other.seconds
        for number, count in other.buckets.items():
            self.buckets[number] = self.buckets.get(number, 0) + count


@dataclass(slots=True)
class FailureRun:
    """Results in a row that were not ok for the same reason in the same phase; the detail is the last one's."""

    check: CheckId
    status: Status
    reason: Reason
    phase: Phase | None
    detail: str
    first: Micros
    last: Micros
    count: int = 1
    continues: bool = False
    """It may continue the last run of the batch before: no ok result came between."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a measure that is marked as a trend."""

    check: CheckId
    at: Micros
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class ChangeSeen:
    """A change of a peer, and when the run began that saw it."""

    check: CheckId
    at: Micros
    change: Change


@dataclass(frozen=True, slots=True)
class HeartbeatBatch:
    """What happened since the last heartbeat."""

    now: Micros
    step: Micros = 0
    """By how much the wall clock was set since then; 0 when it was not."""
    results: Mapping[CheckId, Result] = field(default_factory=dict)
    """The last result of each check that ran."""
    runs: Mapping[CheckId, Runs] = field(default_factory=dict)
    failures: Collection[FailureRun] = ()
    samples: Collection[Sample] = ()
    changes: Collection[ChangeSeen] = ()
    memory: Mapping[CheckId, Mapping[str, Any]] = field(default_factory=dict)
    """What these checks keep over a restart; what has not changed is not written again."""
    good: Mapping[Known, Micros] = field(default_factory=dict)
    """When checks were good for the first time as they are configured."""
    constancy: Collection[Result] = ()
    """Every result of the checks that a constancy log names."""
    latencies: Mapping[CountedOf, Counted] = field(default_factory=dict)
    """Runs against agreed limits."""


@dataclass(slots=True)
class _CheckProgress:
    """What a check goes on with from one batch to the next."""

    state: State
    failing: int = 0
    broken: bool = False
    """The last result was not ok."""


class ResultAccumulator:
    """Gathers results on the event loop; `take_batch` takes them away."""

    def __init__(self) -> None:
        self._trends: frozenset[tuple[str, str]] = frozenset()
        self._seen: dict[CheckId, _CheckProgress] = {}
        self._results: dict[CheckId, Result] = {}
        self._runs: dict[CheckId, Runs] = {}
        self._failures: dict[CheckId, list[FailureRun]] = {}
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._changes: deque[ChangeSeen] = deque(maxlen=MOST_CHANGES)
        self._logged: frozenset[CheckId] = frozenset()
        self._constancy: deque[Result] = deque(maxlen=MOST_CHANGES)
        self._step: Micros = 0
        self._prints: Mapping[CheckId, str] = {}
        self._unproven: dict[CheckId, str] = {}
        self._good: dict[Known, Micros] = {}
        self.latencies = LatencyCounter()

    def adopt(
        self,
        checks: Collection[Check],
        prints: Mapping[CheckId, str] | None = None,
        proven: Collection[CheckId] = frozenset(),
        logged: Collection[CheckId] = frozenset(),
    ) -> None:
        """Which measures are trends, which checks there are, as whom they ask, and which were good as these.

        Of those that are `logged` each result is kept, for the constancy log.
        """
        self._logged = frozenset(logged)
        self._prints = prints or {}
        self._unproven = {check: known for check, known in self._prints.items() if check not in proven}
        self._trends = frozenset(
            (check.probe.kind, measure.name) for check in checks for measure in check.probe.measures if measure.trend
        )
        known = {check.id for check in checks}
        self._seen = {check: seen for check, seen in self._seen.items() if check in known}

    def take(self, result: Result, state: State) -> None:
        """One result, and the state of its check after it."""
        check, status = result.check, result.outcome.status
        self._results[check] = result
        runs = self._runs.get(check)
        if runs is None:
            runs = self._runs[check] = Runs()
        seen = self._seen.get(check)
        if seen is None:
            seen = self._seen[check] = _CheckProgress(state)
        if status is Status.OK:
            runs.ok += 1
        elif status is Status.WARN:
            runs.warn += 1
        elif status is Status.FAIL:
            runs.fail += 1
        else:
            runs.unknown += 1
        if status is not Status.UNKNOWN:
            runs.seconds += result.duration
            number = bucket(result.duration)
            runs.buckets[number] = runs.buckets.get(number, 0) + 1
        self.latencies.take(result)
        if status is not Status.OK or seen.failing or seen.state is not state:
            self._count_brief(seen, runs, status, state)
        if check in self._unproven and status in (Status.OK, Status.WARN):
            self._good[Known(check, self._unproven.pop(check))] = result.ended
        if status is not Status.OK:
            self._note_failure(seen, result)
        seen.broken = status is not Status.OK
        if result.outcome.measurements and self._trends:
            self._keep_trends(result)
        if check in self._logged:
            self._constancy.append(result)
        self._changes += [ChangeSeen(check, result.started, change) for change in result.outcome.changes]

    def clock_was_set(self, step: Micros) -> None:
        """The next batch has it. What was proven by a clock that was ahead is proven anew, by the right one."""
        self._step += step
        if step < 0:
            self._unproven = dict(self._prints)

    def take_batch(self, now: Micros, memory: Mapping[CheckId, Mapping[str, Any]] | None = None) -> HeartbeatBatch:
        """All that came since the last batch."""
        failures = tuple(run for runs in self._failures.values() for run in runs)
        batch = HeartbeatBatch(
            now,
            self._step,
            self._results,
            self._runs,
            failures,
            tuple(self._samples),
            tuple(self._changes),
            memory or {},
            self._good,
            tuple(self._constancy),
            self.latencies.take_batch(),
        )
        self._results, self._runs, self._failures, self._good = {}, {}, {}, {}
        self._samples.clear()
        self._changes.clear()
        self._constancy.clear()
        self._step = 0
        return batch

    def ran(self) -> Collection[CheckId]:
        """The checks that the next batch will have."""
        return self._results.keys()

    @staticmethod
    def _count_brief(seen: _CheckProgress, runs: Runs, status: Status, state: State) -> None:
        if seen.state is not state:
            seen.state, seen.failing = state, 0
        elif status is Status.FAIL:
            seen.failing += state not in (State.DOWN, State.ABSENT)
        elif status is not Status.UNKNOWN:
            runs.brief += seen.failing
            seen.failing = 0

    def _note_failure(self, seen: _CheckProgress, result: Result) -> None:
        outcome = result.outcome
        if outcome.reason is None:
            return
        noted = self._failures.setdefault(result.check, [])
        last = noted[-1] if noted else None
        if last and seen.broken and (last.reason, last.phase) == (outcome.reason, outcome.phase):
            last.last, last.count, last.detail, last.status = (
                result.started,
                last.count + 1,
                outcome.detail,
                outcome.status,
            )
            return
        noted.append(
            FailureRun(
                result.check,
                outcome.status,
                outcome.reason,
                outcome.phase,
                outcome.detail,
                result.started,
                result.started,
                continues=seen.broken and last is None,
            )
        )

    def _keep_trends(self, result: Result) -> None:
        for measurement in result.outcome.measurements:
            if (result.probe, measurement.name) in self._trends:
                self._samples.append(Sample(result.check, result.started, measurement))
