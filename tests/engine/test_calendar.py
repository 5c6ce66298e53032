"""Calendar checks over clock steps and daylight saving; the machine's clock is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.engine.calendar import Calendar
from pacs_monitor.model import CheckId
from pacs_monitor.supervision import Supervisor
from tests.engine.support import a_check
from tests.support.clock import SettableClock
from tests.support.timing import SOON, until

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = CheckId("archive", "night")


@pytest.fixture
async def calendar() -> AsyncIterator[Calendar]:
    calendar = Calendar(lambda check: None, SettableClock(), Supervisor())
    calendar.start()
    yield calendar
    calendar.stop()


def until_next(calendar: Calendar) -> float:
    seconds = calendar.seconds_to_next(NIGHT)
    assert seconds is not None
    return seconds


async def test_a_cron_line_counts_in_the_monitors_time_zone(calendar: Calendar) -> None:
    calendar.adopt([a_check("archive/night", cron="30 2 * * *")], "Europe/Berlin")
    seconds = until_next(calendar)
    now = datetime.now(BERLIN)
    following = now + timedelta(seconds=seconds)

    assert (following.hour, following.minute) == (2, 30) or is_changing_night(following)


async def test_after_the_clock_was_set_the_next_time_is_computed_afresh_and_still_in_the_future(
    calendar: Calendar,
) -> None:
    calendar.adopt([a_check("archive/night", cron="* * * * *")], "UTC")
    calendar.reschedule()

    await until(lambda: 0 < until_next(calendar) <= 60.5)


async def test_checks_come_and_go_with_a_reload(calendar: Calendar) -> None:
    calendar.adopt([a_check("archive/night", cron="30 2 * * *"), a_check("archive/noon", cron="0 12 * * *")], "UTC")
    before = calendar.seconds_to_next(NIGHT)
    calendar.adopt([a_check("archive/night", cron="30 2 * * *")], "UTC")

    assert calendar.seconds_to_next(NIGHT) == pytest.approx(before, abs=60)
    assert calendar.seconds_to_next(CheckId("archive", "noon")) is None


async def test_another_time_zone_moves_the_times(calendar: Calendar) -> None:
    check = a_check("archive/night", cron="30 2 * * *")
    calendar.adopt([check], "Asia/Tokyo")
    tokyo = until_next(calendar)
    calendar.adopt([check], "Etc/GMT-10")

    assert (until_next(calendar) - tokyo) % 86400 == pytest.approx(86400 - 3600, abs=60)


async def test_a_calendar_run_starts_on_the_loop_like_any_other() -> None:
    told: asyncio.Future[tuple[CheckId, asyncio.AbstractEventLoop]] = asyncio.get_running_loop().create_future()
    calendar = Calendar(
        lambda check: told.set_result((check, asyncio.get_running_loop())), SettableClock(), Supervisor()
    )
    calendar.start()
    calendar.adopt([a_check("archive/night", cron="30 2 * * *")], "UTC")
    calendar._scheduler.modify_job("archive/night", next_run_time=datetime.now(UTC))  # half past two is now
    async with asyncio.timeout(SOON):
        check, loop = await told
    calendar.stop()

    assert (check, loop) == (NIGHT, asyncio.get_running_loop())


def is_changing_night(moment: datetime) -> bool:
    """The hour from 2 to 3 does not exist, or exists twice."""
    return moment.utcoffset() != (moment - timedelta(days=1)).utcoffset()
