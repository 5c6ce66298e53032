"""Stores against real Orthancs and against servers that lie, each in its own way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from pacs_monitor.dicom.acceptor import Listener
from pacs_monitor.model import (
    SECOND,
    Address,
    DicomEndpoint,
    Flag,
    Load,
    Node,
    Outcome,
    Phase,
    Reason,
    Status,
)
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicom_store import DicomStoreSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.peers.archive import archive
from tests.peers.counting import counting
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import queried
from tests.peers.scripted import Conversation, accept, hang, release_response, scripted
from tests.probes.support import Arranged, Peers
from tests.support.clock import SettableClock
from tests.support.probing import BookLedger, Context, ask
from tests.support.timing import HANGS, SOON, until

STORE = kinds()["dicom_store"]
US = {"us": ["PACSMON", "127.0.0.1", 104]}
"""Orthanc answers C-FIND, C-GET and C-MOVE only to AE titles that it knows."""


def settings_of(**settings: Any) -> DicomStoreSettings:
    return DicomStoreSettings(**{"cleanup": "orthanc", **settings})


def node_of(peer: Orthanc, name: str = "archive") -> Node:
    endpoint = DicomEndpoint(peer.dicom_port, peer.ae_title, "PACSMON")
    return Node(name, host="127.0.0.1", dicom=endpoint, systems={"orthanc": OrthancSettings(url=peer.url)})


def node_at(port: int, name: str = "archive") -> Node:
    """Its Orthanc is not there."""
    api = OrthancSettings(url=f"http://127.0.0.1:{free_port()}")
    return Node(name, host="127.0.0.1", dicom=DicomEndpoint(port, "PEER", "PACSMON"), systems={"orthanc": api})


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, DicomModalities=US) as orthanc:
        yield node_of(orthanc), settings_of()


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), settings_of()


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), settings_of()


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, DicomModalities=US) as orthanc:
        api = OrthancSettings(url=f"http://127.0.0.1:{free_port()}")
        yield replace(node_of(orthanc), systems={"orthanc": api}), settings_of()


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port), settings_of()


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc"), DicomModalities=US) as running:
        yield running


@pytest.fixture
def orthanc(running: Orthanc) -> Orthanc:
    """Empty."""
    for instance in requests.get(f"{running.url}/instances", timeout=SOON).json():
        requests.delete(f"{running.url}/instances/{instance}", timeout=SOON)
    return running


@pytest.fixture
def ledger() -> BookLedger:
    return BookLedger()


def measured(outcome: Outcome) -> dict[str, float]:
    """By name, and by the node where there is one."""
    return {" ".join((m.name, *(value for _, value in m.labels))): m.value for m in outcome.measurements}


def held_by(orthanc: Orthanc) -> int:
    return len(requests.get(f"{orthanc.url}/instances", timeout=SOON).json())


@pytest.mark.parametrize("verify", ["none", "find", "get"])
async def test_an_object_is_stored_seen_and_cleared_away(orthanc: Orthanc, ledger: BookLedger, verify: str) -> None:
    outcome = await ask(STORE, node_of(orthanc), settings_of(verify=verify), ledger=ledger)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    values = measured(outcome)
    assert values["store_object_bytes"] < 40_000
    assert values["store_leftovers"] == 0
    assert ("store_available_seconds archive" in values) is (verify != "none")
    assert (held_by(orthanc), ledger.objects, len(ledger.recorded)) == (0, {}, 1)
    told = [name for name, _ in outcome.terminal]
    assert told.count("Secondary Capture Image Storage") == 2  # a context per transfer syntax
    assert ("archive: maximum PDU length" in told) is (verify != "none")


async def test_an_archive_that_keeps_the_first_of_two_is_not_taken_at_its_word(
    orthanc: Orthanc, ledger: BookLedger
) -> None:
    settings = settings_of(cleanup="none", mode="accept_only", verify="none")
    for _ in range(2):  # OverwriteInstances is false: the second one is dropped, and answered with success
        assert (await ask(STORE, node_of(orthanc), settings, ledger=ledger)).status is Status.OK
    assert (held_by(orthanc), len(ledger.objects)) == (1, 1)
    for _ in range(2):
        assert (await ask(STORE, node_of(orthanc), settings_of(), ledger=ledger)).status is Status.OK
    assert len({thing.sop_instance for thing in ledger.recorded}) == 3


async def test_a_ledger_that_cannot_be_read_hides_no_failure_of_the_archive(
    orthanc: Orthanc, ledger: BookLedger
) -> None:
    ledger.unreadable = True
    down = await ask(STORE, node_at(free_port()), settings_of(), ledger=ledger)
    stored = await ask(STORE, node_of(orthanc), settings_of(), ledger=ledger)

    assert (down.status, down.reason) == (Status.FAIL, Reason.TCP_REFUSED)
    assert "nothing was cleaned up (database is locked)" in down.detail
    assert (stored.status, stored.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert len(ledger.objects) == 1


async def test_nothing_is_sent_in_a_transfer_syntax_that_was_not_proposed(ledger: BookLedger) -> None:
    big_endian = "1.2.840.10008.1.2.2"

    async def insists(conversation: Conversation) -> None:
        await conversation.hear()
        await conversation.say(accept({1: (0, big_endian), 3: (0, big_endian)}))
        await conversation.hear()
        await conversation.say(release_response())

    async with scripted(insists) as peer:
        outcome = await ask(STORE, node_at(peer.port), settings_of(), ledger=ledger)

    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.TRANSFER_SYNTAX_REJECTED)
    assert ([pdu[0] for pdu in peer.conversations[0].heard], ledger.recorded) == ([1, 5], [])


async def test_moved_to_our_listener_and_compared(tmp_path: Path, ledger: BookLedger) -> None:
    async def known(_source: str, calling: str) -> bool:
        return calling == "ORTHANC"

    async def ours(sop_instance: str) -> bool:
        return ("archive", sop_instance) in ledger.objects

    listener = Listener("PACSMON", known=known, ours=ours)
    await listener.start()
    try:
        with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", listener.port]}) as orthanc:
            for verify in ("move", "commitment"):
                settings = settings_of(verify=verify)
                outcome = await ask(STORE, node_of(orthanc), settings, ledger=ledger, dicom_listener=listener)
                assert (outcome.status, outcome.detail) == (Status.OK, "")
                assert measured(outcome)["store_available_seconds archive"] > 0
            assert (held_by(orthanc), ledger.objects) == (0, {})
    finally:
        await listener.stop()


async def test_a_move_that_the_archive_refuses_is_told_as_a_failure_to_look(
    orthanc: Orthanc, ledger: BookLedger
) -> None:
    async def nobody(*_: str) -> bool:
        return False

    stranger = Listener("NOTKNOWN", known=nobody, ours=nobody)  # Orthanc answers C000 instead of A801
    outcome = await ask(STORE, node_of(orthanc), settings_of(verify="move"), ledger=ledger, dicom_listener=stranger)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.QUERY_REFUSED)
    assert outcome.detail.startswith("it accepted the object; verifying failed: C-MOVE answered 0xC000")
    assert (held_by(orthanc), ledger.objects) == (0, {})


async def test_routing_brings_a_copy_that_is_found_and_cleared_away_too(tmp_path: Path, ledger: BookLedger) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    script = tmp_path / "route.lua"
    script.write_text("function OnStoredInstance(id) SendToModality(id, 'vna') end")
    with Orthanc(tmp_path / "b", ae_title="VNA", DicomModalities=US) as second:
        modalities = {**US, "vna": ["VNA", "127.0.0.1", second.dicom_port]}
        with Orthanc(tmp_path / "a", DicomModalities=modalities, LuaScripts=[str(script)]) as first:
            vna = node_of(second, "vna")
            settings = settings_of(verify_on="vna", copies_on="vna")
            outcome = await ask(STORE, node_of(first), settings, ledger=ledger, nodes={"vna": vna})
            assert (outcome.status, outcome.detail) == (Status.OK, "")
            assert measured(outcome)["store_available_seconds vna"] > 0
            assert [thing.node for thing in ledger.recorded] == ["archive", "vna"]
            assert (held_by(first), held_by(second), ledger.objects) == (0, 0, {})


async def test_a_copy_that_does_not_arrive_is_missing(
    orthanc: Orthanc, ledger: BookLedger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Orthanc(tmp_path_factory.mktemp("vna"), ae_title="VNA", DicomModalities=US) as second:
        nodes = {"vna": node_of(second, "vna")}
        outcome = await ask(STORE, node_of(orthanc), settings_of(verify_on="vna"), 5, ledger=ledger, nodes=nodes)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)
    assert outcome.detail.startswith("it accepted the object, which has not arrived on vna: ")


async def test_a_node_of_verify_on_that_is_down_is_a_warning_here(orthanc: Orthanc, ledger: BookLedger) -> None:
    nodes = {"vna": node_at(free_port(), "vna")}
    outcome = await ask(STORE, node_of(orthanc), settings_of(verify_on="vna"), ledger=ledger, nodes=nodes)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.STORED_NOT_FOUND)
    assert "could not be queried (tcp_refused) on vna" in outcome.detail


@pytest.mark.parametrize("verify", ["find", "get"])
async def test_success_for_an_object_that_is_not_kept_is_stored_not_found(verify: str, ledger: BookLedger) -> None:
    with archive(keeps=False) as liar:
        outcome = await ask(STORE, node_at(liar.port), settings_of(verify=verify), 3 * HANGS, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)
    assert "PEER at 127.0.0.1" in outcome.detail
    assert measured(outcome)["store_seconds"] > 0


@pytest.mark.parametrize("finds", [True, False], ids=["found", "not to be asked"])
@pytest.mark.parametrize("verify", ["get", "move"])
async def test_what_moves_an_object_is_asked_for_twice_at_most(verify: str, finds: bool, ledger: BookLedger) -> None:
    async def nobody(*_: str) -> bool:
        return False

    listener = Listener("PACSMON", known=nobody, ours=nobody)
    with archive(gives=False, finds=finds) as miser:
        settings = settings_of(verify=verify)
        outcome = await ask(STORE, node_at(miser.port), settings, 3 * HANGS, ledger=ledger, dicom_listener=listener)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)
    ((_, instance),) = ledger.objects
    assert miser.asked == {("C-STORE", instance): 1, (f"C-{verify.upper()}", instance): 2}


@pytest.mark.parametrize("finds", [True, False], ids=["found", "not to be asked"])
async def test_an_object_that_is_indexed_late_is_given_back_by_the_second_attempt(
    finds: bool, ledger: BookLedger
) -> None:
    with archive(indexed_once_asked=True, finds=finds) as late:
        outcome = await ask(STORE, node_at(late.port), settings_of(verify="get"), 2 * HANGS, ledger=ledger)
    assert outcome.reason is Reason.CLEANUP_FAILED
    assert sorted(late.asked.values()) == [1, 2]


async def test_altered_pixels_are_a_content_mismatch(ledger: BookLedger) -> None:
    with archive(alters=True) as liar:
        outcome = await ask(STORE, node_at(liar.port), settings_of(verify="get"), ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.CONTENT_MISMATCH)


async def test_an_object_that_is_indexed_late_is_waited_for(ledger: BookLedger) -> None:
    with archive(indexed_after=0.5) as late:
        outcome = await ask(STORE, node_at(late.port), settings_of(), ledger=ledger)
    assert measured(outcome)["store_available_seconds archive"] >= 0.4


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0xA700, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.DATASET_REFUSED),
        (0xC001, Reason.DATASET_REFUSED),
        (0x0110, Reason.DIMSE_STATUS),
        (0x0111, Reason.DUPLICATE),
        (0x0124, Reason.NOT_AUTHORISED),
    ],
)
async def test_a_refusal_has_its_reason_and_the_object_stays_in_the_ledger(
    status: int, reason: Reason, ledger: BookLedger
) -> None:
    with archive(status=status) as refusing:
        outcome = await ask(STORE, node_at(refusing.port), settings_of(), ledger=ledger)
    assert (outcome.reason, outcome.phase) == (reason, Phase.OPERATION)
    assert len(ledger.objects) == 1
    assert outcome.detail.startswith(f"C-STORE answered 0x{status:04X}")


async def test_what_is_stored_with_a_warning_is_stored(ledger: BookLedger) -> None:
    with archive(status=0xB000) as coercing:
        outcome = await ask(STORE, node_at(coercing.port), settings_of(), ledger=ledger)
    assert Flag.COERCED in outcome.flags
    assert outcome.reason is Reason.CLEANUP_FAILED


async def test_in_accept_only_a_duplicate_is_accepted(ledger: BookLedger) -> None:
    settings = settings_of(cleanup="none", mode="accept_only", verify="none")
    with archive(status=0x0111) as strict:
        outcome = await ask(STORE, node_at(strict.port), settings, ledger=ledger)
    assert outcome.status is Status.OK


async def test_the_object_is_in_the_ledger_before_the_archive_has_it(ledger: BookLedger) -> None:
    held: list[int] = []
    with archive(on_store=lambda: held.append(len(ledger.objects))) as peer:
        await ask(STORE, node_at(peer.port), settings_of(), ledger=ledger)
    assert held == [1]


async def test_at_the_cap_nothing_is_sent_and_the_node_is_not_blamed(ledger: BookLedger) -> None:
    ledger.capped = True
    with archive() as peer:
        outcome = await ask(STORE, node_at(peer.port), settings_of(), ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.STORE_CAP)
    assert peer.stored == {}


async def test_nothing_is_recorded_when_there_is_no_association(ledger: BookLedger) -> None:
    outcome = await ask(STORE, node_at(free_port()), settings_of(), ledger=ledger)
    assert (outcome.reason, ledger.recorded) == (Reason.TCP_REFUSED, [])


async def test_what_cannot_be_cleared_away_is_not_sent(ledger: BookLedger) -> None:
    with archive() as peer:
        node = replace(node_at(peer.port), systems={})
        outcome = await ask(STORE, node, settings_of(), ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "add orthanc: {url: …} to node archive" in outcome.detail
    assert (peer.stored, ledger.recorded) == ({}, [])


async def test_what_stays_is_a_warning_with_a_count(ledger: BookLedger) -> None:
    with archive() as peer:
        node = node_at(peer.port)
        await ask(STORE, node, settings_of(), ledger=ledger)
        outcome = await ask(STORE, node, settings_of(), ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.CLEANUP_FAILED)
    assert outcome.detail.startswith("2 test objects could not be cleaned up (archive: ")
    assert measured(outcome)["store_leftovers"] == 2


async def test_leftovers_are_tried_again_after_the_next_run(orthanc: Orthanc, ledger: BookLedger) -> None:
    node = node_of(orthanc)
    broken = replace(node, systems={"orthanc": OrthancSettings(url=f"http://127.0.0.1:{free_port()}")})
    await ask(STORE, broken, settings_of(), ledger=ledger)
    assert held_by(orthanc) == 1
    await STORE.tidy(node, settings_of(), Context(time.monotonic() + SOON, ledger=ledger))  # type: ignore[attr-defined] # not every probe tidies
    assert (held_by(orthanc), ledger.objects) == (0, {})


async def test_what_is_not_found_leaves_the_ledger_the_second_time_a_minute_later(
    orthanc: Orthanc, ledger: BookLedger
) -> None:
    with archive(status=0xA700) as full:
        await ask(STORE, node_at(full.port), settings_of(), ledger=ledger)
    for seconds, left in [(0, 1), (30, 1), (61, 0)]:
        context = Context(time.monotonic() + SOON, clock=SettableClock(seconds), ledger=ledger)
        await STORE.tidy(node_of(orthanc), settings_of(), context)  # type: ignore[attr-defined] # not every probe tidies
        assert len(ledger.objects) == left, seconds


@pytest.mark.parametrize("obeys", [True, False])
async def test_iocm_hides_the_object_by_a_note_where_the_archive_heeds_notes(obeys: bool, ledger: BookLedger) -> None:
    with archive(obeys_notes=obeys) as peer:
        outcome = await ask(STORE, node_at(peer.port), settings_of(cleanup="iocm"), ledger=ledger)
    notes = [thing for thing in ledger.recorded if thing.sop_class != "1.2.840.10008.5.1.4.1.1.7"]
    assert len(notes) == 1
    assert peer.stored[notes[0].sop_instance].PatientID == "ZZTEST-PACSMON"
    if obeys:
        assert (outcome.status, ledger.objects) == (Status.OK, {})
    else:
        assert (outcome.status, outcome.reason) == (Status.WARN, Reason.CLEANUP_FAILED)
        assert "still found after its rejection note" in outcome.detail


async def test_retention_is_looked_at_when_it_is_due(ledger: BookLedger) -> None:
    settings = settings_of(cleanup="retention", keep_days=3)
    with archive() as peer:
        node = node_at(peer.port)
        assert (await ask(STORE, node, settings, ledger=ledger)).status is Status.OK
        assert len(ledger.objects) == 1
        late = SettableClock(3 * 86_400)
        overdue = await ask(STORE, node, settings, ledger=ledger, clock=late)
        assert overdue.reason is Reason.CLEANUP_FAILED
        assert "1 test object could not be cleaned up (archive: it is still there after 3 days)" in overdue.detail
        (old,) = (
            uid
            for (_, uid), thing in ledger.objects.items()
            if thing.missed is None and thing.stored < late.now() - SECOND * 86_400
        )
        del peer.stored[old]
        purged = await ask(STORE, node, settings, ledger=ledger, clock=late)
        assert purged.status is Status.OK


def test_a_patient_without_the_marker_is_refused() -> None:
    with pytest.raises(ValidationError, match="contains the marker 'ZZTEST'"):
        settings_of(identity={"patient_id": "1", "patient_name": "Doe^Jane"})
    settings_of(identity={"patient_id": "1", "patient_name": "QA^PHANTOM", "marker": "PHANTOM"})


@pytest.mark.parametrize(
    "settings",
    [
        {"cleanup": "none"},
        {"mode": "accept_only"},
        {"mode": "accept_only", "cleanup": "none", "verify": "find"},
        {"mode": "accept_only", "cleanup": "none", "verify": "none", "copies_on": ["vna"]},
        {"identity": {"accession": "longer-than-16-characters"}},
        {"identity": {"patient_id": "ZZTEST\\1"}},
        {"identity": {"birth_date": "soon"}},
        {"identity": {"marker": "ZZ"}},
    ],
)
def test_settings_that_endanger_the_archive_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings_of(**settings)


async def test_a_file_without_the_marker_is_not_sent(ledger: BookLedger, tmp_path: Path) -> None:
    (tmp_path / "own.dcm").write_bytes(b"no DICOM")
    with archive() as peer:
        settings = settings_of(file=str(tmp_path / "own.dcm"))
        outcome = await ask(STORE, node_at(peer.port), settings, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert peer.stored == {}


def test_what_a_run_means_to_the_archive() -> None:
    assert STORE.load(settings_of()) == Load(1, 1, 2)  # type: ignore[attr-defined] # not every probe writes
    assert STORE.load(settings_of(copies_on=["vna", "dr"])) == Load(1, 3, 4)  # type: ignore[attr-defined] # as above
    fixed = settings_of(mode="accept_only", cleanup="none", verify="none")
    assert STORE.load(fixed) == Load(1, 0, 1)  # type: ignore[attr-defined] # as above


def test_it_needs_a_name_that_allows_it_and_takes_the_seat() -> None:
    assert STORE.writes
    assert STORE.addresses(node_at(104), settings_of()) == (Address("127.0.0.1", 104),)


async def test_one_association_at_a_time_and_each_is_released() -> None:
    with archive() as peer, counting(peer.port) as before:
        nodes = {"same": node_at(before.port, "same")}
        await ask(STORE, node_at(before.port), settings_of(verify="get", verify_on="same"), nodes=nodes)
        await until(lambda: before.open == 0)
    assert before.most_at_once == 1
    assert before.endings == {"released": 3}
