from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pacs_monitor.model import Address, DicomEndpoint, Node, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_echo import DicomEchoSettings
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.scripted import Conversation, accept, answer_echo, hang, scripted
from tests.probes.support import Arranged, Peers, ask

ECHO = kinds()["dicom_echo"]
SETTINGS = DicomEchoSettings()


def node_at(port: int, called: str = "PEER", calling: str = "PACSMON") -> Node:
    return Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, called, calling))


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder) as orthanc:
        yield node_at(orthanc.dicom_port, orthanc.ae_title), SETTINGS


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), SETTINGS


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), SETTINGS


PEERS = Peers(working, refusing, hanging)


async def test_every_phase_of_an_answered_echo_is_timed() -> None:
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(peer.port), SETTINGS)
    assert (outcome.status, outcome.flags) == (Status.OK, ())
    assert list(outcome.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.ASSOCIATE, Phase.OPERATION, Phase.RELEASE]


async def test_the_terminal_learns_what_was_negotiated() -> None:
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(peer.port), SETTINGS)
    assert outcome.terminal == (
        ("transfer syntax", "1.2.840.10008.1.2"),
        ("maximum PDU length", "16382"),
        ("implementation class UID", "1.2.3.4"),
        ("implementation version name", "PEER_1"),
    )


async def test_the_check_overrides_what_the_node_says() -> None:
    settings_of = {"ae_title": "OTHER", "calling_ae_title": "US"}
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(free_port()), DicomEchoSettings(port=peer.port, **settings_of))
        request = peer.last.heard[0]
    assert outcome.status is Status.OK
    assert (request[10:26], request[26:42]) == (b"OTHER".ljust(16), b"US".ljust(16))


async def test_the_check_alone_suffices_without_a_dicom_block() -> None:
    async with scripted(answer_echo) as peer:
        settings = DicomEchoSettings(port=peer.port, ae_title="PEER", calling_ae_title="US")
        outcome = await ask(ECHO, Node("archive", host="127.0.0.1"), settings)
    assert outcome.status is Status.OK


@pytest.mark.parametrize("node", [Node("archive", host="127.0.0.1"), Node("archive", dicom=node_at(104).dicom)])
async def test_without_an_endpoint_it_is_not_configured(node: Node) -> None:
    outcome = await ask(ECHO, node, SETTINGS)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert ECHO.addresses(node, SETTINGS) == ()


async def test_an_answer_slower_than_slow_is_a_warning_that_names_the_longest_phase() -> None:
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(peer.port), DicomEchoSettings(slow="0"))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)
    assert outcome.phase in (Phase.CONNECT, Phase.ASSOCIATE, Phase.OPERATION, Phase.RESOLVE)


async def test_a_failure_is_not_made_slow() -> None:
    async def refuse_context(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept({1: (3, "1.2.840.10008.1.2")}))

    async with scripted(refuse_context) as peer:
        outcome = await ask(ECHO, node_at(peer.port), DicomEchoSettings(slow="0"))
    assert outcome.reason is Reason.SOP_CLASS_REJECTED


def test_it_takes_the_seat_of_the_address_that_it_calls() -> None:
    assert ECHO.uses_association
    assert ECHO.addresses(node_at(11112), SETTINGS) == (Address("127.0.0.1", 11112),)
    assert ECHO.addresses(node_at(11112), DicomEchoSettings(port=104)) == (Address("127.0.0.1", 104),)
