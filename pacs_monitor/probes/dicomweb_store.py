"""Does a DICOMweb service really store? A synthetic object goes in by STOW-RS, is looked for, and cleared away again.

```yaml
dicomweb_store:
  url: https://pacs.example.org/dicom-web
  enabled_by: "PACS team, change 4711"
  cleanup: orthanc
```

The object, its ledger, its limits and its clean-up are those of `dicom_store`; `url`, accounts and certificates those
of `dicomweb`. `verify` says how it is looked for after it was taken: `none`, `find` (QIDO-RS until it is found),
`metadata` (and then WADO-RS gives its metadata), or `frames` (and then WADO-RS gives its first frame, whose pixels are
compared). `verify_on` names nodes to which routing should bring it, where it is looked for by C-FIND.

The least account is one that may store, search and retrieve the test patient's objects; deleting is done by the
account of the clean-up. Read "Test stores safely" (docs/test-stores.md) before you have it allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from pacs_monitor import http
from pacs_monitor.dicom import Target, web
from pacs_monitor.dicom.endpoint import EndpointSettings, target_of
from pacs_monitor.dicom.testobject import Synthetic, UnfitFileError
from pacs_monitor.fields import Duration
from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import (
    Address,
    Layer,
    LedgerError,
    Load,
    Measure,
    Node,
    Outcome,
    ProbeContext,
    Reason,
    Rhythm,
    StoreCapError,
)
from pacs_monitor.net import EXPIRY, NetFailure, Passage, mind_expiry
from pacs_monitor.stores.cleaning import cleared, lacking, tidy
from pacs_monitor.stores.looking import in_two_attempts, until_there
from pacs_monitor.stores.making import cleaner_of, entries, made, time_kept
from pacs_monitor.stores.routing import Round, not_routed, unaskable
from pacs_monitor.stores.settings import StoreSettings


class DicomwebStoreSettings(HttpSettings, StoreSettings):
    verify: Literal["none", "find", "metadata", "frames"] = "frames"
    """How the object is looked for after it was taken; each way includes the ones before."""
    certificate: Duration = 21 * 86400.0
    """A certificate that ends sooner is a warning (reason `certificate_expiring`)."""

    @model_validator(mode="after")
    def _verifiable(self) -> Self:
        if self.mode == "accept_only" and self.verify != "none":
            raise ValueError("mode: accept_only sends what may be there already: say verify: none")
        if self.file is not None and self.verify == "frames":
            raise ValueError("verify: frames compares the pixels of the built-in object alone; with file say metadata")
        return self


class DicomwebStore:
    kind: ClassVar[str] = "dicomweb_store"
    settings: ClassVar[type[DicomwebStoreSettings]] = DicomwebStoreSettings
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("store_object_bytes", "Size of the object that was sent."),
        Measure("store_seconds", "From the store request to its answer.", trend=True),
        Measure("store_available_seconds", "From the answer until it was found or given back.", ("on",), trend=True),
        Measure("store_leftovers", "Test objects that could not be cleared away."),
        EXPIRY,
    )
    layer: ClassVar[Layer] = Layer.STORE
    writes: ClassVar[bool] = True
    uses_association: ClassVar[bool] = True
    rhythm: ClassVar[Rhythm] = Rhythm(interval=900.0, retry_interval=60.0, timeout=60.0)

    def addresses(self, node: Node, settings: DicomwebStoreSettings) -> tuple[Address, ...]:  # noqa: ARG002
        return (http.address_of(settings.url),)

    def load(self, settings: DicomwebStoreSettings) -> Load:
        return settings.load()

    async def run(self, node: Node, settings: DicomwebStoreSettings, ctx: ProbeContext) -> Outcome:
        try:
            thing = await ctx.ours(ctx.blocking(lambda: made(settings, node, ctx)))
        except UnfitFileError as error:
            return Outcome.of(Reason.NOT_CONFIGURED, detail=f"file {settings.file} is not sent: {error}")
        cleaner = cleaner_of(settings, thing, _target)
        problem = unaskable(settings.verify_on, ctx.nodes, _target)
        if problem := problem or lacking(cleaner, [node, *(ctx.nodes[name] for name in settings.copies_on)]):
            return Outcome.of(Reason.NOT_CONFIGURED, detail=problem)
        outcome = await _RoundTrip(thing, node, settings, ctx).outcome()
        return await cleared(outcome, cleaner, node, ctx)

    async def tidy(self, node: Node, settings: DicomwebStoreSettings, ctx: ProbeContext) -> None:
        try:
            thing = await ctx.ours(ctx.blocking(lambda: made(settings, node, ctx)))
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
        service = web.Service(settings.url, settings.access(), ctx, Passage(), kept)
        try:
            if settings.verify != "none":
                await web.is_found(service, self.thing.uids)  # a service that is down leaves nothing to clear away
            await ctx.ledger.record(entries(self.thing, settings, self.node, ctx))
            await self._store(service)
            outcome = await self._look(service, ctx.deadline - kept)
        except StoreCapError as error:
            return Outcome.of(Reason.STORE_CAP, detail=str(error))
        except LedgerError as error:
            return Outcome.of(Reason.NOT_MEASURED, detail=f"nothing is stored without the ledger: {error}")
        except NetFailure as failure:
            return failure.outcome()
        return mind_expiry(outcome, settings.certificate, ctx.clock.now())

    async def _store(self, service: web.Service) -> None:
        began = monotonic()
        sent = await web.store(service, self.thing)
        service.passage.measure("store_seconds", monotonic() - began)
        service.passage.measure("store_object_bytes", sent)

    async def _look(self, service: web.Service, until: float) -> Outcome:
        """Here, and on the nodes that routing should bring it to, at the same time; raises NetFailure."""
        settings, passage = self.settings, service.passage
        around = Round(self.thing, _target, self.ctx, until, passage)
        elsewhere = [around.look(self.ctx.nodes[name]) for name in settings.verify_on]
        own, *failures = await asyncio.gather(self._look_here(service, around, until), *elsewhere)
        if own is not None:
            raise own
        return not_routed(settings.verify_on, failures, passage.seen()) or passage.outcome()

    async def _look_here(self, service: web.Service, around: Round, until: float) -> NetFailure | None:
        if self.settings.verify == "none":
            return None
        uids = self.thing.uids
        try:
            await until_there(lambda: web.is_found(service, uids), service, service.passage, until)
            if self.settings.verify in ("metadata", "frames"):
                await until_there(lambda: web.has_metadata(service, uids), service, service.passage, until)
            if self.settings.verify == "frames":
                await in_two_attempts(self._compared(service), service, service.passage, until)
        except NetFailure as failure:
            return failure
        around.found_on(self.node)
        return None

    def _compared(self, service: web.Service) -> Callable[[], Awaitable[bool]]:
        async def compare() -> bool:
            content = await web.frame_hash(service, self.thing.uids)
            if content not in (None, self.thing.content):
                detail = f"{service} gives back another object than it was sent: its pixels differ"
                raise HttpError(Reason.CONTENT_MISMATCH, detail, service.passage)
            return content is not None

        return compare
