"""What decisions come to for people: who is notified of what, when, and what is suppressed, why and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pacs_monitor.alerting.events import recorded
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.alerting.turn import Notice, Owed, OwedDigest
from pacs_monitor.model import SECOND, DeliveryStatus, Event, Incident, IncidentKind, Micros, Severity, Suppressed


@dataclass(frozen=True, slots=True)
class Line:
    """A notification, sent or suppressed."""

    at: Micros
    what: str
    """`opened`, `changed, page 2`, `group resolved`, `suppressed opened` …"""
    channels: tuple[str, ...]
    """None where it is routed to none."""
    severity: str
    cause: str
    why: str = ""
    """Why it is not sent; empty where it is."""
    until: Micros | None = None
    """When that reason no longer held, where it did."""


def lines(decisions: Iterable[Decided]) -> list[Line]:
    """In order of time; what several channels are sent at the same time is one line."""
    incidents: dict[str, Incident] = {}
    found: list[Line] = []
    holding: dict[tuple[str, str, str, Micros], int] = {}
    for decided in decisions:
        incidents |= decided.effects.incidents
        found += map(_digest, decided.effects.digests)
        found += map(_sent, decided.effects.owed)
        found += map(_noticed, decided.effects.notices)
        if decided.effects.refusal is not None:
            what = f"refused {recorded(decided.event).kind}"
            found.append(Line(decided.event.at, what, (), "", decided.effects.refusal.why))
        for held in decided.effects.suppressed:
            key = held.incident, held.event, held.channel or "", held.at
            if held.ended is not None and key in holding:
                found[holding[key]] = replace(found[holding[key]], until=held.ended)
            else:
                holding[key] = len(found)
                found.append(_held(held, incidents[held.incident]))
    together: dict[Line, Line] = {}
    for line in found:
        if line.until != line.at:
            same = replace(line, channels=())
            known = together.get(same, same)
            together[same] = replace(line, channels=(*known.channels, *line.channels))
    return sorted(together.values(), key=lambda line: line.at)


def shown(line: Line, start: Micros, zone: ZoneInfo) -> str:
    """With local times, and their date where it is not that of the start."""
    first = datetime.fromtimestamp(start // SECOND, zone).date()

    def clock(at: Micros) -> str:
        there = datetime.fromtimestamp(at // SECOND, zone)
        return f"{there:%H:%M:%S}" if there.date() == first else f"{there:%Y-%m-%d %H:%M:%S}"

    to = f" to {', '.join(line.channels)}" if line.channels else ""
    until = "" if line.until is None else f" until {clock(line.until)}"
    why = f", {line.why}{until}" if line.why else ""
    severity = f" ({line.severity})" if line.severity else ""
    return f"{clock(line.at)} {line.what}{to}: {line.cause}{severity}{why}"


def _sent(owed: Owed) -> Line:
    incident = owed.incident
    what = _what(incident, owed.event) + (f", page {owed.page}" if owed.worse else "")
    why = "" if owed.status is DeliveryStatus.PENDING else owed.status.value
    return Line(owed.at, what, (owed.channel,), incident.severity.value, incident.cause, why)


def _digest(owed: OwedDigest) -> Line:
    """`digest to hook: full:archive ended, unreachable:ris open (info)`."""
    about = [*(f"{one.cause} ended" for one in owed.over), *(f"{one.cause} open" for one in owed.going_on)]
    why = "" if owed.status is DeliveryStatus.PENDING else owed.status.value
    return Line(owed.at, "digest", (owed.channel,), Severity.INFO.value, ", ".join(about), why)


def _noticed(notice: Notice) -> Line:
    why = "" if notice.status is DeliveryStatus.PENDING else notice.status.value
    severity = Severity.WARNING if notice.event is Event.MAINTENANCE_ENDING else Severity.INFO
    what = notice.event.replace(".", " ")
    return Line(notice.at, what, (notice.channel,), severity.value, notice.window.name, why)


def _held(held: Suppressed, incident: Incident) -> Line:
    why = f"{held.why} {held.detail}".strip()
    what = f"suppressed {_what(incident, held.event)}"
    return Line(held.at, what, (held.channel,) if held.channel else (), incident.severity.value, incident.cause, why)


def _what(incident: Incident, event: str) -> str:
    name = event.removeprefix("incident.")
    return f"{incident.kind} {name}" if incident.kind in (IncidentKind.GROUP, IncidentKind.SUMMARY) else name
