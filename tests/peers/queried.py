"""A pynetdicom server that keeps what it was asked by C-FIND, and answers in any way and at any pace a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.events import Event

from tests.peers.scp import serving

Answer = tuple[int | Dataset, Dataset | None]
FINDS = ("1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.31")
VERIFICATION = "1.2.840.10008.1.1"
PENDING, CANCELLED = 0xFF00, 0xFE00


class Queried:
    """Where it listens, and what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.ae_title = "SCP"
        self.asked: list[Dataset] = []
        self.cancelled = threading.Event()


@contextmanager
def queried(
    answer: Callable[[Dataset], Iterator[Answer]] | None = None,
    *,
    classes: tuple[str, ...] = (VERIFICATION, *FINDS),
    version: str = "SCP_1",
    port: int = 0,
    knows: tuple[str, ...] = (),
) -> Iterator[Queried]:
    """`answer` gets the identifier of each C-FIND and yields status and data set; a cancel ends it with FE00.

    Only AE titles that it `knows` may associate; without any, all may.
    """
    peer, ae = Queried(), AE("SCP")
    ae.implementation_version_name = version
    ae.require_calling_aet = list(knows)
    for sop_class in classes:
        ae.add_supported_context(sop_class)

    def found(event: Event) -> Iterator[Any]:
        identifier = event.identifier
        peer.asked.append(identifier)
        for status, dataset in answer(identifier) if answer else ():
            if event.is_cancelled:
                peer.cancelled.set()
                yield CANCELLED, None
                return
            yield status, dataset

    with serving(ae, {evt.EVT_C_FIND: found}, port) as peer.port:
        yield peer


def matches(number: int, *, pause: float = 0.0, **values: str) -> Callable[[Dataset], Iterator[Answer]]:
    """That many answers; without a `pause` (seconds) between them pynetdicom may not get to read a C-CANCEL."""

    def answer(_identifier: Dataset) -> Iterator[Answer]:
        for n in range(number):
            dataset = Dataset()
            dataset.StudyInstanceUID = f"1.2.3.{n}"
            for keyword, value in values.items():
                setattr(dataset, keyword, value)
            time.sleep(pause)
            yield PENDING, dataset

    return answer


def commented(status: int, comment: str) -> Dataset:
    """A status with an ErrorComment (PS3.7 C)."""
    made = Dataset()
    made.Status, made.ErrorComment = status, comment
    return made
