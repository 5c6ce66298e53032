"""Acknowledgements of incidents that have ended, for a while.

An incident of the same cause that opens within RECOVERED after the end of an acknowledged one goes on with its
acknowledgement: nobody is paged for a system that works for a minute while somebody repairs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pacs_monitor.alerting.situation import Cause, Recalled
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import SECOND, Acknowledgement, Incident, IncidentKind, Severity

RECOVERED = 600 * SECOND
"""A recovery that lasts no longer does not end an acknowledgement."""


def remember(turn: Turn, incident: Incident) -> None:
    """An incident has ended that was acknowledged: remember it for a while; forget those of long ago."""
    for cause, known in list(turn.now.recalled.items()):
        if known.ended + RECOVERED < turn.at:
            forget(turn, cause)
    said = incident.acknowledgement
    if said is not None and said.until > turn.at:
        keep(turn, (incident.kind, incident.cause), Recalled(said, turn.at))


def keep(turn: Turn, cause: Cause, recalled: Recalled) -> None:
    turn.put(recalled=(cause, recalled))
    turn.note("recalled", " ".join(cause), asdict(recalled.acknowledgement) | {"ended": recalled.ended})


def restored(key: str, data: Mapping[str, Any]) -> tuple[Cause, Recalled]:
    """As `keep` has written it."""
    kind, _, cause = key.partition(" ")
    said = {**data, "severity": Severity(data["severity"])}
    ended = said.pop("ended")
    return (IncidentKind(kind), cause), Recalled(Acknowledgement(**said), ended)


def forget(turn: Turn, cause: Cause) -> None:
    turn.drop(recalled=cause)
    turn.note("recalled", " ".join(cause), None)
