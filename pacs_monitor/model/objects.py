"""What we store in archives to prove that they store: test objects, and the ledger that none of them escapes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pacs_monitor.model.answers import CheckId
from pacs_monitor.model.errors import PacsMonitorError
from pacs_monitor.model.times import Micros

STORES_A_MINUTE = 12
STORES_A_DAY = 2000
"""Objects that one node may be sent at most, whatever the configuration says; a day is any 24 hours."""


@dataclass(frozen=True, slots=True)
class TestObject:
    """A synthetic object at one node: where our check sent it, or where routing is known to bring a copy of it."""

    __test__ = False  # the word is the domain's, and no class of tests

    node: str
    sop_instance: str
    sop_class: str
    study: str
    series: str
    check: CheckId
    """Whose run made it."""
    stored: Micros
    """When it was recorded, just before it was sent."""
    missed: Micros | None = None
    """When it was first looked for in vain; found again, it is not missed any more."""


class StoreCapError(PacsMonitorError):
    """The node was sent as many objects as it may be: nothing was recorded, nothing may be sent."""


class LedgerError(PacsMonitorError):
    """The ledger cannot be written now, so nothing may be sent."""


class Ledger(Protocol):
    """Every test object stands in it before it is sent, and until it is known to be gone."""

    @property
    def seed(self) -> str:
        """This installation's own word, which makes its UIDs its own."""
        ...

    async def record(self, objects: Collection[TestObject]) -> None:
        """One object and its expected copies, durable when this returns: then the first may be sent to its node.

        Raises StoreCapError or LedgerError.
        """
        ...

    async def remove(self, node: str, sop_instance: str) -> None:
        """It is gone from this node: its deletion was confirmed, or it was not found twice a minute apart."""
        ...

    async def miss(self, node: str, sop_instance: str, since: Micros | None) -> None:
        """When it was first not found on this node; None: it was found again."""
        ...

    async def outstanding(self, check: CheckId) -> tuple[TestObject, ...]:
        """What the runs of a check have left, on whichever node, the oldest first."""
        ...
