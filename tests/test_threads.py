"""Blocking calls beside the loop."""

from __future__ import annotations

import sys
import time

import pytest

from pacs_monitor.net import Trace
from pacs_monitor.net.threads import OneThread
from pacs_monitor.threads import in_thread
from tests.support.probing import Context
from tests.support.timing import SOON


async def test_what_a_call_raises_is_raised_where_its_answer_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0, "test")


@pytest.mark.parametrize("status", [0, 3])
async def test_a_driver_that_wants_to_end_the_process_ends_its_own_call_alone(status: int) -> None:
    with pytest.raises(RuntimeError, match="test ended with SystemExit"):
        await in_thread(lambda: sys.exit(status), "test")
    thread, context = OneThread(), Context(time.monotonic() + SOON)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="SystemExit"):
            await thread.call(lambda: sys.exit(status), context, Trace())
