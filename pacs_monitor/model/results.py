"""From one run to a change of State: Outcome, Result, Standing, Transition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from pacs_monitor.model.defaults import CHECK_DEFAULTS
from pacs_monitor.model.enums import Blame, Flag, Phase, Presence, Reason, State, Status
from pacs_monitor.model.hours import OpeningHours
from pacs_monitor.model.times import SECOND, Micros, iso


class CheckId(NamedTuple):
    """`node/check`, the identity of a check."""

    node: str
    check: str

    def __str__(self) -> str:
        return f"{self.node}/{self.check}"

    @classmethod
    def parse(cls, text: str) -> Self:
        node, _, check = text.partition("/")
        return cls(node, check)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measurement that a probe declares: the metric `pacs_<name>`, in base units."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    trend: bool = False
    """Samples are kept in the history."""
    counts: bool = False
    """A total that grows until it begins anew: plots tell what came within an hour."""
    by_hour: bool = False
    """It depends on the hour and the day of the week: plots compare it with the same hour of the weeks before."""
    empty_in: str = ""
    """The measure, with the same labels, that forecasts in how many seconds this one is 0."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a declared measure; `labels` are pairs in the order that the measure declares."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class Change(NamedTuple):
    """A change of the peer: recorded, never notified. No free text of a peer, no patient data."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The synthetic object that a peer took in a run (PS3.4 B), and how its arrival was verified."""

    sop_class: str
    sop_instance: str
    verify: str
    """The method, as the check's `verify` names it: `find`, `get`, `commitment` …"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe saw. `reason` is None exactly when the status is ok; blame `monitor` means status unknown."""

    status: Status
    reason: Reason | None = None
    phase: Phase | None = None
    detail: str = ""
    flags: tuple[Flag, ...] = ()
    phases: Mapping[Phase, float] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    changes: tuple[Change, ...] = ()
    """What the probe found changed since its previous runs."""
    stored: StoredObject | None = None
    """What was stored, by a probe that does."""
    terminal: tuple[tuple[str, str], ...] = ()
    """Facts for the terminal of `pacs-monitor probe` alone; never stored, logged or sent."""

    def __post_init__(self) -> None:
        if (self.reason is None) != (self.status is Status.OK):
            raise ValueError(f"status {self.status} does not match reason {self.reason}")
        if self.reason is not None and (self.reason.blame is Blame.MONITOR) and self.status is not Status.UNKNOWN:
            raise ValueError(
                f"reason {self.reason} is the monitor's own: the status must be unknown, not {self.status}"
            )

    @classmethod
    def of(cls, reason: Reason, *, warn: bool = False, **fields: Any) -> Self:
        """The outcome that goes with a reason: unknown when the monitor is to blame, else warn or fail."""
        if reason.blame is Blame.MONITOR:
            status = Status.UNKNOWN
        else:
            status = Status.WARN if warn or reason is Reason.BUSY else Status.FAIL
        return cls(status, reason, **fields)


@dataclass(frozen=True, slots=True)
class Result:
    """An Outcome stamped with its check, start and duration."""

    check: CheckId
    probe: str
    outcome: Outcome
    started: Micros
    duration: float
    waited: float = 0.0
    """Seconds before it started in which other runs had its addresses."""

    @property
    def ended(self) -> Micros:
        return self.started + round(self.duration * SECOND)

    def as_json(self) -> dict[str, Any]:
        """As `probe --json` and the API return it: durations in seconds, times RFC 3339."""
        outcome, reason = self.outcome, self.outcome.reason
        return {
            "node": self.check.node,
            "check": self.check.check,
            "probe": self.probe,
            "status": outcome.status,
            "reason": reason,
            "blame": reason and reason.blame,
            "phase": outcome.phase if reason else None,
            "detail": outcome.detail,
            "flags": list(outcome.flags),
            "started": iso(self.started),
            "duration_seconds": round(self.duration, 6),
            "phases": {phase.value: round(seconds, 6) for phase, seconds in outcome.phases.items()},
            "measurements": [
                {"name": m.name, "labels": dict(m.labels), "value": m.value} for m in outcome.measurements
            ],
        }


ABSENT_FOR = 7200.0
"""Seconds that an intermittent node may be absent while it is expected, unless the configuration says."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many results in a row confirm a change; durations in seconds."""

    failures: int = CHECK_DEFAULTS.failures
    recoveries: int = CHECK_DEFAULTS.recoveries
    presence: Presence = Presence.ALWAYS
    busy_fail_after: float = CHECK_DEFAULTS.busy_fail_after
    expected: OpeningHours | None = None
    """The hours in which an intermittent node should be on; None: it is expected never."""
    absent_for: float = ABSENT_FOR
    """How long it may be absent within them, in seconds."""


class Streak(NamedTuple):
    """Results in a row: how many, when the first had ended, and when the last different result before it had
    started."""

    length: int = 0
    since: Micros = 0
    before: Micros | None = None


NO_STREAK = Streak()


class Standing(NamedTuple):
    """The confirmed state of a check. The streaks count results at least as bad, or at least as good."""

    state: State = State.UNKNOWN
    since: Micros = 0
    """Since when it is so for this cause or class of failure; `state_since` is since when at all."""
    reason: Reason | None = Reason.NOT_MEASURED
    troubled: bool = False
    """An incident is open: leaving unknown or absent for up then takes `recoveries`."""
    last: Micros | None = None
    """When the last result started."""
    busy_since: Micros | None = None
    fails: Streak = NO_STREAK
    bads: Streak = NO_STREAK
    oks: Streak = NO_STREAK
    goods: Streak = NO_STREAK
    absents: Streak = NO_STREAK
    unknowns: Streak = NO_STREAK
    others: Streak = NO_STREAK
    """Results in a row for another cause than `reason`: while unknown unknown ones, while down of another class."""
    down_since: Micros | None = None
    """Since when it is down, if the class of failure has changed since."""
    seen: Micros | None = None
    """While it is absent: when the last result had started before, if that is known."""

    @property
    def state_since(self) -> Micros:
        """Since when the check is in its state: a change of the class of failure while down is none of the state."""
        return self.since if self.down_since is None else self.down_since


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of State, of the cause of unknown, or of the class of failure while down: then the outage goes on.

    An outage lasted at least `recovery.last_before - since`, and at most `recovery.since - last_before`.
    """

    check: CheckId
    before: State
    after: State
    last_before: Micros | None
    """When the last result of the old state started; None when there was none."""
    since: Micros
    """When the first result of the new state had ended."""
    noticed: Micros
    """When the change was confirmed."""
    reason: Reason | None = None
    phase: Phase | None = None
    detail: str = ""
