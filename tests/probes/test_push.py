from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.model import SECOND, Node, Outcome, Reason, Report, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.push import Push, PushSettings
from tests.probes.support import Arranged, Peers
from tests.support.clock import NOON, StoppedClock
from tests.support.probing import ask

PUSH = kinds()["push"]
HOUR = 3600.0
BACKUP = Node("backup")


def reported(report: Report, ago: float, seconds: float | None = None) -> dict[str, Any]:
    memory: dict[str, Any] = {}
    Push().note(memory, report, seconds, SystemClock().now() - round(ago * SECOND))
    return {"memory": memory}


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    yield BACKUP, PushSettings(within=HOUR), reported("ok", 60)


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield BACKUP, PushSettings(within=HOUR), reported("fail", 60)


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    yield BACKUP, PushSettings(within=HOUR), reported("ok", 2 * HOUR)


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    yield BACKUP, PushSettings(within=HOUR), reported("warn", 60)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    yield BACKUP, PushSettings(within=HOUR)


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.mark.parametrize(
    ("report", "ago", "seconds", "status", "reason"),
    [
        ("ok", 60, None, Status.OK, None),
        ("ok", 60, 10, Status.OK, None),
        ("ok", 60, 4 * HOUR, Status.WARN, Reason.SLOW),
        ("warn", 60, 10, Status.WARN, Reason.EXIT_STATUS),
        ("fail", 60, None, Status.FAIL, Reason.EXIT_STATUS),
        ("fail", 27 * HOUR, None, Status.FAIL, Reason.SILENT),
        ("ok", 27 * HOUR, None, Status.FAIL, Reason.SILENT),
    ],
)
async def test_a_report_tells_until_it_is_too_old(
    report: Report, ago: float, seconds: float | None, status: Status, reason: Reason | None
) -> None:
    settings = PushSettings(within=26 * HOUR, slow=3 * HOUR)
    outcome = await ask(PUSH, BACKUP, settings, **reported(report, ago, seconds))
    assert (outcome.status, outcome.reason) == (status, reason)
    assert [m.value for m in outcome.measurements if m.name == "push_job_seconds"] == ([seconds] if seconds else [])


async def test_before_the_first_report_nothing_is_known_until_it_is_late() -> None:
    memory: dict[str, Any] = {}

    async def at(seconds: float) -> Outcome:
        clock = StoppedClock(NOON + timedelta(seconds=seconds))
        return await ask(PUSH, BACKUP, PushSettings(within=HOUR), clock=clock, memory=memory)

    assert ((await at(0)).status, (await at(HOUR)).reason) == (Status.UNKNOWN, Reason.AWAITED)
    assert ((await at(HOUR + 1)).status, (await at(HOUR + 2)).reason) == (Status.FAIL, Reason.SILENT)
