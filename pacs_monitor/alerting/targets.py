"""Where an incident goes: channels with their hours, reminders and modes, and the steps of its escalation. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from pacs_monitor.alerting.hours import Attended, Calendars
from pacs_monitor.alerting.rosters import Recipient, recipients_of
from pacs_monitor.config.estate import Route
from pacs_monitor.model import SECOND, Check, Micros, Paging, Problem

STRENGTH = (Paging.OFF, Paging.SHADOW, Paging.ON)
"""The modes, the weakest first."""


@dataclass(slots=True)
class Target:
    """One channel that an incident is routed to."""

    paging: Paging = Paging.OFF
    """The strongest mode among the members that are routed there."""
    remind: float | None = None
    """The shortest interval of reminders, in seconds."""
    problems: list[Problem] = field(default_factory=list)
    """Of kind node: the members that are routed there."""
    attended: list[Attended] = field(default_factory=list)
    """The hours in which it may be paged; without any, always."""
    instead_of: str = ""
    """The channel that is late, where this one is only its fallback."""
    oncall: set[str] = field(default_factory=set)
    """The rotas by which it is routed there now."""
    named: bool = False
    """Whether a route names the channel itself."""

    def through(self, recipient: Recipient) -> None:
        """Remember by what it is routed there."""
        if recipient.is_oncall:
            self.oncall.add(recipient.name)
        else:
            self.named = True

    def add(self, paging: Paging, remind: float | None, attended: Iterable[Attended] = ()) -> None:
        self.attended += attended
        self.paging = max(self.paging, paging, key=STRENGTH.index)
        if remind is not None and paging is not Paging.OFF:
            self.remind = remind if self.remind is None else min(remind, self.remind)


class Steps(NamedTuple):
    """Whom an incident is escalated to."""

    paging: Paging = Paging.OFF
    after: Mapping[Recipient, tuple[Micros, ...]] = MappingProxyType({})
    """To whom, and how long after the first notification, the shortest first."""
    attended: Mapping[Recipient, list[Attended]] = MappingProxyType({})
    """The hours of the routes that escalate to it."""


class Way(NamedTuple):
    """How a route leads to a channel."""

    remind: float | None
    calendars: tuple[Calendars, ...]
    """Of each route that names the channel: it is open when one of them is."""


def calendars_of(route: Route, check: Check | None) -> Calendars:
    """Those of a route and of a check: all of them must be open."""
    calendars = (route.calendar, None if check is None else check.calendar)
    return tuple(one for one in calendars if one is not None)


def steps_of(paging: Paging, routes: Iterable[tuple[Route, Check | None]], but: Container[str] = ()) -> Steps:
    """When each channel is escalated to; steps that several routes have in common are one."""
    found: defaultdict[Recipient, set[Micros]] = defaultdict(set)
    attended: defaultdict[Recipient, list[Attended]] = defaultdict(list)
    for route, check in routes:
        for step in route.escalate:
            for recipient in recipients_of(step):
                if str(recipient) not in but:
                    found[recipient].add(round(step.after * SECOND))
                    attended[recipient].append(Attended(calendars_of(route, check)))
    return Steps(paging, {recipient: tuple(sorted(found[recipient])) for recipient in sorted(found)}, attended)
