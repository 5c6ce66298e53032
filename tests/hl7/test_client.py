"""Whatever a peer answers, the exchange ends in time, by an acknowledgement or a reason."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.hl7 import Code, Wanted, dial
from pacs_monitor.model import Address, Reason
from pacs_monitor.net import NetFailure, Resolver, Trace
from tests.peers.mllp import ack, framed, mllp
from tests.peers.scripted import Conversation
from tests.support.timing import SOON

REASONS = {
    Reason.NO_ACK,
    Reason.FRAMING,
    Reason.NAK_AE,
    Reason.NAK_AR,
    Reason.CONTROL_ID_MISMATCH,
    Reason.CLOSED,
}
parts = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([framed(ack(b"1", code)) for code in (b"AA", b"AE", b"CR", b"CA", b"ZZ")]),
    st.sampled_from([framed(ack(b"2")), b"\x0b", b"\x1c\r", framed(b"MSH|^~\\&|"), b"\r\n"]),
)


async def exchange(answer: bytes, closes: bool, thresholds: float = 0.1) -> Code | Reason:
    async def script(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(answer)
        if closes:
            conversation.close()

    async with mllp(script) as peer:
        trace, now = Trace(), time.monotonic()
        address = Address("127.0.0.1", peer.port)
        link = await dial(address, resolver=Resolver(), deadline=now + SOON, trace=trace, tls=None)
        until = time.monotonic() + thresholds
        try:
            return await link.exchange(b"MSH|^~\\&|||||||NMD^N02|1\r", Wanted({Code.AA}, "1"), until, trace)
        except NetFailure as failure:
            return failure.reason if str(address) in failure.detail else Reason.PROBE_ERROR
        finally:
            link.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(parts, max_size=4).map(b"".join), st.booleans())
def test_any_answer_is_an_acknowledgement_or_has_a_reason(answer: bytes, closes: bool) -> None:
    found = asyncio.run(exchange(answer, closes))
    assert found is Code.AA or found in REASONS
    if found is Code.AA:
        assert b"MSA|AA|1" in answer


def test_an_acknowledgement_counts_also_when_nonsense_follows() -> None:
    assert asyncio.run(exchange(framed(ack(b"1")) + b"\x0c\x0d", False, thresholds=SOON)) is Code.AA
