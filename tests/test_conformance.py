"""docs/conformance.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs

import pytest

from pacs_monitor.dicom import acceptor, dimse, find, identity, pdu, reasons, requests, upperlayer, web
from pacs_monitor.dicom.commitment import STORAGE_COMMITMENT
from pacs_monitor.dicom.names import name_of
from pacs_monitor.dicom.query import contexts_for, identifier
from pacs_monitor.dicom.requests import Context
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from pacs_monitor.dicom.sop_classes import IMAGES
from pacs_monitor.dicom.testobject import SECONDARY_CAPTURE, Synthetic
from pacs_monitor.model import DicomEndpoint, Node, Reason
from pacs_monitor.probes import dicom_echo, dicom_find, dicom_retrieve, kinds
from pacs_monitor.stores.rejection import KEY_OBJECT_SELECTION
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.peers.queried import matches, queried
from tests.peers.web import Reply, web_server
from tests.probes.test_dicomweb_store import NOTHING_HERE, Liar
from tests.support.probing import ask

TEXT = (Path(__file__).parents[1] / "docs" / "conformance.md").read_text(encoding="utf-8")
SYNTAXES = {
    (requests.IMPLICIT_VR_LITTLE_ENDIAN,): "implicit",
    (requests.IMPLICIT_VR_LITTLE_ENDIAN, requests.EXPLICIT_VR_LITTLE_ENDIAN): "uncompressed",
}
SERVICES = ("C-ECHO", "C-STORE", "C-FIND", "C-GET", "C-MOVE", "N-ACTION")
TRANSFER_SYNTAXES: Any = Synthetic.__dataclass_fields__["transfer_syntaxes"].default


def table(*head: str) -> list[tuple[str, ...]]:
    """The rows of the table with this head."""
    _, _, rest = TEXT.partition("| " + " | ".join(head) + " |\n")
    assert rest, head
    lines = re.match(r"(?:\|.*\n)+", rest)
    assert lines
    return [tuple(cell.strip("` ") for cell in line.strip("|").split(" | ")) for line in lines[0].splitlines()[1:]]


def value(what: str) -> str:
    (found,) = re.findall(rf"^\| {re.escape(what)} \| (.+) \|$", TEXT, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("Application context name", requests.APPLICATION_CONTEXT),
        ("Implementation class UID", identity.IMPLEMENTATION_CLASS_UID),
        ("Implementation version name", identity.IMPLEMENTATION_VERSION_NAME),
        ("Maximum PDU length received", f"{identity.MAXIMUM_LENGTH} bytes"),
        ("Maximum PDU length sent", f"{pdu.SENT_AT_ONCE} bytes, or less if the peer's limit is lower"),
        ("Longest data set accepted, except for C-GET", f"{dimse.DATA_LIMIT} bytes"),
        ("Wait for A-RELEASE-RP", f"{upperlayer.RELEASE_WITHIN:g} s"),
        ("Wait for the end of answers after C-CANCEL", f"{find.CANCEL_WITHIN:g} s"),
        ("Associations at once", str(acceptor.AT_ONCE)),
        ("Wait for A-ASSOCIATE-RQ", f"{acceptor.REQUEST_WITHIN:g} s"),
        ("Wait for the next message", f"{acceptor.IDLE:g} s"),
    ],
)
def test_numbers_and_names_are_those_of_the_code(what: str, said: str) -> None:
    assert value(what) == said


def rows(check: str, contexts: Iterable[Context]) -> set[tuple[str, ...]]:
    return {
        (
            check,
            name_of(context.abstract_syntax),
            context.abstract_syntax,
            SYNTAXES[tuple(sorted(context.transfer_syntaxes))],
            "SCP" if context.roles.scp else "SCU",
        )
        for context in contexts
    }


def test_the_contexts_are_those_that_the_checks_propose() -> None:
    retrieve = dicom_retrieve.DicomRetrieveSettings
    by_get = dicom_retrieve._contexts(retrieve(studies="1.2"))
    by_move = dicom_retrieve._contexts(retrieve(studies="1.2", method="move"))
    implicit = (requests.IMPLICIT_VR_LITTLE_ENDIAN,)
    image = tuple(sorted(TRANSFER_SYNTAXES))
    given_back = requests.contexts([(SECONDARY_CAPTURE, image)], scp=(SECONDARY_CAPTURE,))
    services = (find.STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE, STORAGE_COMMITMENT, KEY_OBJECT_SELECTION)
    store = requests.contexts([(SECONDARY_CAPTURE, image), *((uid, implicit) for uid in services)])
    expected = rows("dicom_echo", dicom_echo._contexts(()))
    for root in dicom_find.ROOTS.values():
        expected |= rows("dicom_find", contexts_for(root))
    expected |= rows("dicom_worklist", contexts_for(find.MODALITY_WORKLIST_FIND))
    expected |= rows("study_flow", contexts_for(find.STUDY_ROOT_FIND))
    expected |= rows("reconcile", contexts_for(find.STUDY_ROOT_FIND))
    expected |= rows("dicom_retrieve", by_get[:1]) | rows("dicom_retrieve", by_move)
    expected |= rows("dicom_store", store) | rows("dicom_store", given_back)
    assert set(table("check", "SOP class", "UID", "transfer syntaxes", "role")) == expected
    assert table("SOP class of a C-GET", "UID") == [(name_of(uid), uid) for uid in IMAGES]
    assert [context.abstract_syntax for context in by_get[1:]] == list(IMAGES)
    syntaxes = [(name_of(uid), uid) for uid in by_get[1].transfer_syntaxes]
    assert table("transfer syntax of a C-GET", "UID") == syntaxes


KEYS = {(check, level): keys.split(", ") for check, level, keys in table("check", "level", "keys")}
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("dicom_find", "STUDY", {}),
    ("dicom_worklist", "none", {}),
    ("study_flow", "STUDY", {"within": "48h", "modalities": "CT"}),
    ("study_flow", "SERIES", {"within": "48h", "stations": "CT1"}),
    ("reconcile", "STUDY", {"against": "copy", "modalities": "CT", "days": 1}),
]


@pytest.mark.parametrize(("kind", "level", "settings"), ASKED)
async def test_the_keys_are_those_that_a_peer_is_asked(kind: str, level: str, settings: dict[str, Any]) -> None:
    probe = kinds()[kind]
    with queried(matches(1, ModalitiesInStudy="CT", StudyTime="0000")) as peer:
        node = Node("archive", host="127.0.0.1", dicom=DicomEndpoint(peer.port, "SCP", "PACSMON"))
        await ask(probe, node, probe.settings(**settings), 10, nodes={"copy": node})
    keywords = [element.keyword for element in peer.asked[0]]
    for item in peer.asked[0].get("ScheduledProcedureStepSequence", ()):
        keywords += [element.keyword for element in item]
    assert sorted(keywords) == sorted(KEYS[kind, level])


@pytest.mark.parametrize("level", ["series", "image"])
def test_below_the_study_only_the_unique_key_is_asked_for(level: str) -> None:
    assert sorted(identifier(level, {}, None)) == KEYS["dicom_find", level.upper()]  # type: ignore[arg-type]


def test_every_level_of_every_check_that_asks_has_its_row() -> None:
    others = {("dicom_find", "SERIES"), ("dicom_find", "IMAGE"), ("dicom_store", "IMAGE")}
    others |= {("dicom_retrieve", level) for level in ("STUDY", "SERIES", "IMAGE")}
    assert KEYS.keys() == {(kind, level) for kind, level, _ in ASKED} | others


def statuses(written: str) -> range:
    first, _, last = written.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def test_the_statuses_that_have_a_reason_of_their_own_are_those_of_the_table() -> None:
    told = {
        (service, status): reason
        for services, written, _, reason in table("service", "status", "meaning", "reason")
        for service in services.split(", ")
        for status in statuses(written)
    }
    read = {
        (service, status): reason.value
        for service in SERVICES
        for status in range(1, 0x10000)
        if (reason := reasons.of_status(service, status)[0]) is not Reason.DIMSE_STATUS
    }
    assert told == read


AN_INSTANCE = "1.2/1.2.3/1.2.3.4"
LEVELS = get_args(web.Level)
BY_WEB: list[tuple[str, dict[str, Any]]] = [
    *(("dicomweb", {"level": level, "metadata_of": AN_INSTANCE}) for level in LEVELS),
    ("study_flow", {"within": "2h", "modalities": "CT"}),
    ("study_flow", {"within": "2h", "stations": "CT1"}),
    ("dicomweb_store", {"cleanup": "orthanc", "verify": "frames"}),
]


def resource(check: str, method: str, path: str) -> tuple[str, ...]:
    """The row of a request."""
    path, _, query = path.partition("?")
    for level, name in zip(LEVELS, ("study", "series", "instance"), strict=True):
        path = re.sub(rf"(?<=/{level}/)[0-9.]+", f"*{name}*", path)
    service = "STOW-RS" if method == "POST" else "WADO-RS" if "*instance*" in path else "QIDO-RS"
    return check, service, method, path, ", ".join(sorted(parse_qs(query, keep_blank_values=True))) or "none"


async def test_the_requests_of_dicomweb_are_those_that_a_service_hears() -> None:
    heard: set[tuple[str, ...]] = set()
    node = Node("archive", host="127.0.0.1", systems={"orthanc": OrthancSettings(url=NOTHING_HERE)})
    for kind, settings in BY_WEB:
        service = Liar()
        service.instance = AN_INSTANCE.rpartition("/")[2]

        def answer(method: str, path: str, body: bytes, kind: str = kind, service: Liar = service) -> Reply:
            heard.add(resource(kind, method, path))
            return service(method, path, body)

        async with web_server(answer) as port:
            url = {"url": f"http://127.0.0.1:{port}"}
            await ask(kinds()[kind], node, kinds()[kind].settings(**settings, **at(kind, url)), 10)
    assert heard == set(table("check", "service", "method", "resource", "query parameters"))


def at(kind: str, url: dict[str, str]) -> dict[str, Any]:
    return {"qido": url} if kind == "study_flow" else url


def test_media_type_and_longest_answer_are_those_of_the_code() -> None:
    assert value("Media type of searches, metadata and the answer to a store") == web.JSON
    assert value("Longest answer taken") == f"{web.SIZE_LIMIT} bytes"
    assert TRANSFER_SYNTAXES[0] == requests.EXPLICIT_VR_LITTLE_ENDIAN
