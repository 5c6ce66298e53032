"""Can images be retrieved? A C-GET (PS3.4 C.4.3) or C-MOVE (C.4.2) of a study approved for this purpose.

```yaml
dicom_retrieve: {studies: [1.2.826.0.1.3680043.8.498.1], enabled_by: "PACS team, change 4712"}
```

`studies` lists Study Instance UIDs of test studies, or of studies whose retrieval was approved (`enabled_by`). Each run
retrieves the one whose last retrieval was longest ago, so that over time the archive's storage is tested and not only
its cache.

C-GET: the objects are counted, their pixels (or encapsulated documents) hashed, and everything is dropped at once.
Later retrievals are compared with the first good one: a different number of objects, or different pixels in the same
transfer syntaxes, is `content_mismatch`; no object at all is `missing`. After a study was changed on purpose, take it
off the list, reload, and add it again: it then gets a new baseline.

C-MOVE: without `destination` the archive sends the study to the monitor's own listener (`monitor.dicom_listener`, whose
AE title must be registered there), where it is compared in the same way. The listener accepts only expected objects: a
C-FIND before the C-MOVE lists them, and objects of more than 16 MB are refused. With another `destination`, an AE title
that the archive knows, the archive's own sub-operation counters are compared; if it leaves them out (they are
conditional, PS3.7 9.1.4), the count is unknown and nothing is compared.

Our AE title must be registered there for retrieval, for C-MOVE also as a move destination.
"""

from __future__ import annotations

from time import monotonic
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pacs_monitor.dicom import Target, associate, fetch, requests
from pacs_monitor.dicom.endpoint import ENDPOINT, EndpointSettings, addresses_of, not_configured, target_of
from pacs_monitor.dicom.fetch import Fetched, StudyReceiver, TooLargeError
from pacs_monitor.dicom.find import STUDY_ROOT_FIND
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from pacs_monitor.dicom.sop_classes import IMAGES, sop_class
from pacs_monitor.fields import AETitle, Duration, Size, Texts
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import EXPIRY, NetFailure

_TRANSFER_SYNTAXES = (
    requests.EXPLICIT_VR_LITTLE_ENDIAN,
    requests.IMPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
)
"""Uncompressed, JPEG, JPEG-LS, JPEG 2000, RLE (PS3.5 A): nothing is decompressed here, so all of them will do."""


def _uids(studies: tuple[str, ...]) -> tuple[str, ...]:
    for uid in studies:
        if len(uid) > 64 or uid.strip("0123456789.") or not uid:
            raise ValueError(f"{uid!r} is not a Study Instance UID")
    return tuple(dict.fromkeys(studies))


def _classes(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sop_class(name) for name in names))


class DicomRetrieveSettings(EndpointSettings):
    studies: Annotated[Texts, Field(min_length=1), AfterValidator(_uids)]
    """Study Instance UIDs of test studies or approved studies."""
    method: Literal["get", "move"] = "get"
    """`get` retrieves the objects over the same association, `move` has the archive send them over another one."""
    destination: AETitle | None = None
    """AE title that a C-MOVE sends to; objects are then only counted. Default: the monitor's own listener."""
    largest: Size = 512_000_000
    """Retrieval stops when a study exceeds this size."""
    sop_classes: Annotated[Texts, Field(max_length=120), AfterValidator(_classes)] = IMAGES
    """Storage SOP classes that a C-GET proposes; the common ones by default."""
    slow: Duration | None = None
    """A retrieval that takes longer than this is a warning (reason `slow`)."""


class DicomRetrieve(Probe):
    kind = "dicom_retrieve"
    settings = DicomRetrieveSettings
    measures = (
        Measure("retrieve_objects", "Objects of the retrieved study."),
        Measure("retrieve_bytes", "Size of their data sets, when they were sent to the monitor."),
        Measure("retrieve_seconds", N_("From the request to the last object."), trend=True),
        EXPIRY,
    )
    layer = Layer.STORE
    writes = True
    uses_association = True
    needs = ENDPOINT
    timing = Timing(interval=3600.0, retry_interval=300.0, timeout=120.0)

    def addresses(self, node: Node, settings: DicomRetrieveSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: DicomRetrieveSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        destination = settings.destination or (ctx.dicom_listener.ae_title if ctx.dicom_listener else None)
        if settings.method == "move" and destination is None:
            detail = (
                "set destination to the AE title of a peer, or configure monitor.dicom_listener: a C-MOVE needs one "
                "of them"
            )
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        known: dict[str, Any] = ctx.memory.setdefault("studies", {})
        for gone in known.keys() - set(settings.studies):
            del known[gone]
        study = min(settings.studies, key=lambda uid: known.get(uid, {}).get("at", 0))
        try:
            return await _retrieve(target, study, settings, ctx, destination or "")
        except NetFailure as failure:
            return failure.outcome()


async def _retrieve(
    target: Target, study: str, settings: DicomRetrieveSettings, ctx: ProbeContext, destination: str
) -> Outcome:
    association = await associate(
        target, _contexts(settings), resolver=ctx.resolver, deadline=ctx.deadline, data_limit=settings.largest
    )
    listener = (
        ctx.dicom_listener if ctx.dicom_listener is not None and destination == ctx.dicom_listener.ae_title else None
    )
    receiver, trace, began = StudyReceiver(ctx, settings.largest), association.trace, monotonic()
    try:
        async with association:
            if settings.method == "get":
                fetched = await fetch.by_get(association, study, receiver)
            elif listener is not None:
                fetched = await fetch.by_move_to_us(association, study, receiver, listener, ctx.deadline)
            else:
                fetched = await fetch.by_move(association, study, destination)
    except TooLargeError as error:
        raise trace.failure(Reason.NOT_CONFIGURED, str(error)) from None
    if fetched.objects is not None:
        trace.measure("retrieve_objects", fetched.objects)
    trace.measure("retrieve_seconds", monotonic() - began)
    if fetched.content:
        trace.measure("retrieve_bytes", fetched.bytes)
    wrong = _compare(fetched, study, ctx)
    if wrong is not None:
        reason, detail = wrong
        return Outcome.of(reason, phase=Phase.OPERATION, detail=f"{target}: study {study} {detail}", **trace.seen())
    return trace.outcome(settings.slow)


def _contexts(settings: DicomRetrieveSettings) -> tuple[requests.Context, ...]:
    implicit = (requests.IMPLICIT_VR_LITTLE_ENDIAN,)
    if settings.method == "move":
        return requests.contexts([(STUDY_ROOT_MOVE, implicit), (STUDY_ROOT_FIND, implicit)])
    storage = settings.sop_classes
    return requests.contexts([(STUDY_ROOT_GET, implicit), *((uid, _TRANSFER_SYNTAXES) for uid in storage)], scp=storage)


def _compare(fetched: Fetched, study: str, ctx: ProbeContext) -> tuple[Reason, str] | None:
    """What differs from the first good retrieval; a good one is remembered, and when it was."""
    known = ctx.memory["studies"].get(study)
    if fetched.objects == 0:
        return Reason.MISSING, "has no objects"
    if fetched.objects is None:
        ctx.memory["studies"][study] = {**(known or {"objects": None}), "at": ctx.clock.now()}
        return None
    if known is not None and known["objects"] not in (None, fetched.objects):
        return Reason.CONTENT_MISMATCH, f"has {fetched.objects} objects, but had {known['objects']} before"
    same_syntaxes = known is not None and known.get("syntaxes") == fetched.syntaxes
    if known is not None and same_syntaxes and known["content"] != fetched.content:
        return Reason.CONTENT_MISMATCH, f"has the same {fetched.objects} objects as before, but their pixels differ"
    now = {"at": ctx.clock.now(), "objects": fetched.objects, "content": fetched.content, "syntaxes": fetched.syntaxes}
    ctx.memory["studies"][study] = now
    return None
