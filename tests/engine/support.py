"""Checks over tiny probes of the tests' own, and a resolver that asks nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from pacs_monitor.model import (
    Address,
    Check,
    CheckId,
    Layer,
    Node,
    Outcome,
    Probe,
    ProbeContext,
    Reason,
    Status,
    Thresholds,
)

OK = Outcome(Status.OK)
REFUSED = Outcome.of(Reason.TCP_REFUSED, detail="refused")


class NumericResolver:
    def known(self, host: str) -> tuple[str, ...]:
        return (host,)

    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        return (host,), False


class Asking(Probe):
    """A probe that runs whatever it is given."""

    kind: ClassVar[str] = "asking"
    settings: ClassVar[type[Any]] = dict
    layer: ClassVar[Layer] = Layer.SERVICE
    uses_association: ClassVar[bool] = True

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
