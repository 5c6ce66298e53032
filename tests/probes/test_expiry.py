from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.model import SECOND, Micros, Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.expiry import ExpirySettings
from tests.probes.support import Arranged, Peers, TestClock, ask

EXPIRY = kinds()["expiry"]
TODAY = datetime.now(UTC).date()


def ending(day: date, **more: object) -> Arranged:
    return Node("viewer"), ExpirySettings(date=day, what="viewer licence", **more)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    yield ending(TODAY + timedelta(days=100))


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield ending(TODAY - timedelta(days=2))


PEERS = Peers(working, refusing, refusing)


class At(TestClock):
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> Micros:
        return round(self._moment.timestamp()) * SECOND


async def asked(moment: datetime, zone: str = "UTC", **more: object) -> Outcome:
    return await ask(EXPIRY, *ending(date(2027, 3, 31), **more), clock=At(moment), zone=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "status", "words"),
    [
        (datetime(2027, 1, 30, 23, 0, tzinfo=UTC), Status.OK, ""),
        (datetime(2027, 1, 31, 1, 0, tzinfo=UTC), Status.WARN, "ends on 2027-03-31, in 59 days"),
        (datetime(2027, 3, 30, 23, 0, tzinfo=UTC), Status.WARN, "ends on 2027-03-31, in 1 day"),
        (datetime(2027, 3, 31, 23, 59, tzinfo=UTC), Status.WARN, "ends on 2027-03-31, today"),
        (datetime(2027, 4, 1, 0, 1, tzinfo=UTC), Status.FAIL, "ended"),
        (datetime(2027, 4, 3, 0, 1, tzinfo=UTC), Status.FAIL, "ended on 2027-03-31, 2 days ago"),
    ],
)
async def test_it_warns_in_time_and_holds_to_the_end_of_its_last_day(
    moment: datetime, status: Status, words: str
) -> None:
    outcome = await asked(moment)
    assert outcome.status is status
    assert outcome.detail == (f"viewer licence {words}" if words else "")
    assert outcome.reason is (None if status is Status.OK else Reason.EXPIRING)
    assert outcome.measurements[0].value == datetime(2027, 4, 1, tzinfo=UTC).timestamp()


async def test_the_day_ends_where_the_monitor_stands() -> None:
    moment = datetime(2027, 3, 31, 22, 30, tzinfo=UTC)
    assert (await asked(moment)).status is Status.WARN
    assert (await asked(moment, "Europe/Berlin")).status is Status.FAIL


async def test_it_may_fail_before_the_date() -> None:
    assert (await asked(datetime(2027, 3, 30, tzinfo=UTC), fail=7 * 86400)).status is Status.FAIL
