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


VALUES = {"free_bytes": {"fail_below": "50GiB", "warn_below": "100GiB"}, "stopped": {"fail_above": 0}, "seen": {}}
GIB = 1 << 30


@pytest.mark.parametrize(
    ("sent", "status", "reason", "words"),
    [
        ({"free_bytes": 200.0 * GIB, "stopped": 0.0, "seen": -3.5}, Status.OK, None, ""),
        ({"free_bytes": 60.0 * GIB, "stopped": 0.0, "seen": 1.0}, Status.WARN, Reason.OVER_LIMIT, "free_bytes is"),
        ({"free_bytes": 60.0 * GIB, "stopped": 2.0, "seen": 1.0}, Status.FAIL, Reason.OVER_LIMIT, "stopped is 2, more"),
        (
            {"free_bytes": 200.0 * GIB, "seen": 1.0},
            Status.UNKNOWN,
            Reason.NOT_MEASURED,
            "the last report has no stopped",
        ),
        ({"free_bytes": 1.0 * GIB, "seen": 1.0}, Status.FAIL, Reason.OVER_LIMIT, "free_bytes is 1,073,741,824, less"),
    ],
)
async def test_the_numbers_of_a_report_have_limits_and_a_missing_one_is_unknown(
    sent: dict[str, float], status: Status, reason: Reason | None, words: str
) -> None:
    memory: dict[str, Any] = {}
    Push().note(memory, "ok", None, SystemClock().now(), sent)
    settings = PushSettings.model_validate({"within": HOUR, "values": VALUES})
    outcome = await ask(PUSH, BACKUP, settings, memory=memory)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert words in outcome.detail
    measured = {dict(m.labels)["name"]: m.value for m in outcome.measurements if m.name == "push_value"}
    assert measured == sent


@pytest.mark.parametrize("name", ["status", "seconds", "Free", "a b", "", "x" * 41])
def test_a_number_that_a_report_could_not_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|name it otherwise"):
        PushSettings.model_validate({"within": HOUR, "values": {name: {}}})
