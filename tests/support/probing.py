"""A probe's context in memory, and one run in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Any, TypeVar

from pacs_monitor.clock import SystemClock
from pacs_monitor.model import (
    CheckId,
    DicomListener,
    Hl7Listener,
    LedgerError,
    Micros,
    Node,
    OpeningHours,
    Outcome,
    Probe,
    StoreCapError,
    TestObject,
)
from pacs_monitor.net import Resolver
from tests.support.timing import SOON

T = TypeVar("T")


A_CHECK = CheckId("archive", "check")


class BookLedger:
    """The ledger in memory, which keeps what was ever asked of it."""

    seed = "test"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], TestObject] = {}
        self.recorded: list[TestObject] = []
        self.capped = False
        self.unreadable = False

    async def record(self, objects: Collection[TestObject]) -> None:
        if self.capped:
            raise StoreCapError("12 objects within a minute")
        self.recorded += objects
        self.objects |= {(thing.node, thing.sop_instance): thing for thing in objects}

    async def remove(self, node: str, sop_instance: str) -> None:
        del self.objects[node, sop_instance]

    async def mark_missed(self, node: str, sop_instance: str, since: Micros | None) -> None:
        self.objects[node, sop_instance] = replace(self.objects[node, sop_instance], missed=since)

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:
        if self.unreadable:
            raise LedgerError("database is locked")
        return tuple(thing for thing in self.objects.values() if thing.check == check)


@dataclass
class Context:
    deadline: float
    check: CheckId = A_CHECK
    nodes: Mapping[str, Node] = field(default_factory=dict)
    ledger: BookLedger = field(default_factory=BookLedger)
    dicom_listener: DicomListener | None = None
    hl7_listener: Hl7Listener | None = None
    clock: SystemClock = field(default_factory=SystemClock)
    zone: tzinfo = UTC
    calendar: OpeningHours | None = None
    resolver: Resolver = field(default_factory=Resolver)
    memory: MutableMapping[str, Any] = field(default_factory=dict)

    def blocking(self, call: Callable[[], T], *, meanwhile: bool = False) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(None, call)

    async def ours(self, answer: Awaitable[T], what: str = "") -> T:
        return await answer


async def ask(probe: Probe, node: Node, settings: Any, timeout: float = SOON, **context: Any) -> Outcome:
    """One run; `context` replaces fields of the Context."""
    return await probe.run(node, settings, Context(time.monotonic() + timeout, **context))
