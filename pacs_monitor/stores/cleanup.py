"""Cleaning up test objects: removed objects leave the ledger, remaining ones are reported.

An object leaves the ledger when its deletion was confirmed, or when it was not found twice, a minute apart: what was
sent in the moment of a crash may still be on its way into the archive the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from pacs_monitor.dicom import Target
from pacs_monitor.dicom.testobject import Uids
from pacs_monitor.model import (
    NEVER_CONNECTED,
    SECOND,
    LedgerError,
    Measurement,
    Micros,
    Node,
    Outcome,
    PacsMonitorError,
    Phase,
    ProbeContext,
    Reason,
    Status,
    StoreCapError,
    TestObject,
)
from pacs_monitor.net import NetFailure
from pacs_monitor.stores.rejection import KEY_OBJECT_SELECTION, note_of, reject
from pacs_monitor.stores.verification import exists
from pacs_monitor.systems.dcm4chee import Dcm4chee, Dcm4cheeSettings
from pacs_monitor.systems.orthanc import Orthanc, OrthancSettings

APART: Micros = 60 * SECOND
"""Seconds between the two unsuccessful searches for an object."""
AT_ONCE = 50
"""Objects that are tried after one run."""
DAY: Micros = 86_400 * SECOND


Targets = Callable[[Node], Target | None]
"""Whom to ask at a node."""


class Removal(Enum):
    """What became of an object."""

    GONE = auto()
    """It was there, and is confirmed to be gone."""
    ABSENT = auto()
    """It was not found."""
    KEPT = auto()
    """It is not due yet."""


class StaysError(PacsMonitorError):
    """The object is still there after all that could be done."""


class Cleaner(Protocol):
    """One way to clear objects away."""

    def lacks(self, where: Node) -> str:
        """What the configuration of a node lacks for it; empty when nothing."""
        ...

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
        """Raises StaysError, StoreCapError or NetFailure."""
        ...


class OrthancCleaner:
    """DELETE of the instance."""

    def lacks(self, where: Node) -> str:
        return "" if isinstance(where.systems.get("orthanc"), OrthancSettings) else _block(where, Orthanc.kind)

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
        settings = where.systems["orthanc"]
        assert isinstance(settings, OrthancSettings)  # noqa: S101 - `lacks` has made sure
        there = await Orthanc(settings).delete_instance(thing.sop_instance, ctx)
        return Removal.GONE if there else Removal.ABSENT


class Dcm4cheeCleaner:
    """Rejected, then deleted for good."""

    def lacks(self, where: Node) -> str:
        return "" if isinstance(where.systems.get("dcm4chee"), Dcm4cheeSettings) else _block(where, Dcm4chee.kind)

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
        settings = where.systems["dcm4chee"]
        assert isinstance(settings, Dcm4cheeSettings)  # noqa: S101 - `lacks` has made sure
        there = await Dcm4chee(settings).delete_instance(thing.study, thing.series, thing.sop_instance, ctx)
        return Removal.GONE if there else Removal.ABSENT


@dataclass(frozen=True, slots=True)
class IocmCleaner:
    """Hidden by a rejection note; the note itself stays."""

    targets: Targets
    patient: Mapping[str, str]

    def lacks(self, where: Node) -> str:
        return _no_dicom(where, self.targets)

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
        target = _target(where, self.targets)
        if not await exists(target, _uids(thing), ctx, ctx.deadline):
            return Removal.ABSENT
        if thing.sop_class == KEY_OBJECT_SELECTION:
            return Removal.GONE  # a note of ours arrived although its sending failed: it is meant to stay
        note = note_of(thing, ctx.clock.now())
        await ctx.ledger.record([note])
        await reject(target, thing, note, self.patient, ctx)
        await ctx.ledger.remove(note.node, note.sop_instance)
        if await exists(target, _uids(thing), ctx, ctx.deadline):
            raise StaysError("it is still found after its rejection note was accepted")
        return Removal.GONE


@dataclass(frozen=True, slots=True)
class RetentionCleaner:
    """The archive's own rule; whether it keeps to it is looked at."""

    targets: Targets
    keep_days: int

    def lacks(self, where: Node) -> str:
        return _no_dicom(where, self.targets)

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:
        if ctx.clock.now() - thing.stored < self.keep_days * DAY:
            return Removal.KEPT
        if await exists(_target(where, self.targets), _uids(thing), ctx, ctx.deadline):
            raise StaysError(f"it is still there after {self.keep_days} days")
        return Removal.ABSENT


class NoCleaner:
    """The one object with fixed UIDs stays."""

    def lacks(self, where: Node) -> str:  # noqa: ARG002 - the Protocol's
        return ""

    async def remove(self, thing: TestObject, where: Node, ctx: ProbeContext) -> Removal:  # noqa: ARG002
        return Removal.KEPT


@dataclass(slots=True)
class Remaining:
    """What is still there that should not be."""

    count: int = 0
    why: str = ""

    def note(self, why: str) -> None:
        self.count += 1
        self.why = self.why or why


async def tidy(cleaner: Cleaner, node: Node, ctx: ProbeContext) -> Remaining:
    """Try everything that the ledger holds of this check; raises LedgerError.

    The oldest first, until the time is up or an address cannot be reached: the next run goes on.
    """
    remaining, given_up, tried = Remaining(), set[str](), 0
    for thing in await ctx.ledger.outstanding(ctx.check):
        where = node if thing.node == node.name else ctx.nodes.get(thing.node)
        if where is None or (lacking := cleaner.lacks(where)):
            remaining.note(f"{thing.node}: {lacking if where else 'the check no longer names this node'}")
        elif thing.node in given_up or tried == AT_ONCE or ctx.clock.monotonic() >= ctx.deadline:
            remaining.note("there was no time left to try them all")
        else:
            failure = await _try(cleaner, thing, where, ctx)
            tried += 1
            if failure is not None:
                remaining.note(f"{thing.node}: {failure}")
                if _unreachable(failure):
                    given_up.add(thing.node)
    return remaining


async def cleared(outcome: Outcome, cleaner: Cleaner, node: Node, ctx: ProbeContext) -> Outcome:
    """What a run saw, and what it could not clear away; a ledger that cannot be read hides no failure of the node."""
    try:
        remaining = await tidy(cleaner, node, ctx)
    except LedgerError as error:
        return _and(outcome, Outcome.of(Reason.NOT_MEASURED, detail=f"nothing was cleaned up ({error})"))
    counted = Measurement("store_leftovers", remaining.count)
    outcome = replace(outcome, measurements=(*outcome.measurements, counted))
    if not remaining.count:
        return outcome
    objects = "1 test object" if remaining.count == 1 else f"{remaining.count} test objects"
    detail = f"{objects} could not be cleaned up ({remaining.why})"
    return _and(outcome, Outcome.of(Reason.CLEANUP_FAILED, warn=True, detail=detail))


def _and(outcome: Outcome, trouble: Outcome) -> Outcome:
    """What a run saw, and a trouble afterwards, which counts when all else went well."""
    if outcome.status is not Status.OK:
        return replace(outcome, detail=f"{outcome.detail}; {trouble.detail}")
    return replace(outcome, status=trouble.status, reason=trouble.reason, phase=Phase.OPERATION, detail=trouble.detail)


async def _try(cleaner: Cleaner, thing: TestObject, where: Node, ctx: ProbeContext) -> PacsMonitorError | None:
    try:
        removal = await cleaner.remove(thing, where, ctx)
    except (StaysError, StoreCapError, NetFailure) as failure:
        if thing.missed is not None:
            await ctx.ledger.mark_missed(thing.node, thing.sop_instance, None)
        return failure
    if removal is Removal.GONE:
        await ctx.ledger.remove(thing.node, thing.sop_instance)
    elif removal is Removal.ABSENT:
        await _mark_missed(thing, ctx)
    return None


async def _mark_missed(thing: TestObject, ctx: ProbeContext) -> None:
    now = ctx.clock.now()
    if thing.missed is None or thing.missed > now:
        await ctx.ledger.mark_missed(thing.node, thing.sop_instance, now)
    elif now - thing.missed >= APART:
        await ctx.ledger.remove(thing.node, thing.sop_instance)


def lacking(cleaner: Cleaner, nodes: Iterable[Node]) -> str:
    """What is missing for an object to be cleared away again from these nodes; empty when nothing."""
    return next((missing for node in nodes if (missing := cleaner.lacks(node))), "")


def _unreachable(failure: PacsMonitorError) -> bool:
    slow = (Reason.TIMEOUT, Reason.ACSE_TIMEOUT, Reason.DIMSE_TIMEOUT, Reason.AUTH)
    return isinstance(failure, NetFailure) and failure.reason in (*NEVER_CONNECTED, *slow)


def _block(where: Node, kind: str) -> str:
    return f"add {kind}: {{url: …}} to node {where.name}: its clean-up needs it"


def _no_dicom(where: Node, targets: Targets) -> str:
    return "" if targets(where) else f"node {where.name} needs a host and dicom: {{port: …, ae_title: …}}"


def _target(where: Node, targets: Targets) -> Target:
    target = targets(where)
    assert target is not None  # noqa: S101 - `lacks` has made sure
    return target


def _uids(thing: TestObject) -> Uids:
    return Uids(thing.study, thing.series, thing.sop_instance)
