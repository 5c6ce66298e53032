"""One event being decided: the situation as it becomes, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from immutables import Map
from ulid import ULID

from pacs_monitor.alerting.events import Due, Event
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Asked, Cause, Overrun, Situation, Subject
from pacs_monitor.alerting.words import Kind, Refusal
from pacs_monitor.model import (
    CheckId,
    DeliveryStatus,
    Incident,
    IncidentKind,
    Maintained,
    Micros,
    Note,
    Notified,
    Suppressed,
    Unreachable,
)
from pacs_monitor.model import Event as Said
from pacs_monitor.windows import Window

_NONE: Map[str, str] = Map()


@dataclass(frozen=True, slots=True)
class Owed:
    """One notification that is owed now, with the incident as it was then."""

    id: str
    incident: Incident
    channel: str
    event: Said
    status: DeliveryStatus
    at: Micros
    page: int = 1
    worse: bool = False
    """It pages anew."""
    behind: tuple[str, ...] = ()
    """Checks that cannot be reached because its node is down."""
    overran: Overrun | None = None
    """The maintenance that has ended while it still failed."""
    first: bool = False
    """An escalation to a channel that has had no `opened`: for that channel it is one."""
    instead_of: str = ""
    """The channel whose fallback this one is here."""
    kept_in: str = ""
    """The receivers (of other channels) where people may acknowledge it, of which nothing is heard here."""


class Notice(NamedTuple):
    """What a channel is told of a window of maintenance."""

    id: str
    channel: str
    event: Said
    window: Window
    at: Micros
    failing: tuple[CheckId, ...]
    """What of it is degraded or down now."""
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class OwedDigest:
    """The digest of a channel, with the incidents as they were then, the oldest first."""

    id: str
    channel: str
    status: DeliveryStatus
    at: Micros
    over: tuple[Incident, ...]
    """Began and ended while the channel was not to be paged."""
    going_on: tuple[Incident, ...]

    @property
    def incidents(self) -> tuple[Incident, ...]:
        return (*self.over, *self.going_on)


@dataclass(slots=True)
class Effects:
    """What an event leads to."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    owed: list[Owed] = field(default_factory=list)
    digests: list[OwedDigest] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    notified: dict[tuple[str, str], Notified] = field(default_factory=dict)
    unreachable: list[Unreachable] = field(default_factory=list)
    maintained: list[Maintained] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    probes: dict[CheckId, None] = field(default_factory=dict)
    """Checks to run at once."""
    wakes: list[tuple[Micros, str]] = field(default_factory=list)
    """When to look at which subject again."""
    refusal: Refusal | None = None
    """What somebody said is not accepted: nothing has changed."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        about_incidents = self.incidents or self.owed or self.suppressed or self.notified
        return not (
            about_incidents or self.unreachable or self.maintained or self.notices or self.notes or self.digests
        )


class Turn:
    """The situation while one event is decided."""

    def __init__(self, situation: Situation, event: Event, rules: Rules) -> None:
        self.before = situation.at
        """When the event before it was decided."""
        self.at = max(event.at, situation.at)
        self.now = replace(situation, at=self.at)
        """Nobody else's until it is handed over: only `put` and `drop` change it in place."""
        self.is_timer = isinstance(event.what, Due)
        self.rules = rules
        self.effects = Effects()
        self._number = int(ULID.from_str(event.id))
        self.admitted: set[tuple[str, str]] = set()
        """Incidents, and the channels where there is room for them in a storm."""
        self._touched: dict[str, None] = {}

    def identity(self) -> str:
        """A ULID that derives from the event's."""
        self._number += 1
        return str(ULID.from_int(self._number))

    def refuse(self, kind: Kind, why: str) -> None:
        """What somebody said cannot be accepted; nothing may have changed yet."""
        self.effects.refusal = Refusal(kind, why)

    def touch(self, subjects: Iterable[str]) -> None:
        """Look at these before the event is done with."""
        self._touched.update(dict.fromkeys(subjects))

    def untouched(self) -> Iterable[str]:
        """Takes the touched subjects, one after the other, until none is left."""
        while self._touched:
            subject = next(iter(self._touched))
            del self._touched[subject]
            yield subject

    def put(self, **maps: tuple[Any, Any]) -> None:
        """Set one key each in these maps of the situation."""
        for name, pair in maps.items():
            object.__setattr__(self.now, name, getattr(self.now, name).set(*pair))

    def drop(self, **maps: Any) -> None:
        """Remove one key each from these maps, where it is there."""
        for name, key in maps.items():
            if key in getattr(self.now, name):
                object.__setattr__(self.now, name, getattr(self.now, name).delete(key))

    def subject(self, identity: str) -> Subject | None:
        return self.now.subjects.get(identity)

    def of(self, kind: IncidentKind) -> list[Subject]:
        """The open subjects of a kind."""
        return [self.now.subjects[key] for key in self.now.by_cause.get(kind, _NONE).values()]

    def owner(self, cause: Cause) -> Subject | None:
        """The open incident that more of this cause joins."""
        kind, name = cause
        identity = self.now.by_cause.get(kind, _NONE).get(name)
        return None if identity is None else self.now.subjects.get(identity)

    def own(self, cause: Cause, identity: str) -> None:
        """More of this cause joins that incident from now on."""
        kind, name = cause
        self.put(by_cause=(kind, self.now.by_cause.get(kind, _NONE).set(name, identity)))

    def disown(self, subject: Subject) -> None:
        """No longer, if it was so: more of its cause joins the oldest other open incident of that cause, if any."""
        kind, name = subject.key
        names = self.now.by_cause.get(kind, _NONE)
        if names.get(name) != subject.incident.id:
            return
        heirs = [other for other in self._beside(subject) if other.key == subject.key]
        if heirs:
            self.own(subject.key, min(heirs, key=Subject.age).incident.id)
        else:
            self.put(by_cause=(kind, names.delete(name)))

    def _beside(self, subject: Subject) -> Iterator[Subject]:
        """The other open incidents of its node."""
        node = subject.incident.members[0].node if subject.incident.kind is IncidentKind.NODE else ""
        for identity in self.now.by_node.get(node, frozenset()):
            if identity != subject.incident.id:
                yield self.now.subjects[identity]

    def remember(self, subject: Subject) -> Subject:
        """Put a subject into the situation; its incident is as it is on record."""
        self.put(subjects=(subject.incident.id, subject))
        return subject

    def keep(self, subject: Subject) -> Subject:
        """Put a subject into the situation whose incident is new, or has changed: it is recorded and looked at."""
        self.effects.incidents[subject.incident.id] = subject.incident
        self.touch([subject.incident.id])
        return self.remember(subject)

    def notify(self, subject: Subject, sent: Notified) -> Subject:
        """Remember what a channel was notified of."""
        self.effects.notified[sent.incident, sent.channel] = sent
        return self.remember(replace(subject, notified={**subject.notified, sent.channel: sent}))

    def wake(self, subject: str, at: Micros) -> None:
        """Look at a subject then; a time that is not to come needs no wake."""
        if at > self.at:
            self.effects.wakes.append((at, subject))

    def wake_after_all(self, subject: str) -> None:
        """Look at a subject when everything of this moment is decided."""
        self.effects.wakes.append((self.at, subject))

    def ask(self, check: CheckId, until: Micros, site: str = "") -> None:
        """Run a check at once; pages that depend on it, or on that `site`, wait for its result until then.

        Asking again while it is awaited makes nobody wait longer.
        """
        before = self.now.asked.get(check, Asked(0))
        until = before.until if before.until > self.at else until
        self.expect(check, Asked(until, site or before.site, self.at))
        self.effects.probes[check] = None

    def expect(self, check: CheckId, asked: Asked | None) -> None:
        """A fresh result of a check is awaited, also over a restart; None if no longer."""
        if asked is None:
            self.drop(asked=check)
        else:
            self.put(asked=(check, asked))
        self.note("asked", str(check), None if asked is None else asked._asdict())

    def note(self, kind: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Keep something small over a restart; None forgets it."""
        self.effects.notes[kind, key] = Note(kind, key, data)
