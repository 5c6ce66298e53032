"""Blocking calls beside the loop, in threads that never hold up the end of the process.

A thread of an executor is joined at exit, so that one hanging call would hold the daemon; a daemon thread is not.
Whoever calls bounds how many run at once, and how long they are waited for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def started(call: Callable[[], T], name: str) -> Future[T]:
    """Begin a blocking call in a thread of its own."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            future.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - raised on the loop it would end the process
            future.set_exception(RuntimeError(f"{name} ended with {type(error).__name__}"))

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


async def answer(future: Future[T]) -> T:
    """Wait for a call in another thread, which goes on when the waiting is cancelled, and also when the loop ends."""
    loop = asyncio.get_running_loop()
    come: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not come.done():
            come.set_result(None)

    def hand_over(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(wake)

    future.add_done_callback(hand_over)
    await come
    return future.result()


async def in_thread(call: Callable[[], T], name: str) -> T:
    """The answer of a blocking call."""
    return await answer(started(call, name))
