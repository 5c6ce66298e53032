"""Small synthetic objects, and what tests propose for them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.image import SERIES, STUDY
from benchmarks.image import Image as Instance
from benchmarks.image import image as instance
from pacs_monitor.dicom import Association, associate
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT
from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.find import MODALITY_WORKLIST_FIND, STUDY_ROOT_FIND
from pacs_monitor.dicom.requests import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION, Context, contexts
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from pacs_monitor.dicom.store import StoreStatus, store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Phase
from pacs_monitor.net import NetFailure, Resolver
from tests.dicom.support import target
from tests.peers.scp import Handlers, scp
from tests.support.timing import SOON

SECRET = "SECRET^NAME 4711"
IMPLICIT = IMPLICIT_VR_LITTLE_ENDIAN
EVERYTHING = contexts(
    [
        (sop_class, [IMPLICIT])
        for sop_class in (
            VERIFICATION,
            STUDY_ROOT_FIND,
            STUDY_ROOT_GET,
            STUDY_ROOT_MOVE,
            MODALITY_WORKLIST_FIND,
            STORAGE_COMMITMENT,
            SECONDARY_CAPTURE,
        )
    ]
)
FETCHING = contexts([(STUDY_ROOT_GET, [IMPLICIT]), (SECONDARY_CAPTURE, [IMPLICIT])], scp={SECONDARY_CAPTURE})
WHOLE_STUDY = encode({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY})
EACH_IMAGE = encode(
    {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": ""}
)
EACH_STUDY = encode({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ""})


async def failure_at(port: int, ask: Callable[[Association], Awaitable[Any]], **more: Any) -> NetFailure:
    """The failure that a service meets at a peer, after the association is over."""
    try:
        async with associated(port, **more) as association:
            await ask(association)
    except NetFailure as failure:
        return failure
    raise AssertionError("it went well")


@asynccontextmanager
async def associated(
    port: int,
    called: str = "PEER",
    proposed: tuple[Context, ...] = EVERYTHING,
    timeout: float = SOON,
    calling: str = "PACSMON",
) -> AsyncIterator[Association]:
    deadline = time.monotonic() + timeout
    async with await associate(
        target(port, called=called)._replace(calling=calling), proposed, resolver=Resolver(), deadline=deadline
    ) as association:
        yield association


async def store_it(association: Association, what: Instance | None = None) -> StoreStatus:
    uid, dataset = what or instance()
    return await store(association, SECONDARY_CAPTURE, uid, dataset, IMPLICIT)


async def failure_from(handlers: Handlers, ask: Callable[[Association], Awaitable[Any]]) -> NetFailure:
    """What a service meets at a server with these handlers; the association ends in a release all the same."""
    with scp(handlers) as port:
        failure = await failure_at(port, ask)
    assert (failure.phase, failure.trace.flags) == (Phase.OPERATION, [])
    return failure
