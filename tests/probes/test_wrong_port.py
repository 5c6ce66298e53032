"""One protocol spoken to the port of another: the first thing to say is that the port may be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.model import Node, Outcome, Reason
from pacs_monitor.probes import kinds
from tests.peers.authority import Authority
from tests.peers.dcmtk import Storescp
from tests.peers.scripted import Conversation, abort, scripted
from tests.peers.tls import context_of
from tests.support.probing import ask

HINT = "wrong port or protocol?"
HTTP, MLLP = kinds()["http"], kinds()["hl7_heartbeat"]


async def run(kind: str, port: int) -> Outcome:
    node = Node("engine", host="127.0.0.1")
    if kind == "http":
        return await ask(HTTP, node, HTTP.settings.model_validate({"url": f"http://127.0.0.1:{port}/"}))
    return await ask(MLLP, node, MLLP.settings.model_validate({"port": port}))


@pytest.mark.parametrize("kind", ["http", "mllp"])
async def test_to_a_dicom_port(kind: str, tmp_path: Path) -> None:
    with Storescp(tmp_path) as storescp:
        outcome = await run(kind, storescp.port)
    assert outcome.reason in (Reason.CLOSED, Reason.TCP_RESET, Reason.BAD_CONTENT, Reason.FRAMING)
    assert HINT in outcome.detail


@pytest.mark.parametrize("kind", ["http", "mllp"])
async def test_to_a_dicom_port_that_aborts(kind: str) -> None:
    async def aborts(conversation: Conversation) -> None:
        await conversation.say(abort(2, 1))
        conversation.close()

    async with scripted(aborts) as peer:
        outcome = await run(kind, peer.port)
    assert HINT in outcome.detail


@pytest.mark.parametrize("kind", ["http", "mllp"])
async def test_to_a_tls_port(kind: str, tmp_path: Path) -> None:
    async def never(_conversation: Conversation) -> None:
        raise AssertionError("no handshake is possible")

    context = context_of(Authority(tmp_path).certificate())
    async with scripted(never, tls=context) as peer:
        outcome = await run(kind, peer.port)
    assert HINT in outcome.detail
