"""How often something may be asked for."""

from __future__ import annotations

import asyncio

from pacs_monitor.web.rate_limit import SingleFlight, TokenBucket


def test_a_burst_is_allowed_and_then_so_much_a_second_for_each_key() -> None:
    now = [0.0]
    allowance = TokenBucket(1.0, 3, lambda: now[0])
    assert [allowance.wait("a") for _ in range(4)] == [0, 0, 0, 1.0]
    assert allowance.wait("b") == 0
    now[0] = 0.5
    assert allowance.wait("a") == 0.5
    now[0] = 1.0
    assert [allowance.wait("a"), allowance.wait("a")] == [0, 1.0]
    now[0] = 100.0
    assert [allowance.wait("a") for _ in range(4)] == [0, 0, 0, 1.0]


async def test_heavy_work_rests_for_some_times_its_duration() -> None:
    turns, loop = SingleFlight(3.0), asyncio.get_running_loop()
    assert not turns.busy
    began = loop.time()
    async with turns.turn():
        assert turns.busy
        await asyncio.sleep(0.1)
    async with turns.turn():
        rested = loop.time() - began
    assert not turns.busy
    assert rested >= 0.39
