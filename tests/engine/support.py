"""Checks over tiny probes of the tests' own, and a clock that can be set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pacs_monitor.model import (
    SECOND,
    Address,
    Check,
    CheckId,
    Layer,
    Micros,
    Node,
    Outcome,
    Probe,
    ProbeContext,
    Reason,
    Status,
    Thresholds,
)
from tests.timing import SOON

OK = Outcome(Status.OK)
REFUSED = Outcome.of(Reason.TCP_REFUSED, detail="refused")


class SettableClock:
    """The machine's clocks, with a wall clock that a test may set; or it lets time pass."""

    def __init__(self) -> None:
        self.offset: Micros = 0
        self.passed = 0.0

    def now(self) -> Micros:
        return time.time_ns() // 1000 + self.offset

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    def set_by(self, seconds: float) -> None:
        self.offset += round(seconds * SECOND)

    def pass_by(self, seconds: float) -> None:
        self.passed += seconds
        self.set_by(seconds)


class NumericResolver:
    def known(self, host: str) -> tuple[str, ...]:
        return (host,)

    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        return (host,), False


class Asking(Probe):
    """A probe that runs whatever it is given."""

    kind = "asking"
    settings = dict
    layer = Layer.SERVICE
    uses_association = True

    def __init__(self, ask: Callable[[ProbeContext], Awaitable[Outcome]]) -> None:
        self.ask = ask

    def addresses(self, node: Node, settings: Any) -> tuple[Address, ...]:
        return (Address(node.host, 104),)

    async def run(self, node: Node, settings: Any, ctx: ProbeContext) -> Outcome:
        return await self.ask(ctx)


async def fine(_ctx: ProbeContext) -> Outcome:
    return OK


def a_check(
    name: str = "archive/echo",
    ask: Callable[[ProbeContext], Awaitable[Outcome]] = fine,
    *,
    node: Node | None = None,
    interval: float = 60.0,
    retry_interval: float = 10.0,
    timeout: float = 1.0,
    **more: Any,
) -> Check:
    check_id = CheckId.parse(name)
    node = node or Node(check_id.node, host="127.0.0.1")
    more.setdefault("thresholds", Thresholds())
    return Check(check_id, node, Asking(ask), {}, interval, retry_interval, timeout, **more)


async def until(condition: Callable[[], bool], within: float = SOON) -> None:
    """Wait for a condition of the loop's own making."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)
