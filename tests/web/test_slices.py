"""Whoever looks at a large estate holds up nobody: what they are shown is made in slices of the event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Coroutine
from math import inf
from typing import Any, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pacs_monitor.web import slices, status
from pacs_monitor.web.metrics import WHOLE, Exposition
from pacs_monitor.web.pages.freshness import freshness
from pacs_monitor.web.pages.snapshot import snapshot
from pacs_monitor.web.slices import Slices
from tests.web.conftest import Served

T = TypeVar("T")
MANY = 30
SITE = 'a "b"'
OLD = [f"old{n}" for n in range(MANY)]


async def turns_during(work: Awaitable[object]) -> int:
    """How often the event loop came round to somebody else before it was done."""
    count, working = 0, asyncio.ensure_future(work)
    while not working.done():
        await asyncio.sleep(0)
        count += 1
    await working
    return count


async def steps(count: int) -> None:
    work = Slices()
    for _ in range(count):
        await work.pause()


async def test_others_have_a_turn_after_each_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 0.0)
    assert await turns_during(steps(MANY)) >= MANY


async def test_steps_within_a_slice_are_made_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", inf)
    assert await turns_during(steps(MANY)) <= 2


async def with_nodes(served: Served, count: int) -> None:
    check = "{nightly: {probe: push, within: 1d}}"
    nodes = "".join(f"  {name}: {{host: 127.0.0.1, site: '{SITE}', checks: {check}}}\n" for name in OLD[:count])
    served.config.write_text(served.config.read_text() + nodes)
    await served.daemon.reload("test")


async def metrics(served: Served) -> str:
    parts, _content_type = Exposition(served.daemon).render("", WHOLE)
    return b"".join([part async for part in parts]).decode()


async def test_what_is_made_of_many_nodes_is_made_in_slices(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await with_nodes(served, MANY)
    monkeypatch.setattr(slices, "SLICE", 0.0)
    daemon = served.daemon

    assert await turns_during(status.status(daemon)) >= MANY
    assert await turns_during(snapshot(daemon, freshness(daemon))) >= MANY
    assert await turns_during(metrics(served)) >= MANY


def begun(making: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
    """What has come to its third slice, and stays there until it is a task."""
    for _ in range(3):
        making.send(None)
    return making


async def test_a_node_that_a_reload_takes_away_meanwhile_is_no_error(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, daemon = served.config.read_text(), served.daemon
    await with_nodes(served, MANY)
    monkeypatch.setattr(slices, "SLICE", 0.0)
    board, seen, text = (
        begun(status.status(daemon)),
        begun(snapshot(daemon, freshness(daemon))),
        begun(metrics(served)),
    )
    served.config.write_text(before)
    await daemon.reload("test")

    assert {node["node"] for node in json.loads(b"".join(await asyncio.create_task(board)))["nodes"]} == {
        "archive",
        *OLD,
    }
    assert {row.name for row in (await asyncio.create_task(seen)).nodes} == {"archive", *OLD}
    assert "pacs_node_maintenance" in await asyncio.create_task(text)


async def test_whether_a_node_is_in_maintenance_is_told_with_its_site(served: Served) -> None:
    await with_nodes(served, 2)
    words = {"name": "patching", "for": "1h", "match": {"node": "old1"}, "by": "it-duty"}
    assert (await served.client.post("/api/v1/maintenance", json=words)).is_success

    families = {family.name: family for family in text_string_to_metric_families(await metrics(served))}
    samples = {(one.labels["node"], one.labels["site"]): one.value for one in families["pacs_node_maintenance"].samples}
    assert samples == {("archive", "east"): 0.0, ("old0", SITE): 0.0, ("old1", SITE): 1.0}


async def test_a_long_answer_is_sent_in_parts_and_says_how_long_it_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_nodes(served, MANY)
    monkeypatch.setattr(slices, "TOGETHER", 7)

    answer = await served.client.get("/api/v1/status")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert [node["node"] for node in answer.json()["nodes"]] == sorted(["archive", *OLD])
