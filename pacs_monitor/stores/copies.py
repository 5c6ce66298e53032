"""Where a test object should turn up after it was stored, looked for on all these nodes at the same time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import Any

from pacs_monitor.dicom import Target
from pacs_monitor.dicom.testobject import Synthetic
from pacs_monitor.model import Address, Node, Outcome, Phase, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.stores import verification
from pacs_monitor.stores.cleanup import Targets

Look = Callable[[Target, Synthetic, ProbeContext, float], Awaitable[Trace]]


class CopySearch:
    """One object, from the moment at which it was stored; nodes of one address are asked one after the other."""

    def __init__(self, thing: Synthetic, targets: Targets, ctx: ProbeContext, until: float, trace: Trace) -> None:
        self._thing, self._targets, self._ctx, self._until, self._passage = thing, targets, ctx, until, trace
        self._stored = monotonic()
        self._turns: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def look(self, where: Node, how: Look = verification.found) -> NetFailure | None:
        """Why it was not found on a node; the seconds until it was are measured."""
        target = self._targets(where)
        assert target is not None  # noqa: S101 - `not_queryable` has made sure
        try:
            async with self._turns[target.address]:
                way = await how(target, self._thing, self._ctx, self._until)
        except NetFailure as failure:
            self._passage.take_over(failure.trace, where.name)
            return failure
        self._passage.take_over(way, where.name)
        self.found_on(where)
        return None

    def found_on(self, where: Node) -> None:
        """It was found just now."""
        self._passage.measure("store_available_seconds", monotonic() - self._stored, (("on", where.name),))


def not_queryable(names: Collection[str], nodes: Mapping[str, Node], targets: Targets) -> str:
    """What `verify_on` lacks; empty when nothing."""
    unknown = [name for name in names if targets(nodes[name]) is None]
    return f"verify_on: node {unknown[0]} needs a host and dicom: {{port: …, ae_title: …}}" if unknown else ""


def missing_copies(
    names: Sequence[str], failures: Sequence[NetFailure | None], seen: Mapping[str, Any]
) -> Outcome | None:
    """Not on another node; where that could not be asked, its own checks fail, and here it is a warning."""
    for where, failure in zip(names, failures, strict=True):
        if failure is not None:
            missing = failure.reason is Reason.STORED_NOT_FOUND
            how = "has not arrived" if missing else f"could not be queried ({failure.reason})"
            return Outcome.of(
                Reason.STORED_NOT_FOUND,
                warn=not missing,
                phase=Phase.OPERATION,
                detail=f"it accepted the object, which {how} on {where}: {failure.detail}",
                **seen,
            )
    return None
