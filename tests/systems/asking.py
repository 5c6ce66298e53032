"""Asking a system as a probe does, and the bad answers that each system must bear."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import pytest

from pacs_monitor.model import Node, Reason
from pacs_monitor.net import NetFailure, Trace
from tests.peers.replayed import How, replayed
from tests.support.probing import Context
from tests.support.timing import HANGS, SOON

T = TypeVar("T")
NODE = Node("node", host="127.0.0.1")
BADLY: dict[How, Reason] = {
    "empty": Reason.BAD_CONTENT,
    "malformed": Reason.BAD_CONTENT,
    "huge": Reason.BAD_CONTENT,
    "trickling": Reason.TIMEOUT,
    "silent": Reason.TIMEOUT,
}


async def tell(how: Callable[..., Awaitable[T]], *first: Any, node: Node = NODE, timeout: float = SOON) -> T:
    """`how` is a bound method of a system: volumes, queues, …"""
    return await how(*first, node, Context(time.monotonic() + timeout), Trace())


async def why_not(how: Callable[..., Awaitable[Any]], *first: Any, node: Node = NODE, timeout: float = SOON) -> Reason:
    """The reason why it tells nothing; no word of a patient may be in what is told of it."""
    with pytest.raises(NetFailure) as failed:
        await tell(how, *first, node=node, timeout=timeout)
    assert "Mustermann" not in failed.value.detail
    return failed.value.reason


async def bad_answers(
    answers: Mapping[str, Any], method: Callable[[str], Callable[..., Awaitable[Any]]]
) -> dict[How, Reason]:
    """What becomes of each bad answer; `method` makes the bound method of a system at a URL."""
    found = {}
    for how, reason in BADLY.items():
        async with replayed(answers, how=how) as peer:
            found[how] = await why_not(method(peer.url), timeout=HANGS if reason is Reason.TIMEOUT else SOON)
    return found
