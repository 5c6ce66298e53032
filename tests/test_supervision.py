"""Tasks go on after whatever they raise, and what failed is known."""

from __future__ import annotations

import asyncio

import pytest

from pacs_monitor import supervision
from pacs_monitor.supervision import TOO_OFTEN, Supervisor, location
from tests.support.timing import until


async def test_a_task_is_run_again_whatever_it_raises_and_ends_when_it_returns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    supervisor, runs = Supervisor(), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise MemoryError("DOE^JANE")

    task = supervisor.supervise("desk", work)
    await until(task.done)
    assert (runs, task.exception()) == (2, None)
    assert +supervisor.failures == {"desk": 1}
    (line,) = [record.getMessage() for record in caplog.records if record.name == supervision.__name__]
    assert line.startswith("desk failed and continues: MemoryError at tests.test_supervision:")
    assert "DOE" not in caplog.text, "an exception may repeat a peer's words"


async def test_a_task_outlives_the_cancellation_of_what_it_waits_for_and_not_its_own() -> None:
    supervisor, first = Supervisor(), asyncio.get_running_loop().create_future()
    waits = [first, asyncio.get_running_loop().create_future()]

    async def work() -> None:
        await waits[supervisor.failures["desk"]]

    task = supervisor.supervise("desk", work)
    await asyncio.sleep(0)
    first.cancel()
    await until(lambda: supervisor.failures["desk"] == 1)
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_what_fails_again_and_again_is_in_trouble_and_nothing_else() -> None:
    supervisor = Supervisor()
    for _ in range(TOO_OFTEN - 1):
        supervisor.failed("desk", MemoryError())
    supervisor.failed("heartbeat", MemoryError())
    assert supervisor.trouble is None
    supervisor.failed("desk", MemoryError())
    assert supervisor.trouble == "desk failed repeatedly; the log says where"


async def test_what_callbacks_and_forgotten_tasks_raise_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    supervisor, loop = Supervisor(), asyncio.get_running_loop()
    supervisor.watch(loop)

    def raising() -> None:
        raise MemoryError("DOE^JANE")

    loop.call_soon(raising)
    loop.call_at(loop.time(), raising)
    await until(lambda: supervisor.failures["loop"] == 2)
    supervisor.attempt("rhythm", raising)
    assert +supervisor.failures == {"loop": 2, "rhythm": 1}
    assert "DOE" not in caplog.text


def test_the_place_of_an_error_that_was_never_raised_is_not_known() -> None:
    assert location(ValueError()) == "?"
