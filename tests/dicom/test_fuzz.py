"""Whatever a peer sends, and however it is cut, a run ends with a named failure or well, and nothing else escapes."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.dicom import Association
from pacs_monitor.model import Reason
from pacs_monitor.net import NetFailure
from tests.dicom.support import echo_at, target
from tests.peers.scripted import Conversation, accept, echo_response, release_response, scripted
from tests.support.timing import SOON

PATIENCE = 0.05
"""Seconds for which a peer waits for what a client that heard damage may not say any more."""
GOOD = (accept(), echo_response(), release_response())

damage = st.tuples(st.integers(0, 400), st.integers(0, 2), st.binary(min_size=1, max_size=8))


def damaged(data: bytes, where: int, how: int, with_: bytes) -> bytes:
    """Overwrite, insert, or cut out."""
    at = where % len(data)
    if how == 0:
        return data[:at] + with_ + data[at + len(with_) :]
    if how == 1:
        return data[:at] + with_ + data[at:]
    return data[:at] + data[at + len(with_) :]


def run_against(answers: list[bytes], cut: int, thresholds: float = PATIENCE) -> Association | NetFailure:
    """A peer that sends these answers, each in pieces of `cut` bytes, and closes when the client waits for more."""
    escaped: list[dict[str, Any]] = []

    async def script(conversation: Conversation) -> None:
        for answer in answers:
            try:
                async with asyncio.timeout(thresholds):
                    await conversation.hear()
            except TimeoutError:
                break
            for start in range(0, len(answer), cut):
                await conversation.say(answer[start : start + cut])
                await asyncio.sleep(0)
        conversation.close()

    async def run() -> Association | NetFailure:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: escaped.append(context))
        async with scripted(script) as peer:
            try:
                return await echo_at(target(peer.port))
            except NetFailure as failure:
                return failure

    outcome = asyncio.run(run())
    assert escaped == []
    return outcome


@settings(max_examples=150, deadline=None)
@given(st.lists(damage, min_size=1, max_size=4), st.integers(0, 2), st.integers(1, 300))
def test_a_damaged_conversation_ends_with_a_named_failure_or_well(
    damages: list[tuple[int, int, bytes]], which: int, cut: int
) -> None:
    answers = list(GOOD)
    for where, how, with_ in damages:
        answers[which] = damaged(answers[which] or b"\0", where, how, with_)
    outcome = run_against(answers, cut)
    if isinstance(outcome, NetFailure):
        assert outcome.reason is not Reason.PROBE_ERROR
        assert outcome.detail


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=3))
def test_noise_is_never_an_answer(answers: list[bytes]) -> None:
    outcome = run_against(answers, 50)
    assert isinstance(outcome, NetFailure)
    assert outcome.detail


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40))
def test_a_good_conversation_goes_well_however_it_is_cut(cut: int) -> None:
    assert isinstance(run_against(list(GOOD), cut, thresholds=SOON), Association)
