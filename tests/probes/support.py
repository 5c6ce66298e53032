"""What probe tests share: a context for one run, and the peers by which a kind keeps the contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pacs_monitor.model import SECOND, Micros, Node, Outcome, Probe
from pacs_monitor.net import Resolver

T = TypeVar("T")

TIMEOUT = 1.0
"""Seconds that a run may take here."""

Arranged = tuple[Node, Any]
Arrange = Callable[[Path], AbstractAsyncContextManager[Arranged]]
"""Puts a peer up, and answers with the node and the settings that lead a probe to it."""


class Peers(NamedTuple):
    """What tests/probes/test_<kind>.py gives as `PEERS` to test_contract.py."""

    working: Arrange
    refusing: Arrange
    hanging: Arrange


class TestClock:
    __test__ = False

    def now(self) -> Micros:
        return int(time.time() * SECOND)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Context:
    deadline: float
    clock: TestClock = field(default_factory=TestClock)
    resolver: Resolver = field(default_factory=Resolver)
    memory: MutableMapping[str, Any] = field(default_factory=dict)

    def blocking(self, call: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(None, call)


async def ask(probe: Probe, node: Node, settings: Any, timeout: float = TIMEOUT) -> Outcome:
    """One run."""
    return await probe.run(node, settings, Context(time.monotonic() + timeout))
