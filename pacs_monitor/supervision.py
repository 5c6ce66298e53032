"""One supervisor for every task and callback that goes on for as long as the daemon.

Theory of operation. What a task raises is logged with its place and counted, and the task begins anew after a pause
that doubles from 1 s to 30 s; one that ran well for a minute pauses briefly again. Nothing is repeated of what an
exception says, because that can be a peer's words. What fails three times within two minutes is in trouble, until two
minutes have passed since the third last time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec

from pacs_monitor.backoff import Backoff

log = logging.getLogger(__name__)

FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0
STEADY = 60.0
"""Seconds after which a task that failed counts as one that ran well before."""
TOO_OFTEN, WITHIN = 3, 120.0
"""So many failures within so many seconds are trouble."""
LOOP = "loop"
"""The name of what failed on the event loop and belongs to no supervised task."""

P = ParamSpec("P")
Work = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Keeps tasks going and knows what failed; to be used on one event loop."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        """Failures since the start, by the name of the task."""
        self.out_of_order: set[str] = set()
        """What goes on, and somebody found not to be right: it is told like what fails, but does not end readiness."""
        self._recent: dict[str, deque[float]] = {}

    @property
    def failing(self) -> frozenset[str]:
        """What fails again and again."""
        since = time.monotonic() - WITHIN
        return frozenset(n for n, times in self._recent.items() if len(times) == TOO_OFTEN and times[0] >= since)

    @property
    def trouble(self) -> str | None:
        """What fails again and again, for people; None while nothing does."""
        failing = ", ".join(sorted(self.failing))
        return f"{failing} failed repeatedly; the log says where" if failing else None

    def supervise(self, name: str, work: Work) -> asyncio.Task[None]:
        """Run `work()` until it returns or the task is cancelled; whatever it raises, it is run again."""
        self.failures[name] += 0  # a counter that is not there cannot rise
        return asyncio.get_running_loop().create_task(self._keep(name, work), name=name)

    def failed(self, name: str, error: BaseException) -> None:
        """Count a failure and log its place; never raises, also when memory is short."""
        self.failures[name] += 1
        with suppress(MemoryError):
            self._recent.setdefault(name, deque(maxlen=TOO_OFTEN)).append(time.monotonic())
            log.error("%s failed and continues: %s at %s", name, type(error).__name__, location(error))

    def attempt(self, name: str, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Make one call, as in a callback of the loop; whatever it raises goes no further."""
        try:
            call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one guard of callbacks
            self.failed(name, error)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of what callbacks of the loop and forgotten tasks raise, from now on."""
        loop.set_exception_handler(self._stray)

    def _stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.failed(LOOP, error)
        else:
            log.error("event loop: %s", context.get("message"))

    async def _keep(self, name: str, work: Work) -> None:
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while True:
            began = time.monotonic()
            try:
                return await work()
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                self.failed(name, error)  # something that it waited for was cancelled, not the task
            except Exception as error:  # noqa: BLE001 - the one guard of tasks
                self.failed(name, error)
            if time.monotonic() - began >= STEADY:
                backoff.reset()
            await asyncio.sleep(backoff.failed())


def location(error: BaseException) -> str:
    """`module:line` that raised: the text of an exception can repeat a peer's words, so it goes nowhere."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return "?"
    return f"{frame.tb_frame.f_globals.get('__name__', '?')}:{frame.tb_lineno}"
