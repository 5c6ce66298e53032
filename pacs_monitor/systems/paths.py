"""Looking at paths of this machine, of which any may hang: a dead network share blocks whoever touches it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from pacs_monitor.model import Phase, ProbeContext, Reason
from pacs_monitor.net import Passage

T = TypeVar("T")

_busy: set[str] = set()
"""Paths that a thread is at now."""
_lock = threading.Lock()


async def look(path: str, at: Callable[[], T], ctx: ProbeContext, passage: Passage) -> T:
    """What a blocking call finds at a path, within the deadline; a path that hangs costs one thread, not one a run.

    Raises NetFailure.
    """
    passage.begin(Phase.OPERATION)
    with _lock:
        if path in _busy:
            raise passage.failure(Reason.TIMEOUT, f"{path} still does not answer: it hangs, or takes more than one run")
        _busy.add(path)

    def call() -> T:
        try:
            return at()
        finally:
            with _lock:
                _busy.discard(path)

    try:
        async with asyncio.timeout_at(ctx.deadline):
            return await ctx.blocking(call)
    except TimeoutError:
        raise passage.failure(Reason.TIMEOUT, f"{path} did not answer in time") from None
    except PermissionError:
        raise passage.failure(Reason.NOT_AUTHORISED, f"we may not look at {path}") from None
    except FileNotFoundError:
        raise passage.failure(Reason.MISSING, f"{path} is not there") from None
    except OSError as error:
        raise passage.failure(Reason.MISSING, f"{path} cannot be read ({error.strerror})") from None
