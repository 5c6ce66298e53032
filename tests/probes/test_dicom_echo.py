from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from pacs_monitor.model import (
    Address,
    DicomEndpoint,
    Measurement,
    Node,
    Outcome,
    Phase,
    Reason,
    Status,
)
from pacs_monitor.net import Resolver
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_echo import DicomEchoSettings
from tests.peers.authority import Authority
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import VERIFICATION, queried
from tests.peers.scripted import IMPLICIT, Conversation, Script, accept, answer_echo, hang, reject, scripted
from tests.peers.tls import context_of
from tests.probes.support import Arranged, Peers
from tests.support.clock import StoppedClock
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON

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


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder) as orthanc:
        members = [f"127.0.0.1:{port}" for port in (orthanc.dicom_port, free_port())]
        yield node_at(orthanc.dicom_port, orthanc.ae_title), DicomEchoSettings(members=members, need=1)


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port, "SCP"), SETTINGS


PEERS = Peers(working, refusing, hanging, warning, blind)


async def test_every_phase_of_an_answered_echo_is_timed() -> None:
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(peer.port), SETTINGS)
    assert (outcome.status, outcome.flags) == (Status.OK, ())
    assert list(outcome.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.ASSOCIATE, Phase.OPERATION, Phase.RELEASE]


async def test_the_terminal_learns_what_was_negotiated() -> None:
    async with scripted(answer_echo) as peer:
        outcome = await ask(ECHO, node_at(peer.port), SETTINGS)
    assert outcome.terminal == (
        ("Verification SOP Class", "accepted with Implicit VR Little Endian"),
        ("maximum PDU length", "16382"),
        ("implementation class UID", "1.2.3.4"),
        ("implementation version name", "PEER_1"),
    )


async def test_the_terminal_learns_it_of_a_run_that_fails_too() -> None:
    async with scripted(refuse_the_context) as peer:
        outcome = await ask(ECHO, node_at(peer.port), SETTINGS)
    assert outcome.reason is Reason.SOP_CLASS_REJECTED
    told = dict(outcome.terminal)
    proposed = "proposed with Implicit VR Little Endian, Explicit VR Little Endian"
    assert told["Verification SOP Class"] == f"refused (result 3: abstract syntax not supported), {proposed}"
    assert told["maximum PDU length"] == "16382"


async def refuse_the_context(conversation: Conversation) -> None:
    await conversation.hear()
    await conversation.say(accept({1: (3, IMPLICIT)}))
    await conversation.hear()


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


MPPS, CT, TOMO = "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.3"


async def test_services_that_a_real_archive_offers_are_negotiated_and_not_used(tmp_path: Path) -> None:
    with Orthanc(tmp_path) as orthanc:
        node = node_at(orthanc.dicom_port, orthanc.ae_title)
        offered = await ask(ECHO, node, DicomEchoSettings(offers=["CT", "Breast Tomosynthesis Image Storage", "find"]))
        refused = await ask(ECHO, node, DicomEchoSettings(offers=["CT", "MPPS", "print"]))
    assert (offered.status, offered.detail) == (Status.OK, "")
    accepted = dict(offered.terminal)["accepted with Explicit VR Little Endian"]
    assert {"CT Image Storage", "Breast Tomosynthesis Image Storage"} <= set(accepted.split(", "))
    assert (refused.status, refused.reason, refused.phase) == (
        Status.FAIL,
        Reason.SOP_CLASS_REJECTED,
        Phase.ASSOCIATE,
    )
    assert "answers C-ECHO but does not offer Modality Performed Procedure Step" in refused.detail
    assert "Basic Grayscale Print" in refused.detail
    assert "CT Image" not in refused.detail


def test_a_service_that_nobody_knows_is_a_mistake_in_the_configuration() -> None:
    assert DicomEchoSettings(offers=["mpps", "ct", MPPS]).offers == (MPPS, CT)
    with pytest.raises(ValueError, match="'MPSS' is not a SOP class"):
        DicomEchoSettings(offers="MPSS")


@asynccontextmanager
async def cluster(*scripts: Script) -> AsyncIterator[list[str]]:
    """A member per script, on addresses of their own; their HOST:PORT."""
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(scripted(script)) for script in scripts]
        yield [f"127.0.0.1:{peer.port}" for peer in peers]


async def echo_cluster(members: list[str], timeout: float = SOON, **settings: object) -> Outcome:
    return await ask(ECHO, node_at(104), DicomEchoSettings(members=members, **settings), timeout)


async def refuse_us(conversation: Conversation) -> None:
    await conversation.hear()
    await conversation.say(reject(1, 1, 3))


async def test_all_members_must_answer_unless_fewer_are_needed() -> None:
    async with cluster(answer_echo, answer_echo) as members:
        everybody = await echo_cluster(members)
        lame = [*members, f"127.0.0.1:{free_port()}"]
        too_few = await echo_cluster(lame)
        enough = await echo_cluster(lame, need=2)
    assert (everybody.status, everybody.measurements) == (Status.OK, (Measurement("echo_members_up", 2),))
    assert (too_few.status, too_few.reason) == (Status.FAIL, Reason.TCP_REFUSED)
    assert too_few.detail.startswith("2 of 3 members answer, at least 3 required: 127.0.0.1:")
    assert (enough.status, enough.reason) == (Status.WARN, Reason.TCP_REFUSED)
    assert enough.detail.startswith("2 of 3 members answer: 127.0.0.1:")


async def test_of_a_pair_exactly_one_must_be_up() -> None:
    down = f"127.0.0.1:{free_port()}"
    async with cluster(answer_echo, answer_echo) as (active, other):
        good = await echo_cluster([active, down], expect="exactly_one_up")
        both = await echo_cluster([active, other], expect="exactly_one_up")
    none = await echo_cluster([down], expect="exactly_one_up")
    assert (good.status, good.reason) == (Status.OK, None)
    assert (both.status, both.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert f"2 members answer, but exactly one should: {active}, {other}" == both.detail
    assert (none.status, none.reason) == (Status.FAIL, Reason.TCP_REFUSED)


async def test_a_member_that_does_not_know_us_is_not_counted_as_down() -> None:
    async with cluster(answer_echo, refuse_us) as members:
        outcome = await echo_cluster(members)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.CALLING_AET_UNKNOWN)


async def test_a_member_that_hangs_leaves_the_others_their_time() -> None:
    async with cluster(hang, answer_echo) as members:
        outcome = await echo_cluster(members, HANGS, need=1)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.ACSE_TIMEOUT)


class TwoAddresses(Resolver):
    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        return (("127.0.0.1", "127.0.0.2"), False) if host == "pacs" else await super().resolve(host)


async def test_every_address_of_a_name_is_asked_where_the_first_would_do_otherwise() -> None:
    async with scripted(answer_echo) as peer:
        node = Node("archive", host="pacs", dicom=DicomEndpoint(peer.port, "PEER", "PACSMON"))
        first = await ask(ECHO, node, SETTINGS, resolver=TwoAddresses())
        every = await ask(ECHO, node, DicomEchoSettings(every_address="on"), resolver=TwoAddresses())
    assert first.status is Status.OK
    assert (every.status, every.reason) == (Status.FAIL, Reason.TCP_REFUSED)
    assert f"127.0.0.2:{peer.port} refused the connection" in every.detail


def test_each_member_has_its_own_seat() -> None:
    settings = DicomEchoSettings(members=["10.0.0.1", "10.0.0.2:105", "[::1]", "10.0.0.1"])
    assert ECHO.addresses(node_at(104), settings) == (
        Address("10.0.0.1", 104),
        Address("10.0.0.2", 105),
        Address("::1", 104),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": ["a"], "every_address": True},
        {"need": 1},
        {"expect": "exactly_one_up"},
        {"members": ["a", "b"], "need": 3},
        {"members": ["a", "b"], "need": 1, "expect": "exactly_one_up"},
        {"members": ["a:b:c"]},
        {"members": ["a:99999"]},
    ],
)
def test_settings_of_clusters_that_do_not_go_together_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        DicomEchoSettings(**wrong)


async def test_a_change_of_the_peer_is_told_once_and_no_word_of_its_own() -> None:
    memory: dict[str, object] = {}
    clock = StoppedClock()

    async def changes(version: str, *, classes: tuple[str, ...] = (VERIFICATION, MPPS)) -> list[str]:
        with queried(version=version, classes=classes, port=port) as peer:
            node = node_at(peer.port, "SCP")
            outcome = await ask(ECHO, node, DicomEchoSettings(offers=["MPPS"]), memory=memory, clock=clock)
        clock.at += timedelta(hours=2)
        assert "DOE" not in repr((outcome.changes, memory, outcome.detail))
        return [change.what.partition(": ")[2] for change in outcome.changes]

    port = free_port()
    assert await changes("DOE^JOHN_1") == []
    assert await changes("DOE^JOHN_1") == []
    assert await changes("DOE^JOHN_2") == ["implementation version name"]
    lost = await changes("DOE^JOHN_2", classes=(VERIFICATION,))
    assert lost == ["Modality Performed Procedure Step SOP Class"]
    assert await changes("DOE^JOHN_2", classes=(VERIFICATION,)) == []


async def test_what_changes_all_the_time_is_told_once_an_hour() -> None:
    memory: dict[str, object] = {}
    clock, told = StoppedClock(), 0
    port = free_port()
    for run in range(6):
        with queried(version=f"V{run % 2}", port=port):
            outcome = await ask(ECHO, node_at(port, "SCP"), SETTINGS, memory=memory, clock=clock)
        told += len(outcome.changes)
    assert told == 1


@pytest.mark.parametrize(("days", "reason"), [(30, None), (5, Reason.CERTIFICATE_EXPIRING)])
async def test_a_certificate_that_ends_soon_is_a_warning_and_the_metric_dates_it(
    days: int, reason: Reason | None, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    shown = authority.certificate(days=days)
    async with scripted(answer_echo, tls=context_of(shown)) as peer:
        node = node_at(peer.port)
        outcome = await ask(ECHO, node, DicomEchoSettings(tls={"ca": authority.ca}))
    assert (outcome.reason, outcome.status) == (reason, Status.WARN if reason else Status.OK)
    (expiry,) = outcome.measurements
    assert (expiry.name, expiry.value) == ("tls_certificate_expiry_timestamp_seconds", shown.expiry)


async def test_another_certificate_is_a_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    memory: dict[str, object] = {}
    port, changes = 0, []
    old, new = authority.certificate(file="old"), authority.certificate(file="new")
    for shown in (old, old, new):
        async with scripted(answer_echo, tls=context_of(shown), port=port) as peer:
            port = peer.port
            outcome = await ask(ECHO, node_at(port), DicomEchoSettings(tls={"ca": authority.ca}), memory=memory)
        changes.append([change.what.partition(": ")[2] for change in outcome.changes])
    assert changes == [[], [], ["certificate"]]
