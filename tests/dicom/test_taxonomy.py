"""Every Reason of TCP, TLS and DICOM has a peer that provokes it; this table fails when one has none."""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import evt

from benchmarks.image import image as instance
from pacs_monitor.dicom import Association
from pacs_monitor.dicom.find import STUDY_ROOT_FIND, count_matches, find
from pacs_monitor.dicom.requests import EXPLICIT_VR_LITTLE_ENDIAN, contexts
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE, get, move
from pacs_monitor.dicom.store import store
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE
from pacs_monitor.model import Reason, Tls
from pacs_monitor.net import NetFailure
from tests.dicom.objects import EACH_STUDY, FETCHING, IMPLICIT, WHOLE_STUDY, associated, failure_at
from tests.dicom.support import failure_of, target
from tests.peers.authority import Authority
from tests.peers.dcmtk import Dcmqrscp, Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.scp import finds, matches, scp, stores
from tests.peers.scripted import (
    Conversation,
    Script,
    accept,
    full_accept_queue,
    hang,
    reject,
    scripted,
)
from tests.peers.tls import context_of
from tests.support.timing import HANGS, SOON

Provoke = Callable[[Path], Awaitable[NetFailure]]


async def store_it(association: Association, number: int = 1) -> None:
    uid, dataset = instance(number)
    await store(association, SECONDARY_CAPTURE, uid, dataset, IMPLICIT)


async def find_it(association: Association) -> None:
    await count_matches(find(association, STUDY_ROOT_FIND, EACH_STUDY))


async def move_it(association: Association) -> None:
    await move(association, STUDY_ROOT_MOVE, WHOLE_STUDY, "PACSMON")


# TCP


async def unresolvable(_folder: Path) -> NetFailure:
    return await failure_of(target(104, "no-such-host.invalid"))


async def nothing_listens(_folder: Path) -> NetFailure:
    return await failure_of(target(free_port()))


async def accept_queue_is_full(_folder: Path) -> NetFailure:
    with full_accept_queue() as port:
        return await failure_of(target(port), timeout=HANGS)


async def no_route(_folder: Path) -> NetFailure:
    return await failure_of(target(104, "255.255.255.255"))


async def reset_at_once(_folder: Path) -> NetFailure:
    """The reset is there before the loop, which is held up meanwhile, hears that the connection was made."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        thread = threading.Thread(target=reset)
        thread.start()
        attempt = asyncio.ensure_future(failure_of(target(server.getsockname()[1])))
        asyncio.get_running_loop().call_soon(thread.join, SOON)
        failure = await attempt
        thread.join()
        return failure


# TLS


async def tls_with(folder: Path, script: Script = hang, *, trusted: bool = True, **certificate: Any) -> NetFailure:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # the peer's handshake fails
    authority = Authority(folder)
    names = certificate.pop("names", ())
    context = context_of(authority.certificate(*names, **certificate))
    async with scripted(script, tls=context) as peer:
        trust = Tls(ca=authority.ca if trusted else None)
        return await failure_of(target(peer.port, "localhost")._replace(tls=trust))


async def silent_handshake(folder: Path) -> NetFailure:
    with Storescp(folder) as storescp:
        storescp.freeze()
        return await failure_of(target(storescp.port)._replace(tls=Tls()), timeout=HANGS)


async def plain_port(_folder: Path) -> NetFailure:
    async def speak(conversation: Conversation) -> None:
        await conversation.say(accept())

    async with scripted(speak) as peer:
        return await failure_of(target(peer.port)._replace(tls=Tls()))


async def our_certificate_is_wanted(folder: Path) -> NetFailure:
    authority = Authority(folder)
    shown = authority.certificate()
    with Storescp(folder, "+tls", shown.key, shown.cert, "+cf", authority.ca) as storescp:
        return await failure_of(target(storescp.port, "localhost")._replace(tls=Tls(ca=authority.ca)))


# associations


def answering(*answers: bytes) -> Provoke:
    """A byte script: each PDU is answered with the next of these."""

    async def script(conversation: Conversation) -> None:
        for answer in answers:
            await conversation.hear()
            await conversation.say(answer)

    async def provoke(_folder: Path) -> NetFailure:
        async with scripted(script) as peer:
            return await failure_of(target(peer.port))

    return provoke


async def leaves_in_mid_operation(_folder: Path) -> NetFailure:
    async def script(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept())
        await conversation.hear()
        conversation.close()

    async with scripted(script) as peer:
        return await failure_of(target(peer.port))


async def plain_to_a_tls_port(folder: Path) -> NetFailure:
    shown = Authority(folder).certificate()
    with Storescp(folder, "+tls", shown.key, shown.cert, "-ic") as storescp:
        return await failure_of(target(storescp.port))


async def frozen(folder: Path) -> NetFailure:
    with Orthanc(folder) as orthanc:
        orthanc.freeze()
        return await failure_of(target(orthanc.dicom_port, called="ORTHANC"), timeout=HANGS)


async def wrong_called_ae_title(folder: Path) -> NetFailure:
    with Orthanc(folder) as orthanc:
        return await failure_of(target(orthanc.dicom_port, called="WRONG"))


async def refuses(folder: Path) -> NetFailure:
    with Storescp(folder, "--refuse") as storescp:
        return await failure_of(target(storescp.port))


async def aborts(folder: Path) -> NetFailure:
    with Storescp(folder, "--abort-after") as storescp:
        return await failure_at(storescp.port, store_it)


async def sleeps(folder: Path) -> NetFailure:
    with Storescp(folder, "--sleep-during", "60") as storescp:
        return await failure_at(storescp.port, store_it, timeout=HANGS)


async def finds_nothing_by_trade(folder: Path) -> NetFailure:
    with Storescp(folder) as storescp:
        return await failure_at(storescp.port, find_it)


async def takes_implicit_only(folder: Path) -> NetFailure:
    async def ask(association: Association) -> None:
        await store(association, SECONDARY_CAPTURE, "1.2.3", b"", EXPLICIT_VR_LITTLE_ENDIAN)

    proposed = contexts([(SECONDARY_CAPTURE, [EXPLICIT_VR_LITTLE_ENDIAN])])
    with Storescp(folder, "+xi") as storescp:
        return await failure_at(storescp.port, ask, proposed=proposed)


# services


def storing(status: int) -> Provoke:
    async def provoke(_folder: Path) -> NetFailure:
        with scp(stores(status)) as port:
            return await failure_at(port, store_it)

    return provoke


async def moves_nowhere(_folder: Path) -> NetFailure:
    def nowhere(_event: Any) -> Any:
        yield None, None

    with scp({evt.EVT_C_MOVE: nowhere}) as port:
        return await failure_at(port, move_it)


async def we_take_one_of_two(folder: Path) -> NetFailure:
    """A real archive, which is told that the second object was not taken."""
    statuses = iter((0x0000, 0xA700))

    async def fetch(association: Association) -> None:
        await get(association, STUDY_ROOT_GET, WHOLE_STUDY, lambda _object: next(statuses))

    with Dcmqrscp(folder) as archive:
        async with associated(archive.port, "QR") as association:
            await store_it(association)
            await store_it(association, number=2)
        return await failure_at(archive.port, fetch, called="QR", proposed=FETCHING)


async def refuses_queries(_folder: Path) -> NetFailure:
    with scp(finds(*matches(2), (0xC001, None))) as port:
        return await failure_at(port, find_it)


PROVOKED: dict[Reason, Provoke] = {
    Reason.DNS: unresolvable,
    Reason.TCP_REFUSED: nothing_listens,
    Reason.TCP_TIMEOUT: accept_queue_is_full,
    Reason.TCP_UNREACHABLE: no_route,
    Reason.TCP_RESET: reset_at_once,
    Reason.TLS_EXPIRED: lambda folder: tls_with(folder, days=-1),
    Reason.TLS_HOSTNAME: lambda folder: tls_with(folder, names=("pacs.example.org",)),
    Reason.TLS_UNTRUSTED: lambda folder: tls_with(folder, trusted=False),
    Reason.TLS_TIMEOUT: silent_handshake,
    Reason.TLS_NOT_OFFERED: plain_port,
    Reason.AUTH: our_certificate_is_wanted,
    Reason.CLOSED_BEFORE_ACCEPT: plain_to_a_tls_port,
    Reason.CLOSED: leaves_in_mid_operation,
    Reason.ACSE_TIMEOUT: frozen,
    Reason.NOT_DICOM: answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    Reason.CALLED_AET_UNKNOWN: wrong_called_ae_title,
    Reason.CALLING_AET_UNKNOWN: answering(reject(1, 1, 3)),
    Reason.REJECTED: refuses,
    Reason.BUSY: answering(reject(2, 3, 2)),
    Reason.ABORTED_BY_PEER: aborts,
    Reason.SOP_CLASS_REJECTED: finds_nothing_by_trade,
    Reason.TRANSFER_SYNTAX_REJECTED: takes_implicit_only,
    Reason.DIMSE_TIMEOUT: sleeps,
    Reason.DIMSE_STATUS: storing(0x0110),
    Reason.OUT_OF_RESOURCES: storing(0xA700),
    Reason.DATASET_REFUSED: storing(0xC000),
    Reason.DUPLICATE: storing(0x0111),
    Reason.NOT_AUTHORISED: storing(0x0124),
    Reason.QUERY_REFUSED: refuses_queries,
    Reason.PARTIAL: we_take_one_of_two,
    Reason.MOVE_DESTINATION_UNKNOWN: moves_nowhere,
}
"""By what an association or a service on it meets."""

PROVOKED_BY_A_PROBE: dict[Reason, str] = {
    Reason.STORED_NOT_FOUND: "probes.test_dicom_store.test_success_for_an_object_that_is_not_kept_is_stored_not_found",
    Reason.CONTENT_MISMATCH: "probes.test_dicom_store.test_altered_pixels_are_a_content_mismatch",
    Reason.CLEANUP_FAILED: "probes.test_dicom_store.test_what_stays_is_a_warning_with_a_count",
    Reason.STORE_CAP: "probes.test_dicom_store.test_at_the_cap_nothing_is_sent_and_the_node_is_not_blamed",
    Reason.MISSING: "probes.test_reconcile.test_one_bad_day_is_not_enough",
    Reason.TOO_FEW: "probes.test_dicom_find.test_fewer_than_expected_are_too_few",
    Reason.SLOW: "probes.test_dicom_find.test_an_answer_slower_than_slow_is_a_warning",
    Reason.SILENT: "probes.test_study_flow.test_a_feed_that_has_never_spoken_is_silent_and_its_newest_is_remembered",
    Reason.CERTIFICATE_EXPIRING: "net.test_certificates.test_a_certificate_that_ends_soon_is_a_warning",
    Reason.ABSENT: "test_presence.test_who_should_be_on_and_is_not_is_degraded",
    Reason.NOT_CONFIGURED: "probes.test_dicom_retrieve.test_a_move_without_a_destination_is_not_configured",
}
"""By what a probe makes of answers, in the test of the probe."""

OF_OTHERS = {
    *(Reason.NO_ACK, Reason.FRAMING, Reason.NAK_AE, Reason.NAK_AR, Reason.CONTROL_ID_MISMATCH),
    *(Reason.OVER_LIMIT, Reason.STALE, Reason.EXPIRING, Reason.EXIT_STATUS, Reason.HTTP_STATUS, Reason.BAD_CONTENT),
    *(Reason.TIMEOUT, Reason.ISOLATED, Reason.PAUSED, Reason.AWAITED, Reason.NOT_MEASURED, Reason.PROBE_ERROR),
}
"""Of HL7, HTTP, systems and programs, and of the monitor itself: proved where they arise."""


def test_no_reason_is_without_a_peer() -> None:
    tables = (PROVOKED.keys(), PROVOKED_BY_A_PROBE.keys(), OF_OTHERS)
    assert set().union(*tables) == set(Reason)
    assert sum(map(len, tables)) == len(Reason)


@pytest.mark.parametrize("reason", PROVOKED)
async def test_its_peer_provokes(reason: Reason, tmp_path: Path) -> None:
    failure = await PROVOKED[reason](tmp_path)
    assert failure.reason is reason
    assert failure.detail


@pytest.mark.parametrize("reason", PROVOKED_BY_A_PROBE)
def test_its_probe_is_tested(reason: Reason) -> None:
    module, _, name = PROVOKED_BY_A_PROBE[reason].rpartition(".")
    assert f"Reason.{reason.name}" in inspect.getsource(getattr(import_module(f"tests.{module}"), name))
