"""A small archive out of pynetdicom that keeps, loses, alters, indexes late and hides, as a test wants."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.events import Event

from tests.peers.scp import Handlers, serving

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
VERIFICATION, WORKLIST = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.31"
PENDING = 0xFF00


@dataclass
class Archive:
    """What it holds, by SOP Instance UID."""

    port: int = 0
    stored: dict[str, Dataset] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often it was asked to store, give or send which object."""

    def matching(self, identifier: Dataset, indexed_after: float) -> list[Dataset]:
        uid = identifier.get("SOPInstanceUID")
        there = uid in self.stored and uid not in self.rejected
        return [self.stored[uid]] if there and time.monotonic() - self.since[uid] >= indexed_after else []


@contextmanager
def archive(
    *,
    keeps: bool = True,
    alters: bool = False,
    status: int = 0x0000,
    indexed_after: float = 0.0,
    indexed_once_asked: bool = False,
    obeys_notes: bool = False,
    gives: bool = True,
    finds: bool = True,
    on_store: Callable[[], None] = lambda: None,
) -> Iterator[Archive]:
    """An object answered with a status of failure is not kept. It sends nothing by C-MOVE, and says that it has.

    With `indexed_once_asked` it finds an object only after it has been asked by C-GET for it, in vain.
    """
    peer, ae = Archive(), AE("PEER")
    ae.maximum_associations = 50
    for sop_class in (SECONDARY_CAPTURE, KEY_OBJECT_SELECTION):
        ae.add_supported_context(
            sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian], scu_role=True, scp_role=True
        )
    for sop_class in (VERIFICATION, WORKLIST, MOVE, GET, *([FIND] if finds else [])):
        ae.add_supported_context(sop_class)

    def store(event: Event) -> int:
        on_store()
        got = event.dataset
        got.file_meta = event.file_meta
        peer.asked["C-STORE", got.SOPInstanceUID] += 1
        if keeps and status in (0x0000, 0xB000):
            if alters:
                got.PixelData = bytes((got.PixelData[0] ^ 1,)) + got.PixelData[1:]
            peer.stored[got.SOPInstanceUID], peer.since[got.SOPInstanceUID] = got, time.monotonic()
            if obeys_notes and got.SOPClassUID == KEY_OBJECT_SELECTION:
                series = got.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
                peer.rejected |= {item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence}
        return status

    def matching(identifier: Dataset) -> list[Dataset]:
        is_indexed = not indexed_once_asked or peer.asked["C-GET", identifier.get("SOPInstanceUID", "")]
        return peer.matching(identifier, indexed_after) if is_indexed else []

    def find(event: Event) -> Iterator[Any]:
        for found in matching(event.identifier):
            answer = Dataset()
            answer.QueryRetrieveLevel, answer.SOPInstanceUID = "IMAGE", found.SOPInstanceUID
            yield PENDING, answer

    def get(event: Event) -> Iterator[Any]:
        found = matching(event.identifier) if gives else []
        peer.asked["C-GET", event.identifier.get("SOPInstanceUID", "")] += 1
        yield len(found)
        for dataset in found:
            yield PENDING, dataset

    def move(event: Event) -> Iterator[Any]:
        peer.asked["C-MOVE", event.identifier.get("SOPInstanceUID", "")] += 1
        yield "127.0.0.1", 1
        yield 0

    handlers: Handlers = {
        evt.EVT_C_STORE: store,
        evt.EVT_C_FIND: find,
        evt.EVT_C_GET: get,
        evt.EVT_C_MOVE: move,
    }
    with serving(ae, handlers) as peer.port:
        yield peer
