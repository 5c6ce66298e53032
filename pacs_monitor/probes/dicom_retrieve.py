"""Do images come back? A C-GET (PS3.4 C.4.3) or C-MOVE (C.4.2) of a study that somebody approved for this.

`studies` lists Study Instance UIDs of test studies, or of studies whose retrieval was approved (`enabled_by`). Each run
fetches the one that was longest not fetched, so that over time the archive's storage is proved and not only its cache.

C-GET: the objects are counted, their pixels (or encapsulated documents) hashed, and everything is dropped at once. The
first good retrieval of a study is what later ones are compared with: another number of objects, or other pixels in the
same transfer syntaxes, is `content_mismatch`; no object at all is `missing`. A study that was changed on purpose is
compared afresh once it has been off the list over a reload.

C-MOVE: the archive sends the study to `destination`, an AE title that it knows; its own count of sub-operations is what
is compared. Our own listener takes test objects alone, so that another study needs another destination.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from hashlib import sha256
from time import monotonic
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, Field

from pacs_monitor.dicom import Target, associate, requests
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.endpoint import EndpointSettings, addresses_of, not_configured, target_of
from pacs_monitor.dicom.operation import SUCCESS
from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, ReceivedObject, get, move
from pacs_monitor.dicom.sop_classes import IMAGES, sop_class
from pacs_monitor.fields import AETitle, Duration, Size, Texts
from pacs_monitor.model import (
    Address,
    Layer,
    Measure,
    Node,
    Outcome,
    PacsMonitorError,
    Phase,
    ProbeContext,
    Reason,
    Rhythm,
)
from pacs_monitor.net import EXPIRY, NetFailure

_CONTENT = ("PixelData", "EncapsulatedDocument")
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
            raise ValueError(f"{uid!r} is no Study Instance UID")
    return tuple(dict.fromkeys(studies))


def _classes(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sop_class(name) for name in names))


class DicomRetrieveSettings(EndpointSettings):
    studies: Annotated[Texts, Field(min_length=1), AfterValidator(_uids)]
    """Study Instance UIDs of test or approved studies."""
    method: Literal["get", "move"] = "get"
    """`get` brings the objects here, where they are hashed; `move` has the archive send them to `destination`."""
    destination: AETitle | None = None
    """AE title that a C-MOVE sends to; our own listener's unless given."""
    largest: Size = 512_000_000
    """A study of more bytes is not fetched to its end: it is too large for this."""
    sop_classes: Annotated[Texts, Field(max_length=120), AfterValidator(_classes)] = IMAGES
    """Storage SOP classes that a C-GET proposes; the usual ones unless given."""
    slow: Duration | None = None
    """A retrieval that takes longer than this is a warning (reason `slow`)."""


class Fetched(NamedTuple):
    """What came of one study. `content` is empty where the objects went elsewhere."""

    objects: int
    bytes: int
    content: str
    syntaxes: list[str]


class TooLargeError(PacsMonitorError):
    """The study has more bytes than `largest`."""


class DicomRetrieve:
    kind: ClassVar[str] = "dicom_retrieve"
    settings: ClassVar[type[DicomRetrieveSettings]] = DicomRetrieveSettings
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("retrieve_objects", "Objects of the study that was fetched."),
        Measure("retrieve_bytes", "Bytes of their data sets; by C-GET alone."),
        Measure("retrieve_seconds", "From the request to the last object.", trend=True),
        EXPIRY,
    )
    layer: ClassVar[Layer] = Layer.STORE
    writes: ClassVar[bool] = True
    uses_association: ClassVar[bool] = True
    rhythm: ClassVar[Rhythm] = Rhythm(interval=3600.0, retry_interval=300.0, timeout=120.0)

    def addresses(self, node: Node, settings: DicomRetrieveSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: DicomRetrieveSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        destination = settings.destination or (ctx.listeners.ae_title if ctx.listeners else None)
        if settings.method == "move" and destination is None:
            detail = "a C-MOVE needs a destination: the AE title of a peer, or monitor.dicom_listener"
            return Outcome.of(Reason.NOT_CONFIGURED, detail=detail)
        known: dict[str, Any] = ctx.memory.setdefault("studies", {})
        for gone in known.keys() - set(settings.studies):
            del known[gone]
        study = min(settings.studies, key=lambda uid: known.get(uid, {}).get("at", 0))
        try:
            return await _retrieve(target, study, settings, ctx, destination or "")
        except NetFailure as failure:
            return failure.outcome()
        except TooLargeError as error:
            return Outcome.of(Reason.NOT_CONFIGURED, phase=Phase.OPERATION, detail=str(error))


async def _retrieve(
    target: Target, study: str, settings: DicomRetrieveSettings, ctx: ProbeContext, destination: str
) -> Outcome:
    contexts, asked = _contexts(settings), encode({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study})
    async with await associate(
        target, contexts, resolver=ctx.resolver, deadline=ctx.deadline, data_limit=settings.largest
    ) as association:
        began = monotonic()
        if settings.method == "move":
            done = await move(association, STUDY_ROOT_MOVE, asked, destination)
            fetched = Fetched(done.completed + done.warning, 0, "", [])
        else:
            basket = Basket(ctx, settings.largest)
            await get(association, STUDY_ROOT_GET, asked, basket.take)
            fetched = await basket.content()
        seconds = monotonic() - began
    passage = association.passage
    passage.measure("retrieve_objects", fetched.objects)
    passage.measure("retrieve_seconds", seconds)
    if settings.method == "get":
        passage.measure("retrieve_bytes", fetched.bytes)
    wrong = _compare(fetched, study, ctx)
    if wrong is not None:
        reason, detail = wrong
        return Outcome.of(reason, phase=Phase.OPERATION, detail=f"{target}: study {study} {detail}", **passage.seen())
    return passage.outcome(settings.slow)


def _contexts(settings: DicomRetrieveSettings) -> tuple[requests.Context, ...]:
    implicit = (requests.IMPLICIT_VR_LITTLE_ENDIAN,)
    if settings.method == "move":
        return requests.contexts([(STUDY_ROOT_MOVE, implicit)])
    storage = settings.sop_classes
    return requests.contexts([(STUDY_ROOT_GET, implicit), *((uid, _TRANSFER_SYNTAXES) for uid in storage)], scp=storage)


def _compare(fetched: Fetched, study: str, ctx: ProbeContext) -> tuple[Reason, str] | None:
    """What differs from the first good retrieval; a good one is remembered, and when it was."""
    known = ctx.memory["studies"].get(study)
    if fetched.objects == 0:
        return Reason.MISSING, "has no objects"
    if known is not None and known["objects"] != fetched.objects:
        return Reason.CONTENT_MISMATCH, f"has {fetched.objects} objects, not {known['objects']} as before"
    if known is not None and known["syntaxes"] == fetched.syntaxes and known["content"] != fetched.content:
        return Reason.CONTENT_MISMATCH, f"has the same {fetched.objects} objects as before, but other pixels in them"
    now = {"at": ctx.clock.now(), "objects": fetched.objects, "content": fetched.content, "syntaxes": fetched.syntaxes}
    ctx.memory["studies"][study] = now
    return None


class Basket:
    """Takes the objects of a C-GET: counts them, has each hashed in the pool, and keeps none."""

    def __init__(self, ctx: ProbeContext, largest: int) -> None:
        self._ctx, self._largest = ctx, largest
        self._bytes = 0
        self._syntaxes: set[str] = set()
        self._digests: list[Awaitable[str]] = []

    def take(self, thing: ReceivedObject) -> int:
        self._bytes += len(thing.dataset)
        if self._bytes > self._largest:
            raise TooLargeError(f"the study has more than {self._largest} bytes: raise `largest`, or take another one")
        self._syntaxes.add(thing.transfer_syntax)
        self._digests.append(self._ctx.blocking(lambda: digest(thing)))
        return SUCCESS

    async def content(self) -> Fetched:
        digests: Sequence[str] = await asyncio.gather(*self._digests)
        content = sha256("".join(sorted(digests)).encode()).hexdigest()
        return Fetched(len(digests), self._bytes, content, sorted(self._syntaxes))


def digest(thing: ReceivedObject) -> str:
    """The object's UID and its content; not the rest, which archives may coerce."""
    try:
        read = decode(thing.dataset, _CONTENT, thing.transfer_syntax)
    except Malformed:
        read = {"PixelData": thing.dataset}
    content = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in read.values())
    return f"{thing.sop_instance} {sha256(content).hexdigest()}\n"
