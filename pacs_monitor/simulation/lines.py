"""What decisions come to for people: who hears of what, when, and what they do not hear, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.alerting.turn import Owed
from pacs_monitor.model import DeliveryStatus, Incident, IncidentKind, Micros, Suppressed


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that somebody hears, or does not hear."""

    at: Micros
    what: str
    """`opened`, `changed`, `group resolved`, `suppressed opened` …"""
    channel: str
    severity: str
    cause: str
    why: str = ""
    """Why it is not sent; empty where it is."""

    @property
    def text(self) -> str:
        """Without its time."""
        to = f" to {self.channel}" if self.channel else ""
        return f"{self.what}{to}: {self.cause} ({self.severity})" + (f", {self.why}" if self.why else "")


def lines(decisions: Iterable[Decided]) -> Iterator[Line]:
    """In order of time."""
    incidents: dict[str, Incident] = {}
    for decided in decisions:
        incidents |= decided.effects.incidents
        for owed in decided.effects.owed:
            yield _sent(owed)
        for held in decided.effects.suppressed:
            if held.ended is None or held.ended == held.at:
                yield _held(held, incidents[held.incident])


def _sent(owed: Owed) -> Line:
    incident = owed.incident
    what = _what(incident, owed.event) + (f", page {owed.page}" if owed.worse else "")
    why = "" if owed.status is DeliveryStatus.PENDING else str(owed.status.value)
    return Line(owed.at, what, owed.channel, incident.severity.value, incident.cause, why)


def _held(held: Suppressed, incident: Incident) -> Line:
    why = f"{held.why} {held.detail}".strip()
    what = f"suppressed {_what(incident, held.event)}"
    return Line(held.at, what, held.channel or "", incident.severity.value, incident.cause, why)


def _what(incident: Incident, event: str) -> str:
    name = event.removeprefix("incident.")
    return f"group {name}" if incident.kind is IncidentKind.GROUP else name
