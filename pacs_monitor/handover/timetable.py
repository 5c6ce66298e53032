"""What goes out at a time of the day or the week: the handover, and the tests of channels.

Theory of operation. The record has, for each of these, the time at which it was last due. Every LOOK seconds the latest
time of its plan since then is looked for; if there is one, the notifications and that time are recorded in one entry,
and sent after that. So neither a restart nor a reload loses one or sends it twice; the ids derive from the time and the
channel, so that a receiver knows a repetition. What is late by more than GRACE is not sent any more.

A channel is proven by whatever it delivers. If it has delivered nothing between the time of its test and `ack_within`
after it, that is a delivery incident, as if it delivered nothing at all; it ends with the next success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ulid import ULID

from pacs_monitor.alerting.events import ChannelFailing, ChannelWorks
from pacs_monitor.calendars import WeeklyTimes
from pacs_monitor.config import Estate
from pacs_monitor.handover.gather import Source, gather
from pacs_monitor.handover.messages import message
from pacs_monitor.language import speaking
from pacs_monitor.messages.trial import planned_trial
from pacs_monitor.model import (
    SECOND,
    TEST_NOT_DELIVERED,
    DeliveryStatus,
    Entry,
    Event,
    IncidentKind,
    Micros,
    Note,
    Notification,
    Paging,
)

LOOK = 5.0
"""Seconds between two looks at the plan."""
GRACE: Micros = 2 * 3600 * SECOND
KIND = "timetable"
"""Of the notes that remember what was done."""
HANDOVER = "handover"
TEST = "test:"
"""The keys of tests begin so; the channel follows."""


class Done(NamedTuple):
    """How far something of the plan is done."""

    until: Micros
    """What was due until then is done with."""
    sent: Micros | None
    """When that was due which was last sent; not in shadow mode."""


def remembered(notes: Iterable[Note]) -> dict[str, Done]:
    """What the record has."""
    return {note.key: Done(**note.data) for note in notes if note.kind == KIND and note.data}


def plan_of(estate: Estate) -> dict[str, WeeklyTimes]:
    """What is to go out when."""
    plan = {f"{TEST}{channel}": test.at for channel, test in estate.channel_tests.items()}
    return plan if estate.handover is None else plan | {HANDOVER: estate.handover.at}


class Timetable:
    """Sends what is due, and sees to it that tests arrive."""

    def __init__(self, daemon: Source) -> None:
        self._daemon = daemon
        self._done: dict[str, Done] = {}
        self._plan: Mapping[str, WeeklyTimes] = {}
        self._settings: Mapping[str, object] = {}
        """Of the channels."""

    @property
    def last_handover(self) -> Micros | None:
        """When it was last sent."""
        return self._done[HANDOVER].sent if HANDOVER in self._done else None

    def start(self, notes: Iterable[Note]) -> None:
        """With what the record has."""
        self._done = remembered(notes)
        self._plan = plan_of(self._daemon.estate)
        self._settings = self._daemon.estate.channel_settings
        self._begin(key for key in self._plan if key not in self._done)

    def reloaded(self) -> None:
        """What is new, or has other times, begins now; a channel with other settings has not failed its test yet."""
        known, self._plan = self._plan, plan_of(self._daemon.estate)
        before, self._settings = self._settings, self._daemon.estate.channel_settings
        for key, done in self._done.items():
            channel = key.removeprefix(TEST)
            if channel != key and before.get(channel) != self._settings.get(channel):
                self._done[key] = Done(done.until, None)
        self._begin(key for key, times in self._plan.items() if known.get(key) != times)

    def _begin(self, keys: Iterable[str]) -> None:
        now, notes = self._daemon.clock.now(), []
        for key in keys:
            self._done[key] = Done(now, self._done[key].sent if key in self._done else None)
            notes.append(self._note(key))
        if notes:
            self._daemon.desk.owe(Entry(notes=tuple(notes)))

    async def keep(self) -> None:
        """As long as the daemon runs."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Send what is due now."""
        now = self._daemon.clock.now()
        for key, times in self._plan.items():
            if key not in self._plan:  # a reload has come in between
                continue
            zone = ZoneInfo(self._daemon.estate.monitor.timezone)
            due = times.latest(max(self._done[key].until, now - GRACE), now, zone)
            if due is not None:
                await self._send(key, due)
        self._see_to_tests(now)

    async def _send(self, key: str, due: Micros) -> None:
        estate = self._daemon.estate
        paging, notifications = estate.monitor.paging, list[Notification]()
        if paging is not Paging.OFF:
            notifications = await self._handovers(due) if key == HANDOVER else self._tests(key.removeprefix(TEST), due)
        if paging is Paging.SHADOW:
            notifications = [replace(one, status=DeliveryStatus.SHADOW) for one in notifications]
        self._done[key] = Done(due, due if paging is Paging.ON else self._done[key].sent)
        self._daemon.desk.owe(Entry(notifications=tuple(notifications), notes=(self._note(key),)))

    async def _handovers(self, due: Micros) -> list[Notification]:
        estate = self._daemon.estate
        assert estate.handover is not None  # noqa: S101 - it is in the plan
        channels = dict.fromkeys(estate.handover.channels)
        with speaking(estate.monitor.language):
            said = await gather(self._daemon, self.last_handover)
            return [message(identity(due, HANDOVER, name), name, said, estate.monitor) for name in channels]

    def _tests(self, channel: str, due: Micros) -> list[Notification]:
        """None while an earlier one still waits: that one proves as much."""
        if any(one.event is Event.TEST and one.channel == channel for one in self._daemon.desk.outbox.pending()):
            return []
        estate, now = self._daemon.estate, self._daemon.clock.now()
        within = estate.channel_tests[channel].ack_within if estate.channels[channel].takes_answers else None
        return [planned_trial(identity(due, TEST, channel), channel, estate.monitor, now, within)]

    def _see_to_tests(self, now: Micros) -> None:
        """Tell of channels that have delivered nothing since their test was due, until they do."""
        tests, desk = self._daemon.estate.channel_tests, self._daemon.desk
        failing = {one.cause: one for one in desk.open_incidents() if one.kind is IncidentKind.DELIVERY}
        for channel, one in failing.items():
            proven = channel not in tests or desk.outbox.last_success.get(channel, 0) >= one.since
            if one.detail == TEST_NOT_DELIVERED and proven:
                desk.happened(ChannelWorks(channel))
        for channel, test in tests.items():
            done = self._done.get(f"{TEST}{channel}")
            due = None if done is None else done.sent
            if due is None or due + round(test.ack_within * SECOND) > now or channel in failing:
                continue
            if desk.outbox.last_success.get(channel, 0) < due:
                desk.happened(ChannelFailing(channel, due, TEST_NOT_DELIVERED))

    def _note(self, key: str) -> Note:
        return Note(KIND, key, self._done[key]._asdict())


def identity(due: Micros, what: str, channel: str) -> str:
    """The id of what is due then: the same whenever it is made."""
    digest = blake2b(f"{what}\0{channel}\0{due}".encode(), digest_size=10).digest()
    return str(ULID.from_int((max(due, 0) // 1000 << 80) + int.from_bytes(digest)))
