"""Channels whose receivers forget are told again what is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import ClassVar

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.delivery import Refresher
from pacs_monitor.fields import Settings
from pacs_monitor.model import Channel, DeliveryError, Event, Notification
from tests.support.timing import until


class Forgetful:
    """Remembers what it was told; may fail."""

    kind: ClassVar[str] = "forgetful"
    settings: ClassVar[type[Settings]] = Settings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False
    refresh_every = 1.0

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.error: Exception | None = None

    def deliver(self, _notification: Notification, _timeout: float) -> str:
        return "thanks"

    def refresh(self, standing: Sequence[Notification], timeout: float) -> None:
        assert timeout > 0
        self.told.append(tuple(one.id for one in standing))
        if self.error is not None:
            raise self.error


def standing(channel: str) -> tuple[Notification, ...]:
    return (Notification(f"open for {channel}", channel, Event.REMINDED, 0, {}),)


async def permit() -> None:
    """We lead."""


async def test_each_is_told_at_once_and_then_at_its_pace() -> None:
    am, channels = Forgetful(), dict[str, Channel]()
    task = asyncio.create_task(Refresher(SystemClock(), lambda: channels, standing, permit).keep())
    channels["am"] = am
    await until(lambda: len(am.told) >= 2)
    channels["new"] = new = Forgetful()
    await until(lambda: bool(new.told))
    task.cancel()
    assert set(am.told) == {("open for am",)}
    assert new.told[0] == ("open for new",)


@pytest.mark.parametrize("error", [DeliveryError("http_503", "HTTP 503"), ValueError("s3cret")])
async def test_what_fails_is_logged_once_and_comes_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    am = Forgetful()
    am.error = error
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(Refresher(SystemClock(), lambda: {"am": am}, standing, permit).keep())
        await until(lambda: len(am.told) >= 3)
        am.error = None
        await until(lambda: "knows again what is open" in caplog.text)
        task.cancel()
    assert caplog.text.count("channel am cannot be told what is still open") == 1
    assert "s3cret" not in caplog.text


async def test_nothing_is_sent_while_another_daemon_leads() -> None:
    am, leads = Forgetful(), asyncio.Event()

    async def permitted() -> None:
        await leads.wait()

    task = asyncio.create_task(Refresher(SystemClock(), lambda: {"am": am}, standing, permitted).keep())
    await asyncio.sleep(0)
    assert am.told == []
    leads.set()
    await until(lambda: bool(am.told))
    task.cancel()
