"""Where the board and the open incidents disagree: a fault or a crash came between a transition and its decision."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Protocol

from pacs_monitor.alerting.cases import TROUBLE, Case, Key
from pacs_monitor.model import CheckId, IncidentKind, Micros, Result, Standing, State, Transition


class Seen(Protocol):
    """A check on the board."""

    @property
    def standing(self) -> Standing: ...
    @property
    def last(self) -> Result | None: ...


def missed_transitions(
    entries: Mapping[CheckId, Seen], cases: Mapping[Key, Case], coming: Container[CheckId], now: Micros
) -> Iterator[Transition]:
    """The transitions that nothing was made of, as far as they are still known; none for checks in `coming`."""
    for check, seen in entries.items():
        if seen.standing.state in TROUBLE and check not in coming and (IncidentKind.NODE, str(check)) not in cases:
            yield _transition(check, seen, State.UP, now)
    for (kind, name), case in cases.items():
        check = CheckId.parse(name)
        if kind is IncidentKind.NODE and check not in coming and check in entries:
            seen = entries[check]
            if seen.standing.state is State.UP:
                yield _transition(check, seen, case.incident.state, now)


def _transition(check: CheckId, seen: Seen, before: State, now: Micros) -> Transition:
    standing, outcome = seen.standing, seen.last.outcome if seen.last else None
    said = outcome if outcome is not None and outcome.reason is standing.reason else None
    since = min(standing.since, now)
    phase, detail = (said.phase, said.detail) if said and said.reason else (None, "")
    return Transition(check, before, standing.state, None, since, now, standing.reason, phase, detail)
