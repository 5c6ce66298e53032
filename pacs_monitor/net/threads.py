"""Blocking calls that nothing can interrupt: a dead file system, a database that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from pacs_monitor.model import CheckId, ProbeContext, Reason
from pacs_monitor.net.passage import Passage

T = TypeVar("T")


class OneThread:
    """At most one call of each check is under way, so that what hangs takes one thread and not all of them.

    The thread is not of the pool that blocking probes share, and it does not keep the monitor from ending.
    """

    def __init__(self) -> None:
        self._under_way: dict[CheckId, asyncio.Future[object]] = {}

    async def call(self, what: Callable[[], T], ctx: ProbeContext, passage: Passage) -> T:
        """Its result or its exception; raises NetFailure (`timeout`) when that does not come by the deadline."""
        hanging = self._under_way.get(ctx.check)
        if hanging is not None and not hanging.done():
            raise passage.failure(Reason.TIMEOUT, "an earlier attempt still hangs, and nothing can end it")
        future = self._under_way[ctx.check] = _started(what)
        await asyncio.wait([future], timeout=max(ctx.deadline - ctx.clock.monotonic(), 0.0))
        if not future.done():
            raise passage.failure(Reason.TIMEOUT, "it did not end in time; the attempt is left hanging")
        del self._under_way[ctx.check]
        return cast("T", future.result())


def _started(what: Callable[[], object]) -> asyncio.Future[object]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()
    future.add_done_callback(_retrieve)

    def settle(put: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(put, value)

    def work() -> None:
        try:
            found = what()
        except Exception as error:  # noqa: BLE001 - it is raised where the call is awaited
            settle(future.set_exception, error)
        else:
            settle(future.set_result, found)

    threading.Thread(target=work, name="probe alone", daemon=True).start()
    return future


def _retrieve(future: asyncio.Future[object]) -> None:
    """Else asyncio reports what was abandoned."""
    if not future.cancelled():
        future.exception()
