"""The deadline of a piece of work on the event loop: asyncio.Timeout for the path that every run takes.

asyncio.Timeout looks for the loop four times and is a coroutine besides; here the loop is looked for once.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self


class Deadline:
    """Use as `with Deadline(when):`. Raises TimeoutError when the block is not over at `when`, on the loop's clock."""

    __slots__ = ("_cancelling", "_loop", "_task", "_timer", "_when", "expired")
    _cancelling: int
    _loop: asyncio.AbstractEventLoop
    _task: asyncio.Task[Any]
    _timer: asyncio.TimerHandle

    def __init__(self, when: float) -> None:
        self._when = when
        self.expired = False

    def __enter__(self) -> Self:
        self._loop = loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline is that of a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_at(self._when, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        """The time has come."""
        self.expired = True
        self._task.cancel()
