"""Whom the routes mean at a moment: channels that they name, and the channels of whoever is on call then. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pacs_monitor.alerting.situation import Situation
from pacs_monitor.config.estate import Estate, Route, Step
from pacs_monitor.model import ONCALL
from pacs_monitor.rota import OnCall, Shift


class Recipient(NamedTuple):
    """What a route leads to: a channel, or whoever is on call."""

    name: str
    is_oncall: bool = False

    def __str__(self) -> str:
        return f"oncall:{self.name}" if self.is_oncall else self.name


def recipients_of(route: Route | Step) -> list[Recipient]:
    """All that it names."""
    return [*map(Recipient, route.channels), *(Recipient(name, is_oncall=True) for name in route.oncall)]


class Rosters:
    """The rotas of a configuration."""

    def __init__(self, estate: Estate) -> None:
        self.oncalls: Mapping[str, OnCall] = estate.oncall
        routes = [*estate.routes, estate.default_route]
        named = {channel for route in routes for channel in route.channels}
        named |= {channel for route in routes for step in route.escalate for channel in step.channels}
        named |= {channel for oncall in self.oncalls.values() for channel in oncall.otherwise}
        every = frozenset[str]().union(*(oncall.every_channel for oncall in self.oncalls.values()))
        self._personal = every - named
        """The channels of people: they are told nothing unless they are on call."""

    def shift(self, name: str, now: Situation) -> Shift:
        """Who is on call now, by one of the rotas."""
        return self.oncalls[name].at(now.at)

    def channels(self, recipient: Recipient, now: Situation, *, every: bool = False) -> tuple[str, ...]:
        """Where it leads now; with `every`, all to which it may ever lead."""
        if not recipient.is_oncall:
            return (recipient.name,)
        oncall = self.oncalls[recipient.name]
        return tuple(sorted(oncall.every_channel)) if every else oncall.channels(self.shift(recipient.name, now))

    def told_of_own(
        self, cause: str, default: Route, now: Situation, channels: Iterable[str]
    ) -> Mapping[str, list[Recipient]]:
        """Who hears of the monitor's own incidents: all channels but those of people who are not on call.

        That nobody is on call is for those who are paged instead, and for the default route.
        """
        oncalls = [Recipient(name, is_oncall=True) for name in sorted(self.oncalls)]
        everybody = [*(Recipient(channel) for channel in channels if channel not in self._personal), *oncalls]
        if cause.startswith(ONCALL) and (oncall := self.oncalls.get(cause.removeprefix(ONCALL))) is not None:
            everybody = [*map(Recipient, oncall.otherwise), *recipients_of(default)]
        found: defaultdict[str, list[Recipient]] = defaultdict(list)
        for recipient in everybody:
            for channel in self.channels(recipient, now):
                found[channel].append(recipient)
        return found
