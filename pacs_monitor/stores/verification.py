"""Looking for a test object on a node: found, given back unaltered, promised to be kept.

What is not there yet is asked for again, more and more rarely, until it is or the time is up: archives and routers
index late. What moves the object (C-GET, C-MOVE) is asked for twice at most, whatever the peer answers. Each answers
with how its conversation went, or raises NetFailure: `stored_not_found`, `content_mismatch`, or what the asking itself
met.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from uuid import uuid4

from pacs_monitor.backoff import Backoff
from pacs_monitor.dicom import Association, Target, associate, reasons
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT, Commitment, report, request_commitment
from pacs_monitor.dicom.datasets import decode, encode
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, find
from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.pdu import Malformed
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, Context, contexts
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, ReceivedObject, get, move
from pacs_monitor.dicom.testobject import Synthetic, Uids, hash_of
from pacs_monitor.format.human import duration
from pacs_monitor.model import DicomListener, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Trace

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between two questions for what is not there yet."""
ATTEMPTS = 2
LAST_ATTEMPT = 0.25
"""Share of the time that is kept for the second attempt to fetch what did not come at once."""
NO_SUCH_INSTANCE = 0x0112
"""Failure Reason (0008,1197) of a storage commitment (PS3.3 C.14.1.1)."""
_IMPLICIT = (IMPLICIT_VR_LITTLE_ENDIAN,)
_READABLE = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)


async def exists(target: Target, uids: Uids, ctx: ProbeContext, until: float) -> bool:
    """One C-FIND at IMAGE level."""
    async with await _opened(target, contexts([(STUDY_ROOT_FIND, _IMPLICIT)]), ctx, until) as association:
        return await _matches(association, uids)


async def found(target: Target, made: Synthetic, ctx: ProbeContext, until: float) -> Trace:
    """Found by C-FIND at IMAGE level (PS3.4 C.3.4)."""
    async with await _opened(target, contexts([(STUDY_ROOT_FIND, _IMPLICIT)]), ctx, until) as association:
        await poll_until_found(lambda: _matches(association, made.uids), association.peer, association.trace, until)
    return association.trace


async def retrieved(target: Target, made: Synthetic, ctx: ProbeContext, until: float) -> Trace:
    """Given back by C-GET, with the pixels that it was sent with."""
    proposed = contexts(
        [
            (STUDY_ROOT_GET, _IMPLICIT),
            (STUDY_ROOT_FIND, _IMPLICIT),
            *((made.sop_class, (syntax,)) for syntax in made.transfer_syntaxes),
        ],
        scp=(made.sop_class,),
    )
    async with await _opened(target, proposed, ctx, until) as association:
        taken: list[ReceivedObject] = []

        async def gets() -> bool:
            await get(association, STUDY_ROOT_GET, _identifier(made.uids), lambda got: _keep(taken, got))
            return bool(taken)

        await _received(association, made.uids, gets, until)
        _compare(association, made, taken)
    return association.trace


async def moved_to_us(target: Target, made: Synthetic, ctx: ProbeContext, until: float) -> Trace:
    """Sent by C-MOVE to our own listener, with the pixels that it was sent with."""
    listener = _listener(ctx)
    arriving = asyncio.ensure_future(listener.expect(made.uids.instance))
    try:
        proposed = contexts([(STUDY_ROOT_MOVE, _IMPLICIT), (STUDY_ROOT_FIND, _IMPLICIT)])
        async with await _opened(target, proposed, ctx, until) as association:
            attempts = 0

            async def moves() -> bool:
                """After the second attempt nothing is left but to wait."""
                nonlocal attempts
                attempts += 1
                claimed = arriving.done() or await _claims_to_send(association, made.uids, listener, arriving)
                return claimed or attempts == ATTEMPTS

            await _received(association, made.uids, moves, until, arriving)
            async with asyncio.timeout_at(until):
                got: ReceivedObject = await arriving
            _compare(association, made, [got])
            return association.trace
    except TimeoutError:
        detail = f"{target} answered C-MOVE with success, but the object did not arrive at {listener.ae_title} in time"
        raise association.trace.failure(Reason.STORED_NOT_FOUND, detail) from None
    finally:
        arriving.cancel()


async def _claims_to_send(
    association: Association, uids: Uids, listener: DicomListener, arriving: asyncio.Future[ReceivedObject]
) -> bool:
    """One C-MOVE: whether the object has arrived, or the peer counts it as sent; what it does not say proves nothing.

    Raises NetFailure.
    """
    try:
        done = await move(association, STUDY_ROOT_MOVE, _identifier(uids), listener.ae_title)
    except NetFailure as failure:
        if failure.reason is Reason.PARTIAL and arriving.done():
            return True
        raise
    return arriving.done() or bool(done.sent)


async def committed(target: Target, made: Synthetic, ctx: ProbeContext, until: float) -> Trace:
    """Promised to be kept: storage commitment (PS3.4 J), reported on the same association or to our listener."""
    transaction = f"2.25.{uuid4().int}"
    async with await _opened(target, contexts([(STORAGE_COMMITMENT, _IMPLICIT)]), ctx, until) as association:
        asked = [(made.sop_class, made.uids.instance)]
        try:
            async with asyncio.timeout_at(until):
                answer = await _reported(association, transaction, asked, ctx.dicom_listener)
        except TimeoutError:
            detail = f"{target} accepted the storage commitment request, but did not report on it in time"
            raise association.trace.failure(Reason.DIMSE_TIMEOUT, detail) from None
        _check_commitment(association, made, answer)
    return association.trace


def _listener(ctx: ProbeContext) -> DicomListener:
    if ctx.dicom_listener is None:
        raise RuntimeError("the probe checks for the listener before it stores anything")
    return ctx.dicom_listener


async def _opened(target: Target, proposed: tuple[Context, ...], ctx: ProbeContext, until: float) -> Association:
    return await associate(target, proposed, resolver=ctx.resolver, deadline=until)


async def _matches(association: Association, uids: Uids) -> bool:
    """Whether an answer names the very instance: some archives pass over keys that they do not know."""
    instances = set()
    answers = find(association, STUDY_ROOT_FIND, _identifier(uids))
    async for answer in answers:
        try:
            instances.add(decode(answer.dataset, ("SOPInstanceUID",)).get("SOPInstanceUID"))
        except Malformed as error:
            raise association.trace.failure(Reason.NOT_DICOM, f"C-FIND: {error}") from None
    if answers.capped and uids.instance not in instances:
        detail = f"{association.peer} truncated its list of answers (B001), so it is unknown whether it has the object"
        raise association.trace.failure(Reason.NOT_CONFIGURED, detail)
    return uids.instance in instances


def _identifier(uids: Uids) -> bytes:
    return encode(
        {
            "QueryRetrieveLevel": "IMAGE",
            "StudyInstanceUID": uids.study,
            "SeriesInstanceUID": uids.series,
            "SOPInstanceUID": uids.instance,
        }
    )


async def poll_until_found(ask: Callable[[], Awaitable[bool]], peer: object, trace: Trace, until: float) -> None:
    """Until the answer is yes; raises NetFailure (`stored_not_found`) when that does not come in time.

    No question is begun that may take longer than there is time: our own deadline would make a timeout of it.
    """
    backoff, took, began = Backoff(FIRST_PAUSE, LONGEST_PAUSE), 0.0, monotonic()
    while True:
        asked = monotonic()
        if await ask():
            return
        took = max(took, monotonic() - asked)
        if monotonic() + backoff.pause + 2 * took >= until:
            raise _not_found(peer, trace, began)
        await asyncio.sleep(backoff.failed())


async def in_two_attempts(
    fetch: Callable[[], Awaitable[bool]],
    peer: object,
    trace: Trace,
    until: float,
    is_there: Callable[[], Awaitable[bool]] | None = None,
    *,
    arriving: asyncio.Future[ReceivedObject] | None = None,
) -> None:
    """Whether it came at once, or as soon as it is there, or shortly before the time is up; raises NetFailure.

    Never more than two attempts: each makes the peer send the object, and an archive that is asked again and again for
    what it cannot give has more to do than to keep images. One that sends to our listener (`arriving`) may do so after
    it has answered, so that the second attempt waits for that first.
    """
    began = monotonic()
    if await fetch():
        return
    last = until - (until - monotonic()) * LAST_ATTEMPT
    there = again = False
    with suppress(NetFailure):  # the peer may not be asked: then nobody knows until the second attempt
        if is_there is not None:
            there = await is_there()
            again = there and arriving is None
            if not there:
                await poll_until_found(is_there, peer, trace, last)
                there = again = True
    if not again:
        await _pause(max(last - monotonic(), 0.0), arriving)
    if not await fetch():
        raise _not_found(peer, trace, began, there=there)


async def _pause(seconds: float, arriving: asyncio.Future[ReceivedObject] | None) -> None:
    """So many seconds, or until the object has arrived."""
    if arriving is None:
        await asyncio.sleep(seconds)
    else:
        await asyncio.wait([arriving], timeout=seconds)


async def _received(
    association: Association,
    uids: Uids,
    fetch: Callable[[], Awaitable[bool]],
    until: float,
    arriving: asyncio.Future[ReceivedObject] | None = None,
) -> None:
    peer, trace = association.peer, association.trace
    await in_two_attempts(fetch, peer, trace, until, lambda: _matches(association, uids), arriving=arriving)


def _not_found(peer: object, trace: Trace, began: float, *, there: bool = False) -> NetFailure:
    what = "finds it and does not return it" if there else "does not have it"
    detail = f"{peer} accepted the object, but {what} {duration(monotonic() - began)} later"
    return trace.failure(Reason.STORED_NOT_FOUND, detail)


def _keep(taken: list[ReceivedObject], got: ReceivedObject) -> int:
    taken.append(got)
    return 0x0000


def _compare(association: Association, made: Synthetic, taken: list[ReceivedObject]) -> None:
    """Whatever an archive may change of the rest (coercion), the pixels must be those that it was sent."""
    for got in taken:
        found = _difference(made, got)
        if found is not None:
            reason, what = found
            raise association.trace.failure(reason, f"{association.peer} returned {what}")


def _difference(made: Synthetic, got: ReceivedObject) -> tuple[Reason, str] | None:
    """What is wrong with an object that came back, if anything; nothing is decompressed here (PS3.5 A.4)."""
    if got.sop_instance != made.uids.instance:
        return Reason.CONTENT_MISMATCH, "a different object from the one requested: its SOP Instance UID differs"
    if got.transfer_syntax not in (*made.transfer_syntaxes, *_READABLE):
        return Reason.NOT_CONFIGURED, (
            f"the object in {name_of(got.transfer_syntax)}, which is not decompressed here, so its pixels"
            " cannot be compared: use verify: get, which requests them as they were sent, or verify: find"
        )
    try:
        same = hash_of(got.dataset, got.transfer_syntax) == made.content
    except Malformed:
        return Reason.CONTENT_MISMATCH, "the object as a data set that cannot be read"
    return None if same else (Reason.CONTENT_MISMATCH, "an object whose pixels differ from the one sent")


async def _reported(
    association: Association, transaction: str, asked: Sequence[tuple[str, str]], listener: DicomListener | None
) -> Commitment:
    """Whichever way the report comes first, also before the answer to the request; the last failure is reported."""
    elsewhere: asyncio.Future[Commitment] | None = None
    if listener is not None:
        elsewhere = asyncio.ensure_future(listener.expect_commitment(transaction))
    here = asyncio.ensure_future(_reported_here(association, transaction, asked, elsewhere))
    try:
        if elsewhere is not None:
            await asyncio.wait([here, elsewhere], return_when=asyncio.FIRST_COMPLETED)
            if elsewhere.done():
                return await elsewhere
        return await here
    finally:
        for way in filter(None, (here, elsewhere)):
            way.cancel()
            with suppress(asyncio.CancelledError, NetFailure):
                await way


async def _reported_here(
    association: Association,
    transaction: str,
    asked: Sequence[tuple[str, str]],
    elsewhere: asyncio.Future[Commitment] | None,
) -> Commitment:
    """Ask, and have the report on the same association, or what came `elsewhere` once this one is over."""
    early = await request_commitment(association, transaction, asked)
    if early is not None:
        return early
    try:
        return await report(association, transaction)
    except NetFailure:
        if elsewhere is None:
            raise
        return await elsewhere


def _check_commitment(association: Association, made: Synthetic, answer: Commitment) -> None:
    wanted = (made.sop_class, made.uids.instance)
    if wanted in answer.committed:
        return
    causes = [why for sop_class, instance, why in answer.failed if (sop_class, instance) == wanted]
    if not causes or causes[0] == NO_SUCH_INSTANCE:
        detail = f"{association.peer} does not commit to keeping the object: it has none with this UID"
        raise association.trace.failure(Reason.STORED_NOT_FOUND, detail)
    raise association.trace.failure(*reasons.of_status("storage commitment", causes[0]))
