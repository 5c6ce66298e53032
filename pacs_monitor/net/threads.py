"""Blocking calls that nothing can interrupt: a dead file system, a database that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from pacs_monitor.model import CheckId, ProbeContext, Reason
from pacs_monitor.net.trace import Trace
from pacs_monitor.threads import answer, started

T = TypeVar("T")


class OneThread:
    """At most one call of each check is under way, so that what hangs takes one thread and not all of them.

    The thread is not of the pool that blocking probes share, and it does not keep the monitor from ending. Whether it
    is still under way is for the thread itself to say, whatever became of the loop that waited for it.
    """

    def __init__(self) -> None:
        self._under_way: dict[CheckId, Future[Any]] = {}

    async def call(self, what: Callable[[], T], ctx: ProbeContext, trace: Trace) -> T:
        """Its result or its exception; raises NetFailure (`timeout`) when that does not come by the deadline."""
        hanging = self._under_way.get(ctx.check)
        if hanging is not None and not hanging.done():
            raise trace.failure(Reason.TIMEOUT, "an earlier attempt still hangs and cannot be stopped")
        call = started(what, "probe alone")
        self._under_way[ctx.check] = call
        try:
            async with asyncio.timeout(max(ctx.deadline - ctx.clock.monotonic(), 0.0)):
                return await answer(call)
        except TimeoutError:
            if not call.done():  # and not only unseen by a loop that was late
                raise trace.failure(Reason.TIMEOUT, "it did not finish in time; the attempt is left running") from None
            return call.result()
        finally:
            if call.done():
                del self._under_way[ctx.check]
