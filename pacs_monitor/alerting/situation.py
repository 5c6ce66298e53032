"""Everything that deciding needs, as one persistent value: nothing in it is ever changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from immutables import Map

from pacs_monitor.alerting.events import UnknownSince
from pacs_monitor.alerting.undelivered import NOTHING_LATE, Undelivered
from pacs_monitor.model import (
    NEVER_CONNECTED,
    Acknowledgement,
    CheckId,
    Incident,
    IncidentKind,
    Micros,
    Notified,
    Reason,
    State,
    Suppressed,
)
from pacs_monitor.model import Event as Said
from pacs_monitor.windows import Pause, Window

Cause = tuple[IncidentKind, str]

_EMPTY: Map[Any, Any] = Map()


class Standing(NamedTuple):
    """Where a check stands that is not up."""

    state: State
    reason: Reason | None
    since: Micros
    last_before: Micros | None
    """When the last result of the state before had started."""

    @property
    def cannot_connect(self) -> bool:
        """Whether it is down by a failure to connect: of a reachability check, its node cannot be reached."""
        return self.state is State.DOWN and self.reason in NEVER_CONNECTED


class Escalation(NamedTuple):
    """How far an incident has been escalated."""

    since: Micros
    """Its steps count from then."""
    told: Mapping[str, int] = MappingProxyType({})
    """Channel → how many of its steps are done."""
    remind: bool = False
    """An acknowledgement is over: one reminder is owed as soon as something of it fails."""

    def as_data(self) -> dict[str, Any]:
        return {"since": self.since, "told": dict(self.told), "remind": self.remind}


class Recalled(NamedTuple):
    """The acknowledgement of an incident that has ended: one of the same cause may open anew."""

    acknowledgement: Acknowledgement
    ended: Micros
    """When that was decided."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An open incident and what was said about it."""

    incident: Incident
    due: Micros
    """When people are to be notified; of kind node, each problem has its own."""
    notified: Mapping[str, Notified] = field(default_factory=dict)
    """By channel."""
    suppressed: Mapping[tuple[Said, str], Suppressed] = field(default_factory=dict)
    """What is suppressed now, and why, by channel; the channel is empty where there is none."""
    differs: Micros | None = None
    """Since when it differs from what was said; small differences are gathered before they are said."""
    escalation: Escalation | None = None
    """None until people were notified, and where nothing is to be escalated."""
    undelivered: Undelivered = NOTHING_LATE
    oncall: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The channels that were told by a rota, by its name."""

    @property
    def key(self) -> Cause:
        return self.incident.kind, self.incident.cause

    @property
    def first_due(self) -> Micros:
        """When people are to be notified first: of kind node, of the problems that are still in it."""
        return min((problem.due for problem in self.incident.active), default=self.due)

    def age(self) -> tuple[Micros, str]:
        """The oldest is lowest."""
        return self.incident.noticed, self.incident.id

    def shifted(self, step: Micros) -> Subject:
        """The same after the wall clock was set: what was due in a minute still is, and began as long ago."""
        incident = self.incident
        problems = tuple(
            replace(
                problem,
                last_good=None if problem.last_good is None else problem.last_good + step,
                since=problem.since + step,
                noticed=problem.noticed + step,
                due=problem.due + step,
                flapping=None if problem.flapping is None else problem.flapping + step,
                calm=None if problem.calm is None else problem.calm + step,
            )
            for problem in incident.problems
        )
        incident = incident.changed(
            last_good=None if incident.last_good is None else incident.last_good + step,
            since=incident.since + step,
            noticed=incident.noticed + step,
            problems=problems,
        )
        notified = {channel: sent.changed(at=sent.at + step) for channel, sent in self.notified.items()}
        differs = None if self.differs is None else self.differs + step
        begun = self.escalation and self.escalation._replace(since=self.escalation.since + step)
        return replace(
            self, incident=incident, due=self.due + step, notified=notified, differs=differs, escalation=begun
        )


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of the nodes of a site."""

    unreachable: Map[str, Micros] = _EMPTY
    """Nodes, and since when."""
    uncounted: Map[str, None] = _EMPTY
    """Nodes of which nothing is known, or that a dead parent explains."""
    suspect_until: Micros = 0
    """Pages about its unreachable nodes wait until then, or until all that were asked have answered."""
    awaited: Map[CheckId, None] = _EMPTY
    """Those that were asked."""
    vanished: tuple[tuple[Micros, CheckId], ...] = ()
    """Intermittent nodes that became absent within the last minutes."""
    cut: Micros | None = None
    """Since when it cannot be reached from where the monitor stands."""


class Asked(NamedTuple):
    """A check of which a fresh result is awaited."""

    until: Micros
    """How long pages wait for it."""
    site: str = ""
    """The site whose pages wait for it, if it was asked for that."""
    since: Micros = 0
    """When it was asked: a run that began before may have met what is over, and is no answer."""


@dataclass(frozen=True, slots=True)
class Held:
    """A window of maintenance that people have added or changed, or one of the configuration that has begun."""

    window: Window
    forget: Micros
    """When nothing needs to know of it any more: one of the configuration that was ended early must not begin again."""
    of_file: bool = False
    """It is as the configuration says."""
    calendar: str = ""
    """It is as this calendar says."""
    begun: bool = False
    warned: bool = False
    """People were told that it ends soon, while something still fails."""


class Calendar(NamedTuple):
    """A calendar of changes, as it was last read."""

    until: Micros
    """Until when it counts as fresh."""
    success: Micros | None = None
    """As of when it was last good; None if it never was."""


class Cover(NamedTuple):
    """A check is in maintenance."""

    window: str
    """The id of the window: of several, the one that ends last."""
    since: Micros


class Overrun(NamedTuple):
    """A check that still failed when its maintenance had ended."""

    name: str
    """What was done."""
    ended: Micros
    due: Micros
    """When people are to be notified of it."""


class Behind(NamedTuple):
    """A check that cannot be reached because of what stands before it."""

    parent: str
    since: Micros


class Flaps(NamedTuple):
    """How often a check has failed of late."""

    failures: tuple[Micros, ...] = ()
    """When it failed after it had been up, the last ones."""
    since: Micros | None = None
    """Since when it flaps, if it does."""
    last: Micros = 0
    """When it last changed its state while it flapped."""


class Storm(NamedTuple):
    """What a channel was notified of lately, and what waits because that was too much."""

    opened: tuple[Micros, ...] = ()
    """When incidents were opened on it, within the last minute."""
    waiting: Map[str, None] = _EMPTY
    """The incidents that wait."""
    decided_at: Micros = 0
    """When it is decided which of them are opened."""
    last: Micros = 0
    """When that was decided last."""


class Missed(NamedTuple):
    """An incident that ended before a channel was to hear of it."""

    incident: Incident
    shadow: bool
    """Its paging was `shadow`."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a channel hears at its next opening."""

    at: Micros
    missed: Map[str, Missed] = _EMPTY
    """By incident."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Open incidents, what was said about them, and what is known of checks, sites and channels."""

    at: Micros = 0
    """When it was last decided."""
    subjects: Map[str, Subject] = _EMPTY
    """Open incidents by id."""
    by_cause: Map[IncidentKind, Map[str, str]] = _EMPTY
    """Per kind, cause → the open incident that more of the same cause joins."""
    by_check: Map[CheckId, str] = _EMPTY
    """The incident of kind node that a check belongs to."""
    by_node: Map[str, frozenset[str]] = _EMPTY
    """The open incidents of kind node of a node."""
    standings: Map[CheckId, Standing] = _EMPTY
    """Checks that are not up."""
    unknown: Map[CheckId, UnknownSince] = _EMPTY
    """Checks without a valid result."""
    untried: Map[CheckId, None] = _EMPTY
    """Checks that have not run since the start."""
    asked: Map[CheckId, Asked] = _EMPTY
    """Checks of which a fresh result is awaited."""
    behind: Map[CheckId, Behind] = _EMPTY
    flaps: Map[CheckId, Flaps] = _EMPTY
    """Checks that have failed of late."""
    windows: Map[str, Held] = _EMPTY
    """By id."""
    calendars: Map[str, Calendar] = _EMPTY
    """Calendars of changes, by name."""
    pauses: Map[str, Pause] = _EMPTY
    """By id."""
    covered: Map[CheckId, Cover] = _EMPTY
    """Checks in maintenance."""
    overran: Map[CheckId, Overrun] = _EMPTY
    sites: Map[str, Site] = _EMPTY
    storms: Map[str, Storm] = _EMPTY
    """By channel."""
    summarised: Map[str, frozenset[str]] = _EMPTY
    """The open summaries that stand for an incident."""
    failing: Map[str, tuple[Micros, str]] = _EMPTY
    """Channels that deliver nothing: since when, and why."""
    digests: Map[str, Digest] = _EMPTY
    """By channel, those that come."""
    faults: frozenset[str] = frozenset()
    """Tasks of the monitor that fail again and again."""
    recalled: Map[Cause, Recalled] = _EMPTY
    """Acknowledgements that outlast their incident for a while."""
    closed: Map[CheckId, str] = _EMPTY
    """Checks whose blind incident was closed by hand, with its reason: for that they open no other."""
