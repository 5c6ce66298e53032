"""A study fetched, counted, hashed and dropped: by C-GET, or by C-MOVE to our own listener or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, find
from pacs_monitor.dicom.operation import SUCCESS
from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, ReceivedObject, get, move
from pacs_monitor.model import DicomListener, PacsMonitorError, ProbeContext, Reason
from pacs_monitor.net import NetFailure

MOST_OBJECTS = 10_000
"""The most objects of one study that the listener will expect."""
_CONTENT = ("PixelData", "EncapsulatedDocument")


class Fetched(NamedTuple):
    """What came of one study. `content` is empty where the objects went elsewhere."""

    objects: int | None
    """None when they were sent elsewhere and the archive does not report how many."""
    bytes: int
    content: str
    syntaxes: list[str]


class TooLargeError(PacsMonitorError):
    """The study has more bytes than it may have."""


class StudyReceiver:
    """Takes objects: counts them, has each hashed in the pool, and keeps none."""

    def __init__(self, ctx: ProbeContext, largest: int) -> None:
        self._ctx, self._largest = ctx, largest
        self._bytes = 0
        self._syntaxes: set[str] = set()
        self._digests: list[Awaitable[str]] = []

    @property
    def objects(self) -> int:
        return len(self._digests)

    def check(self) -> None:
        """Raises TooLargeError once there was too much."""
        if self._bytes > self._largest:
            raise TooLargeError(
                f"raise `largest` or choose another study: this one has more than {self._largest} bytes"
            )

    def take(self, thing: ReceivedObject) -> int:
        self._bytes += len(thing.dataset)
        self.check()
        self._syntaxes.add(thing.transfer_syntax)
        self._digests.append(self._ctx.blocking(lambda: digest(thing), meanwhile=True))
        return SUCCESS

    async def content(self) -> Fetched:
        digests: Sequence[str] = await self._ctx.ours(asyncio.gather(*self._digests))
        content = sha256("".join(sorted(digests)).encode()).hexdigest()
        return Fetched(len(digests), self._bytes, content, sorted(self._syntaxes))


async def by_get(association: Association, study: str, receiver: StudyReceiver) -> Fetched:
    """C-GET; raises NetFailure or TooLargeError."""
    await get(association, STUDY_ROOT_GET, encode(_study(study)), receiver.take)
    return await receiver.content()


async def by_move(association: Association, study: str, destination: str) -> Fetched:
    """C-MOVE to somebody else, where the archive counts, if it does; raises NetFailure."""
    done = await move(association, STUDY_ROOT_MOVE, encode(_study(study)), destination)
    return Fetched(done.sent, 0, "", [])


async def by_move_to_us(
    association: Association, study: str, receiver: StudyReceiver, listener: DicomListener, deadline: float
) -> Fetched:
    """C-MOVE to our listener, which expects the study's objects and refuses any other.

    Raises NetFailure or TooLargeError. What is too large is refused from then on.
    """
    arriving = [asyncio.ensure_future(listener.expect(uid)) for uid in await _instances(association, study)]
    if not arriving:
        return Fetched(0, 0, "", [])

    async def take(one: asyncio.Future[ReceivedObject]) -> None:
        try:
            receiver.take(await one)
        except TooLargeError:
            _cancel(arriving)

    taking = [asyncio.ensure_future(take(one)) for one in arriving]
    try:
        await move(association, STUDY_ROOT_MOVE, encode(_study(study)), listener.ae_title)
        await asyncio.wait(taking, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    except NetFailure as failure:
        receiver.check()
        all_came = all(one.done() for one in arriving)
        if failure.reason is not Reason.PARTIAL or not all_came:
            raise
        await asyncio.wait(taking)
    finally:
        _cancel([*arriving, *taking])
    receiver.check()
    if receiver.objects < len(arriving):
        detail = f"{association.peer} sent only {receiver.objects} of {len(arriving)} objects to {listener.ae_title}"
        raise association.trace.failure(Reason.PARTIAL, detail)
    return await receiver.content()


def digest(thing: ReceivedObject) -> str:
    """The object's UID and its content; not the rest, which archives may coerce."""
    try:
        read = decode(thing.dataset, _CONTENT, thing.transfer_syntax)
    except Malformed:
        read = {"PixelData": thing.dataset}
    content = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in read.values())
    return f"{thing.sop_instance} {sha256(content).hexdigest()}\n"


def _cancel(waiting: Collection[asyncio.Future[Any]]) -> None:
    for one in waiting:
        one.cancel()


def _study(study: str) -> dict[str, str]:
    return {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study}


async def _instances(association: Association, study: str) -> list[str]:
    """The SOP Instance UIDs of a study, level by level (PS3.4 C.4.1.2): not every archive takes relational queries."""
    keys = {**_study(study), "QueryRetrieveLevel": "SERIES"}
    found: list[str] = []
    for series in await _values(association, keys, "SeriesInstanceUID"):
        keys = {**_study(study), "QueryRetrieveLevel": "IMAGE", "SeriesInstanceUID": series}
        found += await _values(association, keys, "SOPInstanceUID")
    if len(found) > MOST_OBJECTS:
        raise TooLargeError(f"choose another study: this one has more than {MOST_OBJECTS} objects")
    return list(dict.fromkeys(found))


async def _values(association: Association, keys: Mapping[str, str], keyword: str) -> list[str]:
    """The values of a unique key among what matches the others."""
    values = []
    answers = find(association, STUDY_ROOT_FIND, encode({**keys, keyword: ""}), limit=MOST_OBJECTS + 1)
    async for answer in answers:
        try:
            values.append(str(decode(answer.dataset, (keyword,)).get(keyword, "")))
        except Malformed as error:
            raise association.trace.failure(Reason.NOT_DICOM, f"C-FIND: {error}") from None
    if answers.capped and answers.matches <= MOST_OBJECTS:
        detail = f"{association.peer} truncated its list of the study's objects (B001): choose another study or method"
        raise association.trace.failure(Reason.NOT_CONFIGURED, detail)
    return [value for value in values if value]
