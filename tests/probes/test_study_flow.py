from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from pacs_monitor.dicom.datasets import encode
from pacs_monitor.dicom.dimse import Element, write_command
from pacs_monitor.dicom.pdu import write_data
from pacs_monitor.model import Address, DicomEndpoint, Flag, Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.study_flow import StudyFlowSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queried import Answer, matches, queried
from tests.peers.queries import Dcmqrscp, image, store
from tests.peers.scripted import Conversation, abort, accept, hang, release_response, scripted
from tests.peers.web import web_server
from tests.probes.support import Arranged, Peers
from tests.support.clock import NOON, StoppedClock
from tests.support.probing import ask

FLOW = kinds()["study_flow"]
YESTERDAY = "20261123"


def node_at(port: int, called: str = "SCP") -> Node:
    return Node("archive", host="127.0.0.1", dicom=DicomEndpoint(port, called, "PACSMON"))


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        now = datetime.now(UTC)
        store([image(now.strftime("%Y%m%d"), time="000000")], folder, archive.port, archive.ae_title)
        yield node_at(archive.port, archive.ae_title), StudyFlowSettings(within="25h")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_at(free_port()), StudyFlowSettings(within="2h")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_at(peer.port), StudyFlowSettings(within="2h")


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Dcmqrscp(folder) as archive:
        store([image(datetime.now(UTC).strftime("%Y%m%d"), time="000000")], folder, archive.port, archive.ae_title)
        yield node_at(archive.port, archive.ae_title), StudyFlowSettings(within="25h", slow="0")


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with queried(knows=("CT1",)) as peer:
        yield node_at(peer.port), StudyFlowSettings(within="2h")


PEERS = Peers(working, refusing, hanging, warning, blind)


async def listen(port: int, called: str = "SCP", memory: Any = None, at: datetime = NOON, **settings: Any) -> Outcome:
    memory = {} if memory is None else memory
    node = node_at(port, called)
    return await ask(FLOW, node, StudyFlowSettings(**settings), memory=memory, clock=StoppedClock(at))


def measured(outcome: Outcome, name: str) -> dict[str, float]:
    return {one.labels[0][1]: one.value for one in outcome.measurements if one.name == name}


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    plugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
    with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]}, Plugins=[plugin]) as archive:
        made = [
            image("20261124", "CT", time="103000"),
            image("20261124", "CT", time="080000"),
            image("20261124", "MR", time="070000"),
            image(YESTERDAY, "US", time="230000"),
        ]
        store(made, tmp_path, archive.dicom_port, archive.ae_title)
        yield archive


async def test_each_modality_of_a_real_archive_has_its_own_newest_study(orthanc: Orthanc) -> None:
    outcome = await listen(orthanc.dicom_port, "ORTHANC", within="2h", modalities=["CT", "MR", "US", "XA"])
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.SILENT)
    assert "the newest study of MR began 5 h ago, more than 2 h" in outcome.detail
    assert "the newest study of US began 13 h ago" in outcome.detail
    assert "no study of XA for 7 days" in outcome.detail
    assert "of CT" not in outcome.detail
    assert measured(outcome, "studies_today") == {"CT": 2, "MR": 1, "US": 0, "XA": 0}
    newest = measured(outcome, "study_newest_timestamp_seconds")
    assert newest["CT"] == NOON.timestamp() - 90 * 60


async def test_a_station_is_listened_to_by_its_series(orthanc: Orthanc) -> None:
    fine = await listen(orthanc.dicom_port, "ORTHANC", within="2h", stations="CT1")
    silent = await listen(orthanc.dicom_port, "ORTHANC", within="2h", stations=["CT1", "MR1"])
    assert (fine.status, measured(fine, "studies_today")) == (Status.OK, {"CT1": 2})
    assert silent.reason is Reason.SILENT
    assert "of MR1" in silent.detail


async def test_senders_are_told_by_orthanc(orthanc: Orthanc, tmp_path: Path) -> None:
    node = Node("archive", host="127.0.0.1", systems={"orthanc": OrthancSettings(url=orthanc.url)})
    memory: dict[str, Any] = {}

    by_day = timezone(timedelta(hours=12 - datetime.now(UTC).hour))

    async def hear(after: timedelta = timedelta()) -> Outcome:
        clock = StoppedClock(datetime.now(UTC) + after)
        return await ask(FLOW, node, settings, memory=memory, clock=clock, zone=by_day)

    settings = StudyFlowSettings(within="2h", senders=["STORESCU", "CT1"])
    assert FLOW.addresses(node, settings) == (Address("127.0.0.1", orthanc.http_port),)
    fine = await hear()
    assert (fine.status, fine.detail) == (Status.OK, "")
    store([image("20261124", "CT")], tmp_path, orthanc.dicom_port, orthanc.ae_title)
    more = await hear()
    silent = await hear(timedelta(hours=3))
    assert measured(fine, "studies_today") == {"STORESCU": 4, "CT1": 0}
    assert measured(more, "studies_today") == {"STORESCU": 5, "CT1": 0}
    assert measured(more, "study_newest_timestamp_seconds").keys() == {"STORESCU"}
    assert silent.reason is Reason.SILENT
    assert "STORESCU: the newest series arrived 3 h ago, more than 2 h" in silent.detail
    assert "CT1: none has arrived since monitoring began 3 h ago" in silent.detail
    assert memory.keys() == {"change", "newest", "since", "day", "counts"}


async def test_senders_need_orthancs_own_api() -> None:
    node, settings = Node("archive", host="127.0.0.1"), StudyFlowSettings(within="2h", senders="CT1")
    outcome = await ask(FLOW, node, settings)
    assert (outcome.reason, FLOW.addresses(node, settings)) == (Reason.NOT_CONFIGURED, ())
    with pytest.raises(ValueError, match="senders cannot be combined with"):
        StudyFlowSettings(within="2h", senders="CT1", modalities="CT")


@pytest.mark.parametrize("answer", ["[]", "{}", '{"Last": "x"}', "nonsense", '{"Last": 1, "Changes": [{}]}'])
async def test_what_is_not_orthanc_tells_no_senders(answer: str) -> None:
    async with web_server(lambda _method, _path, _body: (200, "application/json", answer.encode())) as port:
        api = OrthancSettings(url=f"http://127.0.0.1:{port}")
        node = Node("archive", host="127.0.0.1", systems={"orthanc": api})
        outcome = await ask(FLOW, node, StudyFlowSettings(within="2h", senders="CT1"))
    assert outcome.reason is Reason.BAD_CONTENT


async def test_the_same_is_asked_by_qido(orthanc: Orthanc) -> None:
    feeds: dict[str, Any] = {
        "within": "2h",
        "modalities": ["CT", "MR"],
        "stations": "CT1",
        "qido": {"url": f"{orthanc.url}/dicom-web"},
    }
    outcome = await listen(104, "NOBODY", **feeds)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.SILENT)
    assert "the newest study of MR began 5 h ago, more than 2 h" in outcome.detail
    assert "of CT" not in outcome.detail
    assert measured(outcome, "studies_today") == {"CT": 2, "MR": 1, "CT1": 2}
    assert FLOW.addresses(node_at(104), StudyFlowSettings(**feeds)) == (Address("127.0.0.1", orthanc.http_port),)


async def test_without_feeds_any_study_will_do(orthanc: Orthanc) -> None:
    outcome = await listen(orthanc.dicom_port, "ORTHANC", within="2h")
    assert (outcome.status, measured(outcome, "studies_today")) == (Status.OK, {"all": 3})


async def test_a_feed_that_has_never_spoken_is_silent_and_its_newest_is_remembered() -> None:
    memory: dict[str, Any] = {}
    with queried(matches(0)) as peer:
        never = await listen(peer.port, memory=memory, within="2h")
        asked_at_first = len(peer.asked)
    with queried(matches(1, StudyTime="1130")) as peer:
        fine = await listen(peer.port, memory=memory, within="2h")
    with queried(matches(0)) as peer:
        later = await listen(peer.port, memory=memory, within="2h", at=NOON + timedelta(hours=3))
        asked = len(peer.asked)
    assert (never.reason, asked_at_first) == (Reason.SILENT, 8)
    assert fine.status is Status.OK
    assert later.reason is Reason.SILENT
    assert "began 3 h 30 min ago" in later.detail
    assert asked == 1


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("11", 60), ("1130", 30), ("113000.123", 30), ("11:30:00", 30), ("nonsense", 720), ("2330", 0)],
)
async def test_times_are_read_as_archives_write_them(written: str, minutes: int) -> None:
    def answer(_identifier: Dataset) -> Iterator[Answer]:
        for status, dataset in matches(1)(_identifier):
            assert dataset is not None
            dataset.add_new("StudyTime", "LO", written)
            yield status, dataset

    with queried(answer) as peer:
        outcome = await listen(peer.port, within="48h")
    assert measured(outcome, "study_newest_timestamp_seconds")["all"] == NOON.timestamp() - minutes * 60


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        ("24x7", Status.FAIL),
        ("Tue 06:00-20:00", Status.FAIL),  # six hours of silence in them
        ("Tue 11:00-20:00", Status.OK),  # one hour of it
        ("Tue 14:00-20:00", Status.OK),
        ("Tue 06:00-10:00", Status.FAIL),  # over, and still nothing has come
        ("Sat-Sun 00:00-24:00", Status.OK),
    ],
)
async def test_silence_counts_in_service_hours_alone(hours: str, status: Status) -> None:
    with queried(matches(1, StudyTime="0000")) as peer:
        outcome = await listen(peer.port, within="2h", hours=hours)
    assert outcome.status is status


async def test_a_feed_that_never_spoke_is_silent_only_where_hours_have_passed() -> None:
    with queried(matches(0)) as peer:
        assert (await listen(peer.port, within="2h", hours="Sat 08:00-12:00")).reason is Reason.SILENT
        assert (await listen(peer.port, within="5h", hours="Sat 08:00-12:00")).status is Status.OK


async def test_no_patient_is_asked_for() -> None:
    with queried(matches(1, StudyTime="1130", ModalitiesInStudy="CT")) as peer:
        await listen(peer.port, within="2h", modalities="CT")
    (asked,) = peer.asked
    assert {element.keyword for element in asked} == {
        "QueryRetrieveLevel",
        "StudyDate",
        "StudyTime",
        "StudyInstanceUID",
        "ModalitiesInStudy",
    }


def cut(number: int, only: str = "", **values: Any) -> Callable[[Dataset], Iterator[Answer]]:
    """So many answers and B001 (PS3.4 table C.4-1): of every day, or of one of them."""

    def answer(identifier: Dataset) -> Iterator[Answer]:
        if only in ("", identifier.StudyDate):
            yield from matches(number, **values)(identifier)
            yield 0xB001, None

    return answer


@pytest.mark.parametrize("number", [0, 3])
async def test_a_list_of_today_that_was_cut_is_not_silent(number: int) -> None:
    memory: dict[str, Any] = {}
    with queried(cut(number, StudyTime="0100")) as peer:
        outcome = await listen(peer.port, memory=memory, within="2h")
    assert (outcome.status, outcome.reason, outcome.flags) == (Status.OK, None, (Flag.CAPPED,))
    assert memory["newest"] == ({"all": NOON.timestamp() - 11 * 3600} if number else {})


async def test_a_list_of_yesterday_that_was_cut_bounds_the_silence() -> None:
    with queried(cut(3, YESTERDAY, StudyTime="0100")) as peer:
        silent = await listen(peer.port, within="2h")
        may_be = await listen(peer.port, within="13h")
    assert silent.reason is Reason.SILENT
    assert "began at least 12 h ago" in silent.detail
    assert may_be.status is Status.OK


async def test_a_list_that_we_cut_is_not_silent_and_the_next_feed_is_asked_whatever_the_peer_does_then() -> None:
    """The first list is longer than `limit`, and the peer leaves at our C-CANCEL: the next feed is asked anew."""

    async def script(conversation: Conversation) -> None:
        asked = 0
        while heard := await conversation.hear():
            if heard[0] == 1:
                await conversation.say(accept())
            elif heard[0] == 5:
                await conversation.say(release_response())
            elif b"\x00\x01\x02\0\0\0\xff\x0f" in heard:
                await conversation.say(abort(2, 0))
            elif heard[11] == 2:
                asked += 1
                match = encode({"StudyTime": "0100", "ModalitiesInStudy": "CT"})
                pending = write_command(
                    0x8020, {Element.MESSAGE_ID_BEING_RESPONDED_TO: asked, Element.STATUS: 0xFF00}, has_data=True
                )
                for is_command, data in ((True, pending), (False, match)) * 3:
                    await conversation.say(b"".join(write_data(1, is_command, data, 0)))

    async with scripted(script) as peer:
        outcome = await listen(peer.port, within="2h", limit=2, modalities=["CT", "MR"])
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert len(peer.conversations) == 2
