"""What a daemon needs from the history when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pacs_monitor.history.reader import Reader
from pacs_monitor.model import (
    CheckId,
    DeliveryStatus,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Reason,
    Standing,
    State,
    Transition,
    Withheld,
)
from pacs_monitor.uptime import FOREVER

_NOT_TAKEN = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP})


@dataclass(frozen=True, slots=True)
class Restored:
    standings: Mapping[CheckId, Standing]
    """Of every check that was watched when the monitor last ran."""
    incidents: tuple[Incident, ...]
    """Those that are open, the oldest first."""
    made: Mapping[str, tuple[Notification, ...]]
    """For each open incident, every notification so far, in the order in which they were owed."""
    withheld: Mapping[str, tuple[Withheld, ...]]
    """For each open incident, what was not sent, and why, in the order in which it was recorded."""
    pending: tuple[Notification, ...]
    """Of all incidents, also ended ones, in the order in which they were owed.

    An opened that was not taken is owed anew while its incident is open.
    """
    memory: Mapping[CheckId, dict[str, Any]]


def restore(reader: Reader) -> Restored:
    """Read it, from one monitor's record."""
    incidents = tuple(reversed(reader.incidents(open_only=True)))
    made: dict[str, list[Notification]] = {incident.id: [] for incident in incidents}
    anew: list[Notification] = []
    for owed in reader.notifications(incidents=list(made)):
        if owed.event is Event.OPENED and owed.status in _NOT_TAKEN:
            owed = replace(owed, status=DeliveryStatus.PENDING)  # noqa: PLW2901 - the same, owed again
            anew.append(owed)
        made[owed.incident or ""].append(owed)
    withheld: dict[str, list[Withheld]] = {incident.id: [] for incident in incidents}
    for held in reader.withheld(list(made)):
        withheld[held.incident].append(held)
    return Restored(
        standings=_standings(reader, incidents),
        incidents=incidents,
        made={incident: tuple(notifications) for incident, notifications in made.items()},
        withheld={incident: tuple(kept) for incident, kept in withheld.items()},
        pending=(*anew, *reader.notifications(status=DeliveryStatus.PENDING)),
        memory=reader.memory(),
    )


def _standings(reader: Reader, incidents: tuple[Incident, ...]) -> dict[CheckId, Standing]:
    troubled = {check for i in incidents if i.kind is IncidentKind.NODE for check in i.members}
    last, latest = reader.last_started(), reader.latest()
    return {
        check: _standing(latest.get(check), spans[-1].start, last.get(check), check in troubled)
        for check, spans in reader.watched().items()
        if spans[-1].end == FOREVER
    }


def _standing(transition: Transition | None, watched: Micros, last: Micros | None, troubled: bool) -> Standing:
    if transition is None:
        return Standing(State.UNKNOWN, watched, Reason.NOT_MEASURED, troubled, last)
    return Standing(transition.after, transition.since, transition.reason, troubled, last)
