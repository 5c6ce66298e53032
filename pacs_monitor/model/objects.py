"""Test objects stored in archives to prove that they store, and the ledger that records every one of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pacs_monitor.model.errors import PacsMonitorError
from pacs_monitor.model.results import CheckId
from pacs_monitor.model.times import Micros

STORES_A_MINUTE = 12
STORES_A_DAY = 2000
"""Objects that one node may be sent at most, whatever the configuration says; a day is any 24 hours."""


@dataclass(frozen=True, slots=True)
class TestObject:
    """A synthetic object at one node: where our check sent it, or where routing is known to copy it."""

    __test__ = False  # the word is the domain's, and no class of tests

    node: str
    sop_instance: str
    sop_class: str
    study: str
    series: str
    check: CheckId
    """The check whose run created it."""
    stored: Micros
    """When it was recorded, just before it was sent."""
    missed: Micros | None = None
    """When it was first not found; reset when it is found again."""


class StoreCapError(PacsMonitorError):
    """The node's limit on test objects is reached: nothing was recorded, nothing may be sent."""


class LedgerError(PacsMonitorError):
    """The ledger cannot be written now, so nothing may be sent."""


class ObjectLedger(Protocol):
    """Records every test object before it is sent and until it is known to be gone."""

    @property
    def seed(self) -> str:
        """A random value of this installation that makes its UIDs unique."""
        ...

    async def record(self, objects: Collection[TestObject]) -> None:
        """One object and its expected copies, durable when this returns: then the first may be sent to its node.

        Raises StoreCapError or LedgerError.
        """
        ...

    async def remove(self, node: str, sop_instance: str) -> None:
        """It is gone from this node: its deletion was confirmed, or it was not found twice a minute apart."""
        ...

    async def mark_missed(self, node: str, sop_instance: str, since: Micros | None) -> None:
        """When it was first not found on this node; None: it was found again."""
        ...

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:
        """What the runs of a check have left, on whichever node, the oldest first."""
        ...
