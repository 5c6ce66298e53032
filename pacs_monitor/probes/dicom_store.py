"""Does the archive really store? A synthetic object is sent by C-STORE, verified, and cleaned up again.

```yaml
dicom_store:
  enabled_by: "PACS team, change 4711"
  verify: find
  cleanup: orthanc
```

An archive with a full disk answers every C-ECHO with success; only a store proves that it stores. Each run sends a new
SOP Instance UID, because archives silently drop objects that they already have. `verify` says how the stored object is
verified: `none`, `find` (C-FIND at IMAGE level until it is found), `get` or `move` (retrieved, and its pixels compared;
`move` needs `monitor.dicom_listener`), or `commitment` (storage commitment). `verify_on` names nodes to which routing
should deliver it; the time until it was found is measured for each.

Nothing is sent unless the ledger of test objects has recorded it, or if it could not be cleaned up afterwards. Objects
left by an interrupted run are cleaned up at the next start and after each run; if any remain, the check is a warning
with their number (`cleanup_failed`). A node is never sent more than 12 objects a minute and 2,000 a day (`store_cap`).

Our AE title must be registered there for storing, and for what `verify` does. Read "Test stores safely"
(docs/test-stores.md) before you ask for approval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal, Self

from pydantic import model_validator

from pacs_monitor.dicom import Association, Target, associate
from pacs_monitor.dicom.endpoint import ENDPOINT, EndpointSettings, addresses_of, not_configured, target_of
from pacs_monitor.dicom.requests import Context, contexts
from pacs_monitor.dicom.store import store
from pacs_monitor.dicom.testobject import Synthetic, UnfitFileError
from pacs_monitor.language import N_
from pacs_monitor.model import (
    Address,
    Layer,
    LedgerError,
    Load,
    Measure,
    Node,
    Outcome,
    Probe,
    ProbeContext,
    Reason,
    SeatHolder,
    Status,
    StoreCapError,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure
from pacs_monitor.stores import verification, watch
from pacs_monitor.stores.cleanup import Targets, cleared, lacking, tidy
from pacs_monitor.stores.copies import CopySearch, Look, missing_copies, not_queryable
from pacs_monitor.stores.creation import CLEANING_TIME, cleaner_of, create, entries, time_kept, with_object
from pacs_monitor.stores.settings import StoreSettings

IDLE = 1.0
"""Seconds for which an association is held while the ledger is written; then it is released, and opened again later."""

LOOKS: Mapping[str, Look] = {
    "find": verification.found,
    "get": verification.retrieved,
    "move": verification.moved_to_us,
    "commitment": verification.committed,
}


class DicomStoreSettings(EndpointSettings, StoreSettings):
    verify: Literal["none", "find", "get", "move", "commitment"] = "find"
    """How the stored object is verified."""

    @model_validator(mode="after")
    def _new_to_verify(self) -> Self:
        if self.mode == "accept_only" and self.verify != "none":
            raise ValueError("set verify: none, because with mode: accept_only the object may be there already")
        return self


def _held_already(*_addresses: Address) -> AbstractAsyncContextManager[None]:
    """The runner has taken the seats of the run."""
    return nullcontext()


class DicomStore(Probe):
    kind = "dicom_store"
    settings = DicomStoreSettings
    measures = (
        Measure("store_object_bytes", "Size of the data set that was sent."),
        Measure("store_seconds", N_("From the C-STORE request to its answer."), trend=True),
        Measure(
            "store_available_seconds",
            N_("From the answer until the object was found or retrieved."),
            ("on",),
            trend=True,
        ),
        Measure("store_leftovers", "Test objects that could not be cleaned up."),
        EXPIRY,
    )
    layer = Layer.STORE
    writes = True
    uses_association = True
    needs = ENDPOINT
    timing = Timing(interval=900.0, retry_interval=60.0, timeout=60.0)

    def addresses(self, node: Node, settings: DicomStoreSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    def load(self, settings: DicomStoreSettings) -> Load:
        return settings.load()

    async def run(self, node: Node, settings: DicomStoreSettings, ctx: ProbeContext) -> Outcome:
        return await self._run(node, settings, ctx)

    async def _run(
        self,
        node: Node,
        settings: DicomStoreSettings,
        ctx: ProbeContext,
        meanwhile: Callable[[Synthetic], Awaitable[None]] | None = None,
        seat: SeatHolder = _held_already,
    ) -> Outcome:
        """One run; what is to happen `meanwhile` does so between the store and clearing away, without the seat."""
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        try:
            thing = await ctx.ours(ctx.blocking(lambda: create(settings, node, ctx)))
        except UnfitFileError as error:
            return Outcome.of(Reason.NOT_CONFIGURED, detail=f"file {settings.file} was not sent: {error}")
        targets = _targets(node, settings)
        cleaner = cleaner_of(settings, thing, targets)
        copies = [ctx.nodes[name] for name in settings.copies_on]
        problem = _blindness(node, settings, ctx) or lacking(cleaner, [node, *copies])
        if problem:
            return Outcome.of(Reason.NOT_CONFIGURED, detail=problem)
        async with seat(target.address):
            outcome = with_object(
                await _RoundTrip(target, thing, node, settings, ctx).outcome(), thing, settings.verify
            )
        if meanwhile is not None and outcome.status is Status.OK:
            await meanwhile(thing)
        async with seat(*(other.address for other in map(targets, [node, *copies]) if other is not None)):
            return await cleared(outcome, cleaner, node, ctx)

    async def watch(
        self,
        node: Node,
        settings: DicomStoreSettings,
        ctx: ProbeContext,
        nodes: Collection[Node],
        report: Callable[[str], None],
        *,
        seat: SeatHolder,
    ) -> Outcome:
        """One object, looked for on every node that can be asked, and not only where the settings expect it."""
        once = settings.model_copy(update={"verify": "none", "verify_on": ()})

        async def look(thing: Synthetic) -> None:
            targets = {other.name: target_of(other, EndpointSettings()) for other in nodes}
            report("it is stored; looking for it on " + ", ".join(sorted(name for name in targets if targets[name])))
            cleared = {node.name, *settings.copies_on}
            until = ctx.deadline - CLEANING_TIME
            await watch.watch(thing, targets, cleared, ctx, until=until, report=report, seat=seat)

        return await self._run(node, once, ctx, look, seat)

    async def tidy(self, node: Node, settings: DicomStoreSettings, ctx: ProbeContext) -> None:
        try:
            thing = await ctx.ours(ctx.blocking(lambda: create(settings, node, ctx)))
        except UnfitFileError:
            return  # each run says so
        await tidy(cleaner_of(settings, thing, _targets(node, settings)), node, ctx)


def _targets(node: Node, settings: DicomStoreSettings) -> Targets:
    """The check's own port and AE titles hold at its own node."""
    return lambda where: target_of(where, settings if where.name == node.name else EndpointSettings())


def _blindness(node: Node, settings: DicomStoreSettings, ctx: ProbeContext) -> str:
    """What looking for the object lacks; empty when nothing."""
    if settings.verify == "move" and ctx.dicom_listener is None:
        return "configure monitor.dicom_listener, to which the archive returns the object: verify: move needs it"
    return not_queryable(settings.verify_on, ctx.nodes, _targets(node, settings))


@dataclass(frozen=True, slots=True)
class _RoundTrip:
    """One object sent and looked for, in the time that is not kept for clearing away."""

    target: Target
    thing: Synthetic
    node: Node
    settings: DicomStoreSettings
    ctx: ProbeContext

    @property
    def proposed(self) -> tuple[Context, ...]:
        """One context per transfer syntax, so that a refusal names which."""
        return contexts([(self.thing.sop_class, (syntax,)) for syntax in self.thing.transfer_syntaxes])

    async def outcome(self) -> Outcome:
        kept = time_kept(self.ctx)
        try:
            association = await self._store(kept)
        except StoreCapError as error:
            return Outcome.of(Reason.STORE_CAP, detail=str(error))
        except LedgerError as error:
            return Outcome.of(
                Reason.NOT_MEASURED, detail=f"nothing was sent, as the ledger could not record it: {error}"
            )
        except NetFailure as failure:
            if failure.reason is not Reason.DUPLICATE or self.settings.mode != "accept_only":
                return failure.outcome()
            return Outcome(Status.OK, **failure.trace.seen())  # the fixed object is there, as it should be
        return await self._look(association, self.ctx.deadline - kept)

    async def _store(self, kept: float) -> Association:
        """C-STORE. The ledger has the object before the peer does, who is not kept waiting for our disk."""
        recorded: asyncio.Future[None] | None = None
        try:
            while True:
                until = self.ctx.deadline - kept
                async with await self._associated(until) as association:
                    syntax = _agreed(association, self.thing)
                    if recorded is None:  # now that the peer is there, and would take it
                        entry = entries(self.thing, self.settings, self.node, self.ctx)
                        recorded = asyncio.ensure_future(self.ctx.ledger.record(entry))
                    association.extend(until + IDLE)
                    if await _soon(recorded):
                        association.extend(self.ctx.deadline - kept)
                        await self._send(association, syntax)
                        return association
                await recorded
        finally:
            if recorded is not None:
                recorded.cancel()

    async def _associated(self, until: float) -> Association:
        return await associate(self.target, self.proposed, resolver=self.ctx.resolver, deadline=until)

    async def _send(self, association: Association, syntax: str) -> None:
        data = self.thing.encoded(syntax)
        began = monotonic()
        await store(association, self.thing.sop_class, self.thing.uids.instance, data, syntax)
        association.trace.measure("store_seconds", monotonic() - began)
        association.trace.measure("store_object_bytes", len(data))

    async def _look(self, association: Association, until: float) -> Outcome:
        """Here, and on the nodes that routing should bring it to, at the same time but for nodes of one address."""
        settings, trace = self.settings, association.trace
        around = CopySearch(self.thing, _targets(self.node, settings), self.ctx, until, trace)
        own = [around.look(self.node, LOOKS[settings.verify])] if settings.verify != "none" else []
        elsewhere = [around.look(self.ctx.nodes[name]) for name in settings.verify_on]
        failures = await asyncio.gather(*own, *elsewhere)
        seen = trace.seen()
        if own and failures[0] is not None:
            return _not_seen(failures[0], seen)
        return missing_copies(settings.verify_on, failures[len(own) :], seen) or Outcome(Status.OK, **seen)


async def _soon(recorded: asyncio.Future[None]) -> bool:
    """Whether the ledger has the object after a moment; raises LedgerError or StoreCapError."""
    await asyncio.wait([recorded], timeout=IDLE)
    if recorded.done():
        recorded.result()
    return recorded.done()


def _agreed(association: Association, thing: Synthetic) -> str:
    """The transfer syntax that the peer takes; raises NetFailure, also when it accepts one that was not proposed."""
    syntax = association.transfer_syntax(association.context(thing.sop_class))
    if syntax not in thing.transfer_syntaxes:
        syntax = thing.transfer_syntaxes[0]
        association.context(thing.sop_class, syntax)
    return syntax


def _not_seen(failure: NetFailure, seen: dict[str, Any]) -> Outcome:
    """Stored, and then not there, or altered, or not to be asked for."""
    about_the_object = failure.reason in (Reason.STORED_NOT_FOUND, Reason.CONTENT_MISMATCH)
    detail = failure.detail if about_the_object else f"it accepted the object; verifying failed: {failure.detail}"
    return Outcome.of(failure.reason, phase=failure.phase, detail=detail, **seen)
