"""Asking a system as a probe does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pacs_monitor.model import Node
from pacs_monitor.net import Passage
from tests.probes.support import Context

T = TypeVar("T")
NODE = Node("node", host="127.0.0.1")


async def tell(how: Callable[..., Awaitable[T]], *first: Any, node: Node = NODE, timeout: float = 5.0) -> T:
    """`how` is a bound method of a system: volumes, queues, …"""
    return await how(*first, node, Context(time.monotonic() + timeout), Passage())
