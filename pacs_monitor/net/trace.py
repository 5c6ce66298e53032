"""What a conversation with a peer has taken so far, and how it failed."""

from __future__ import annotations

from time import monotonic
from typing import Any

from pacs_monitor.format.human import duration
from pacs_monitor.model import Flag, Measurement, Outcome, PacsMonitorError, Phase, Reason, Status

Labels = tuple[tuple[str, str], ...]
_ACTIVITIES = {
    Phase.RESOLVE: "resolving the name",
    Phase.CONNECT: "connecting",
    Phase.TLS: "negotiating TLS",
    Phase.ASSOCIATE: "associating",
    Phase.OPERATION: "waiting for the operation",
}


class Trace:
    """How far one conversation has come: the phase it is in, the seconds each phase took, what else was noticed."""

    __slots__ = ("_since", "flags", "measurements", "phase", "phases", "terminal")

    def __init__(self) -> None:
        self.phase = Phase.RESOLVE
        self.phases: dict[Phase, float] = {}
        self.flags: list[Flag] = []
        self.measurements: dict[tuple[str, Labels], Measurement] = {}
        self.terminal: tuple[tuple[str, str], ...] = ()
        self._since: float | None = None

    def begin(self, phase: Phase) -> None:
        """End what runs, and begin a phase."""
        now = monotonic()
        if self._since is not None:
            self._add(now - self._since)
        self._since = now
        self.phase = phase

    def end(self) -> None:
        """End the running phase, if one runs; a phase that comes again adds up."""
        if self._since is not None:
            self._add(monotonic() - self._since)
            self._since = None

    def _add(self, seconds: float) -> None:
        self.phases[self.phase] = self.phases.get(self.phase, 0.0) + seconds

    def measure(self, name: str, value: float, labels: Labels = ()) -> None:
        """Note a value of a measure that the probe declares; the last one counts."""
        self.measurements[name, labels] = Measurement(name, value, labels)

    def seen(self) -> dict[str, Any]:
        """What an Outcome takes over, however the conversation ended."""
        return {
            "phases": self.phases,
            "flags": tuple(dict.fromkeys(self.flags)),
            "measurements": tuple(self.measurements.values()),
            "terminal": self.terminal,
        }

    def take_over(self, other: Trace, who: str) -> None:
        """What another conversation of the same run has for the terminal, under a name."""
        self.terminal += tuple((f"{who}: {name}", text) for name, text in other.terminal)

    def outcome(self, slow: float | None = None) -> Outcome:
        """All went well, or well but slowly: more than `slow` seconds until the answer, release not counted."""
        if slow is None:
            return Outcome(Status.OK, **self.seen())
        waited = {phase: seconds for phase, seconds in self.phases.items() if phase is not Phase.RELEASE}
        if sum(waited.values()) <= slow:
            return Outcome(Status.OK, **self.seen())
        longest = max(waited, key=lambda phase: waited[phase])
        detail = (
            f"the answer took {duration(sum(waited.values()))}, more than {duration(slow)};"
            f" {duration(waited[longest])} of it was spent {_ACTIVITIES[longest]}"
        )
        return Outcome.of(Reason.SLOW, warn=True, phase=longest, detail=detail, **self.seen())

    def failure(self, reason: Reason, detail: str) -> NetFailure:
        """The failure that ends the running phase."""
        self.end()
        return NetFailure(reason, self.phase, detail, self)


class NetFailure(PacsMonitorError):  # noqa: N818 - a failure of the peer is an answer here, not an error of ours
    """A conversation ended early: why, in which phase, and what had been timed and noticed until then."""

    def __init__(self, reason: Reason, phase: Phase, detail: str, trace: Trace | None = None) -> None:
        super().__init__(detail)
        self.reason, self.phase, self.detail = reason, phase, detail
        self.trace = trace or Trace()

    def outcome(self) -> Outcome:
        """What a probe answers that met this failure."""
        return Outcome.of(self.reason, phase=self.phase, detail=self.detail, **self.trace.seen())
