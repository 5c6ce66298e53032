"""A job reports in over the API of a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON

NODES = (
    "  backup:\n    checks:\n      nightly: {probe: push, within: 1h, failures: 1}\n"
    "      server: {probe: push, within: 1h, values: {free_bytes: {fail_below: 1GiB}}}\n"
    "      licence: {probe: expiry, date: 2099-01-01}\n"
)


Start = Callable[[], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the daemon; again, after ending the one before."""
    running: list[tuple[Daemon, httpx.AsyncClient]] = []

    async def end() -> None:
        while running:
            daemon, client = running.pop()
            await client.aclose()
            await daemon.stop()

    async def begin() -> httpx.AsyncClient:
        await end()
        daemon = await Daemon.open(
            load(write_estate(tmp_path, 0, NODES, defaults="interval: 200ms, retry_interval: 100ms"))
        )
        await daemon.start()
        client = asking("http://{}:{}".format(*daemon.address))
        running.append((daemon, client))
        return client

    yield begin
    await end()


async def until(client: httpx.AsyncClient, reason: str | None, state: str) -> Any:
    async with asyncio.timeout(SOON):
        while True:
            check = (await client.get("/api/v1/checks/backup/nightly")).json()
            if check["last"] and check["last"]["reason"] == reason and check["state"] == state:
                return check
            await asyncio.sleep(0.02)


async def test_a_job_that_reports_is_up_and_one_that_reports_failure_is_down(start: Start) -> None:
    client = await start()
    await until(client, "awaited", "unknown")
    taken = await client.post("/api/v1/push/backup/nightly?seconds=812")
    assert (taken.status_code, taken.json()) == (202, {"node": "backup", "check": "nightly", "status": "ok"})
    up = await until(client, None, "up")
    assert {"name": "push_job_seconds", "labels": {}, "value": 812.0} in up["last"]["measurements"]

    await client.post("/api/v1/push/backup/nightly?status=fail")
    await until(client, "exit_status", "down")


async def test_a_report_survives_a_restart(start: Start) -> None:
    client = await start()
    await client.post("/api/v1/push/backup/nightly")
    await until(client, None, "up")
    await until(await start(), None, "up")


async def test_what_takes_no_reports_says_so(start: Start) -> None:
    client = await start()
    other = await client.post("/api/v1/push/backup/licence")
    nobody = await client.post("/api/v1/push/backup/daily")
    wrong = await client.post("/api/v1/push/backup/nightly?status=great")
    assert (other.status_code, nobody.status_code, wrong.status_code) == (409, 404, 422)
    assert other.json()["detail"] == "backup/licence is a check of the kind expiry; only push checks accept reports"


async def test_more_reports_of_a_check_than_a_job_can_make_are_refused_for_a_while(start: Start) -> None:
    client = await start()
    answers = [await client.post("/api/v1/push/backup/nightly?status=fail") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert len(answers) - len(refused) >= 10
    assert len(refused) >= 5
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(429, "1")}


async def test_a_report_has_the_numbers_that_its_check_declares_and_nothing_else(start: Start) -> None:
    client = await start()
    taken = await client.post("/api/v1/push/backup/server?free_bytes=5e9")
    assert taken.status_code == 202
    told = (await client.get("/api/v1/checks/backup/server")).json()["last"]
    assert {"name": "push_value", "labels": {"name": "free_bytes"}, "value": 5e9} in told["measurements"]
    for query in ("free_bytes=Doe^Jane", "free_bytes=nan", "patient=1"):
        refused = await client.post(f"/api/v1/push/backup/server?{query}")
        assert refused.status_code == 422
        assert "Doe" not in refused.text
        assert "patient" not in refused.text
