"""Receivers are asked who has acknowledged, while something is open there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from pacs_monitor.delivery import Poller
from pacs_monitor.delivery.polling import AT_A_TIME, OLDEST
from pacs_monitor.fields import Settings
from pacs_monitor.model import AcknowledgedThere, Channel, DeliveryError, Notification, Taken
from tests.support.clock import SettableClock
from tests.support.timing import until


class Asked:
    """Answers what it is told to."""

    kind: ClassVar[str] = "asked"
    settings: ClassVar[type[Settings]] = Settings
    owns_escalation: ClassVar[bool] = True
    takes_answers: ClassVar[bool] = False
    service: ClassVar[str] = "PagerDuty"
    poll_every: float | None = 0.01

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.answers: dict[str, AcknowledgedThere] = {}
        self.error: Exception | None = None
        self.failing: set[str] = set()
        """Incidents about which questions fail; all while it is empty."""

    def deliver(self, _notification: Notification, _timeout: float) -> str:
        return "thanks"

    def acknowledged(self, taken: Taken, timeout: float) -> AcknowledgedThere | None:
        assert timeout > 0
        self.questions.append(taken.incident)
        if self.error is not None and (not self.failing or taken.incident in self.failing):
            raise self.error
        return self.answers.get(taken.incident)


class House:
    def __init__(self, clock: SettableClock) -> None:
        self.clock, self.channel = clock, Asked()
        self.open: list[Taken] = []
        self.heard: list[tuple[str, str]] = []

    async def hear(self, taken: Taken, by: str) -> None:
        self.heard.append((taken.incident, by))

    def taken(self, _channel: str) -> list[Taken]:
        return self.open


async def permit() -> None:
    """We lead."""


@asynccontextmanager
async def asking(clock: SettableClock) -> AsyncIterator[House]:
    house = House(clock)
    channels: dict[str, Channel] = {"oncall": house.channel}
    task = asyncio.create_task(Poller(clock, lambda: channels, house.taken, house.hear, permit).keep())
    yield house
    task.cancel()


def page(incident: str, number: int = 1) -> Taken:
    return Taken(incident, f"east/{incident}", number)


async def test_who_acknowledges_there_is_said_here_once_per_page(clock: SettableClock) -> None:
    async with asking(clock) as house:
        house.channel.answers["a"] = AcknowledgedThere("Jo", clock.now())
        house.open = [page("a"), page("b")]
        await until(lambda: house.channel.questions.count("b") >= 3)
        assert house.heard == [("a", "Jo via PagerDuty")]
        house.open = [page("a", 2)]
        await until(lambda: len(house.heard) == 2)


async def test_nothing_is_asked_while_nothing_is_open_or_nobody_said_to(clock: SettableClock) -> None:
    async with asking(clock) as house:
        house.channel.poll_every = None
        house.open = [page("a")]
        other = Asked()
        await asyncio.wait_for(_looks(house, other), 20)
        assert house.channel.questions == []


async def _looks(house: House, other: Asked) -> None:
    """Until a poller of the same pace has asked twice."""
    channels: dict[str, Channel] = {"other": other}
    task = asyncio.create_task(Poller(house.clock, lambda: channels, house.taken, house.hear, permit).keep())
    await until(lambda: len(other.questions) >= 2)
    task.cancel()


async def test_an_acknowledgement_of_long_ago_is_over_here(clock: SettableClock) -> None:
    async with asking(clock) as house:
        house.channel.answers["a"] = AcknowledgedThere("Jo", clock.now() - OLDEST - 1)
        house.open = [page("a")]
        await until(lambda: len(house.channel.questions) >= 2)
        assert house.heard == []


async def test_a_failure_is_told_once_and_asked_again(clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with asking(clock) as house:
        house.channel.error = DeliveryError("http_401", "HTTP 401")
        house.open = [page("a")]
        await until(lambda: len(house.channel.questions) >= 3)
        house.channel.error = None
        house.channel.answers["a"] = AcknowledgedThere("Jo", None)
        await until(lambda: bool(house.heard))
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "channel oncall: who acknowledges in PagerDuty is not known: HTTP 401",
        "channel oncall: who acknowledges in PagerDuty is known again",
    ]


async def test_an_alert_that_is_gone_there_holds_up_no_others(clock: SettableClock) -> None:
    async with asking(clock) as house:
        house.channel.error, house.channel.failing = DeliveryError("http_404", "HTTP 404"), {"a"}
        house.channel.answers["b"] = AcknowledgedThere("Jo", None)
        house.open = [page("a"), page("b")]
        await until(lambda: bool(house.heard))
    assert house.heard == [("b", "Jo via PagerDuty")]


async def test_of_many_each_has_its_turn(clock: SettableClock) -> None:
    async with asking(clock) as house:
        house.open = [page(f"{number:03}") for number in range(AT_A_TIME * 2 + 5)]
        await until(lambda: set(house.channel.questions) == {one.incident for one in house.open})
