"""Does a DICOMweb service really store? A synthetic object is sent by STOW-RS, verified, and cleaned up again.

```yaml
dicomweb_store:
  url: https://pacs.example.org/dicom-web
  enabled_by: "PACS team, change 4711"
  cleanup: orthanc
```

The object, its ledger, its limits and its clean-up are those of `dicom_store`; `url`, accounts and certificates those
of `dicomweb`. `verify` says how the stored object is verified: `none`, `find` (QIDO-RS until it is found), `metadata`
(`find`, then WADO-RS must return its metadata), or `frames` (`metadata`, then WADO-RS must return its first frame,
whose pixels are compared). `verify_on` names nodes to which routing should deliver it, where it is looked for by
C-FIND.

The account needs permission to store, search and retrieve the test patient's objects; the clean-up uses its own account
to delete. Read "Test stores safely" (docs/test-stores.md) before you ask for approval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal, Self

from pydantic import model_validator

from pacs_monitor import http
from pacs_monitor.dicom import Target, web
from pacs_monitor.dicom.endpoint import EndpointSettings, target_of
from pacs_monitor.dicom.testobject import Synthetic, UnfitFileError
from pacs_monitor.fields import Duration
from pacs_monitor.http import HttpError, HttpSettings
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
    StoreCapError,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace, warn_before_expiry
from pacs_monitor.stores.cleanup import cleared, lacking, tidy
from pacs_monitor.stores.copies import CopySearch, missing_copies, not_queryable
from pacs_monitor.stores.creation import cleaner_of, create, entries, time_kept, with_object
from pacs_monitor.stores.settings import StoreSettings
from pacs_monitor.stores.verification import in_two_attempts, poll_until_found


class DicomwebStoreSettings(HttpSettings, StoreSettings):
    verify: Literal["none", "find", "metadata", "frames"] = "frames"
    """How the stored object is verified; each method includes the ones before it."""
    certificate: Duration = 21 * 86400.0
    """A certificate that expires sooner than this is a warning (reason `certificate_expiring`)."""

    @model_validator(mode="after")
    def _verifiable(self) -> Self:
        if self.mode == "accept_only" and self.verify != "none":
            raise ValueError("set verify: none, because with mode: accept_only the object may be there already")
        if self.file is not None and self.verify == "frames":
            raise ValueError("with file set verify: metadata: verify: frames compares only the built-in object")
        return self


class DicomwebStore(Probe):
    kind = "dicomweb_store"
    settings = DicomwebStoreSettings
    measures = (
        Measure("store_object_bytes", "Size of the object that was sent."),
        Measure("store_seconds", N_("From the store request to its answer."), trend=True),
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
    timing = Timing(interval=900.0, retry_interval=60.0, timeout=60.0)

    def addresses(self, node: Node, settings: DicomwebStoreSettings) -> tuple[Address, ...]:  # noqa: ARG002
        return (http.address_of(settings.url),)

    def load(self, settings: DicomwebStoreSettings) -> Load:
        return settings.load()

    async def run(self, node: Node, settings: DicomwebStoreSettings, ctx: ProbeContext) -> Outcome:
        try:
            thing = await ctx.ours(ctx.blocking(lambda: create(settings, node, ctx)))
        except UnfitFileError as error:
            return Outcome.of(Reason.NOT_CONFIGURED, detail=f"file {settings.file} was not sent: {error}")
        cleaner = cleaner_of(settings, thing, _target)
        problem = not_queryable(settings.verify_on, ctx.nodes, _target)
        if problem := problem or lacking(cleaner, [node, *(ctx.nodes[name] for name in settings.copies_on)]):
            return Outcome.of(Reason.NOT_CONFIGURED, detail=problem)
        outcome = with_object(await _RoundTrip(thing, node, settings, ctx).outcome(), thing, settings.verify)
        return await cleared(outcome, cleaner, node, ctx)

    async def tidy(self, node: Node, settings: DicomwebStoreSettings, ctx: ProbeContext) -> None:
        try:
            thing = await ctx.ours(ctx.blocking(lambda: create(settings, node, ctx)))
        except UnfitFileError:
            return  # each run says so
        await tidy(cleaner_of(settings, thing, _target), node, ctx)


def _target(where: Node) -> Target | None:
    """Whom a clean-up by DICOM asks."""
    return target_of(where, EndpointSettings())


@dataclass(frozen=True, slots=True)
class _RoundTrip:
    """One object sent and looked for, in the time that is not kept for clearing away."""

    thing: Synthetic
    node: Node
    settings: DicomwebStoreSettings
    ctx: ProbeContext

    async def outcome(self) -> Outcome:
        ctx, settings = self.ctx, self.settings
        kept = time_kept(ctx)
        service = web.Service(settings.url, settings.access(), ctx, Trace(), kept)
        try:
            if settings.verify != "none":
                await web.is_found(service, self.thing.uids)  # a service that is down leaves nothing to clear away
            await ctx.ledger.record(entries(self.thing, settings, self.node, ctx))
            await self._store(service)
            outcome = await self._look(service, ctx.deadline - kept)
        except StoreCapError as error:
            return Outcome.of(Reason.STORE_CAP, detail=str(error))
        except LedgerError as error:
            return Outcome.of(
                Reason.NOT_MEASURED, detail=f"nothing was sent, as the ledger could not record it: {error}"
            )
        except NetFailure as failure:
            return failure.outcome()
        return warn_before_expiry(outcome, settings.certificate, ctx.clock.now())

    async def _store(self, service: web.Service) -> None:
        began = monotonic()
        sent = await web.store(service, self.thing)
        service.trace.measure("store_seconds", monotonic() - began)
        service.trace.measure("store_object_bytes", sent)

    async def _look(self, service: web.Service, until: float) -> Outcome:
        """Here, and on the nodes that routing should bring it to, at the same time; raises NetFailure."""
        settings, trace = self.settings, service.trace
        around = CopySearch(self.thing, _target, self.ctx, until, trace)
        elsewhere = [around.look(self.ctx.nodes[name]) for name in settings.verify_on]
        own, *failures = await asyncio.gather(self._look_here(service, around, until), *elsewhere)
        if own is not None:
            raise own
        return missing_copies(settings.verify_on, failures, trace.seen()) or trace.outcome()

    async def _look_here(self, service: web.Service, around: CopySearch, until: float) -> NetFailure | None:
        if self.settings.verify == "none":
            return None
        uids = self.thing.uids
        try:
            await poll_until_found(lambda: web.is_found(service, uids), service, service.trace, until)
            if self.settings.verify in ("metadata", "frames"):
                await poll_until_found(lambda: web.has_metadata(service, uids), service, service.trace, until)
            if self.settings.verify == "frames":
                await in_two_attempts(self._compared(service), service, service.trace, until)
        except NetFailure as failure:
            return failure
        around.found_on(self.node)
        return None

    def _compared(self, service: web.Service) -> Callable[[], Awaitable[bool]]:
        async def compare() -> bool:
            content = await web.frame_hash(service, self.thing.uids)
            if content not in (None, self.thing.content):
                detail = f"{service} returned an object whose pixels differ from the one sent"
                raise HttpError(Reason.CONTENT_MISMATCH, detail, service.trace)
            return content is not None

        return compare
