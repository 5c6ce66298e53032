"""Blocking calls that nothing can interrupt: a dead file system, a database that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from pacs_monitor.model import CheckId, ProbeContext, Reason
from pacs_monitor.net.passage import Passage

T = TypeVar("T")


class OneThread:
    """At most one call of each check is under way, so that what hangs takes one thread and not all of them."""

    def __init__(self) -> None:
        self._under_way: dict[CheckId, asyncio.Future[object]] = {}

    async def call(self, what: Callable[[], T], ctx: ProbeContext, passage: Passage) -> T:
        """Its result or its exception; raises NetFailure (`timeout`) when that does not come by the deadline."""
        hanging = self._under_way.get(ctx.check)
        if hanging is not None and not hanging.done():
            raise passage.failure(Reason.TIMEOUT, "an earlier attempt still hangs, and nothing can end it")
        future = cast("asyncio.Future[object]", asyncio.ensure_future(ctx.blocking(what)))
        self._under_way[ctx.check] = future
        future.add_done_callback(_retrieve)
        await asyncio.wait([future], timeout=max(ctx.deadline - ctx.clock.monotonic(), 0.0))
        if not future.done():
            raise passage.failure(Reason.TIMEOUT, "it did not end in time; the attempt is left hanging")
        del self._under_way[ctx.check]
        return cast("T", future.result())


def _retrieve(future: asyncio.Future[object]) -> None:
    """Else asyncio reports what was abandoned."""
    if not future.cancelled():
        future.exception()
