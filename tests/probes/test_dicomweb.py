"""QIDO-RS and WADO-RS of a real Orthanc with its DICOMweb plugin, on plain HTTP and behind TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from pacs_monitor.dicom.testobject import Identity, Synthetic, Uids, synthetic
from pacs_monitor.dicom.web import part10
from pacs_monitor.model import Address, Flag, Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicomweb import DicomwebSettings
from tests.peers.authority import NOW, Authority
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.peers.scripted import Conversation, hang, scripted
from tests.peers.stunnel import Stunnel
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import SOON

DICOM_WEB = kinds()["dicomweb"]
NODE = Node("archive", host="127.0.0.1")
MINE = {"PatientID": "ZZTEST"}


def settings_at(url: str, **settings: Any) -> DicomwebSettings:
    return DicomwebSettings(**{"url": url, "keys": MINE, **settings})


def stored_in(orthanc: Orthanc) -> Synthetic:
    """One test object, put there by Orthanc's own API."""
    made = synthetic(Identity("ZZTEST", "ZZTEST^PACSMONITOR"), Uids.fresh("test", "archive", "20260101"), NOW)
    sent = part10(made, made.transfer_syntaxes[0])
    requests.post(f"{orthanc.url}/instances", data=sent, timeout=SOON).raise_for_status()
    return made


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, Plugins=[DICOMWEB]) as orthanc:
        yield NODE, settings_at(f"{orthanc.url}/dicom-web")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield NODE, settings_at(f"http://127.0.0.1:{free_port()}")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield NODE, settings_at(f"http://127.0.0.1:{peer.port}")


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    authority = Authority(folder)
    shown = authority.certificate(days=5)
    with Orthanc(folder, Plugins=[DICOMWEB]) as orthanc, Stunnel(folder, orthanc.http_port, shown) as stunnel:
        yield NODE, settings_at(f"https://localhost:{stunnel.port}/dicom-web", tls={"ca": authority.ca})


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, Plugins=[DICOMWEB], AuthenticationEnabled=True, RegisteredUsers={"monitor": "pw"}) as orthanc:
        yield NODE, settings_at(f"{orthanc.url}/dicom-web")


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc"), Plugins=[DICOMWEB]) as running:
        yield running


@pytest.fixture(scope="module")
def thing(orthanc: Orthanc) -> Synthetic:
    return stored_in(orthanc)


def measured(outcome: Outcome) -> dict[str, float]:
    return {measurement.name: measurement.value for measurement in outcome.measurements}


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
async def test_a_search_counts_what_is_there(orthanc: Orthanc, thing: Synthetic, level: str) -> None:
    outcome = await ask(DICOM_WEB, NODE, settings_at(f"{orthanc.url}/dicom-web", level=level, at_least=1))
    assert (outcome.status, outcome.flags) == (Status.OK, ())
    assert measured(outcome)["dicomweb_matches"] == 1
    assert list(outcome.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.OPERATION]


async def test_fewer_than_at_least_are_too_few(orthanc: Orthanc, thing: Synthetic) -> None:
    settings = settings_at(f"{orthanc.url}/dicom-web", keys={"StudyDate": "1990-01-01"}, at_least=1)
    outcome = await ask(DICOM_WEB, NODE, settings)
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.TOO_FEW, Phase.OPERATION)


async def test_as_many_as_were_asked_for_are_capped(orthanc: Orthanc, thing: Synthetic) -> None:
    outcome = await ask(DICOM_WEB, NODE, settings_at(f"{orthanc.url}/dicom-web", limit=1))
    assert (outcome.status, outcome.flags) == (Status.OK, (Flag.CAPPED,))


async def test_metadata_of_an_instance_is_read(orthanc: Orthanc, thing: Synthetic) -> None:
    uids = thing.uids
    named = f"{uids.study}/{uids.series}/{uids.instance}"
    outcome = await ask(DICOM_WEB, NODE, settings_at(f"{orthanc.url}/dicom-web", metadata_of=named))
    assert outcome.status is Status.OK
    assert measured(outcome)["dicomweb_metadata_seconds"] > 0


async def test_metadata_of_an_instance_that_is_not_there_is_missing(orthanc: Orthanc) -> None:
    outcome = await ask(DICOM_WEB, NODE, settings_at(f"{orthanc.url}/dicom-web", metadata_of="1.2/3.4/5.6"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


async def test_a_path_that_is_no_dicomweb_is_http_status(orthanc: Orthanc) -> None:
    outcome = await ask(DICOM_WEB, NODE, settings_at(f"{orthanc.url}/nowhere"))
    assert (outcome.reason, outcome.detail) == (Reason.HTTP_STATUS, "QIDO-RS was answered with 404 Not Found")


async def test_accounts_are_let_in_and_others_are_ours_to_mend(tmp_path: Path) -> None:
    account: dict[str, Any] = {"AuthenticationEnabled": True, "RegisteredUsers": {"monitor": "pw"}}
    with Orthanc(tmp_path, Plugins=[DICOMWEB], **account) as orthanc:
        url = f"{orthanc.url}/dicom-web"
        right = await ask(DICOM_WEB, NODE, settings_at(url, username="monitor", password="pw"))
        wrong = await ask(DICOM_WEB, NODE, settings_at(url, username="monitor", password="pwd"))
        none = await ask(DICOM_WEB, NODE, settings_at(url))
    assert right.status is Status.OK
    assert {(outcome.status, outcome.reason) for outcome in (wrong, none)} == {(Status.UNKNOWN, Reason.AUTH)}


async def test_behind_tls_with_certificates_on_both_sides(tmp_path: Path, orthanc: Orthanc) -> None:
    authority = Authority(tmp_path)
    shown, ours = authority.certificate(days=60), authority.certificate("PACSMON", file="ours")
    stranger = Authority(tmp_path, "Another CA").certificate("PACSMON", file="stranger")
    with Stunnel(tmp_path, orthanc.http_port, shown, trusts=authority.ca) as stunnel:
        url = f"https://localhost:{stunnel.port}/dicom-web"

        async def with_certificate(**tls: str) -> Outcome:
            return await ask(DICOM_WEB, NODE, settings_at(url, tls={"ca": authority.ca, **tls}))

        good = await with_certificate(cert=ours.cert, key=ours.key)
        refused = await with_certificate(cert=stranger.cert, key=stranger.key)
        none = await with_certificate()
        untrusting = await ask(DICOM_WEB, NODE, settings_at(url))
    assert good.status is Status.OK
    assert list(good.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.OPERATION]
    assert {(outcome.status, outcome.reason) for outcome in (refused, none)} == {(Status.UNKNOWN, Reason.AUTH)}
    assert untrusting.reason is Reason.TLS_UNTRUSTED
    expiry = "tls_certificate_expiry_timestamp_seconds"
    assert measured(good)[expiry] == measured(untrusting)[expiry] == shown.expiry


async def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path, orthanc: Orthanc) -> None:
    authority = Authority(tmp_path)
    with Stunnel(tmp_path, orthanc.http_port, authority.certificate(days=5)) as stunnel:
        url = f"https://localhost:{stunnel.port}/dicom-web"
        outcome = await ask(DICOM_WEB, NODE, settings_at(url, tls={"ca": authority.ca}))
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.WARN, Reason.CERTIFICATE_EXPIRING, Phase.TLS)


@pytest.mark.parametrize(
    ("status", "reason"), [("400 Bad Request", Reason.QUERY_REFUSED), ("413 Too Large", Reason.QUERY_REFUSED)]
)
async def test_a_query_that_is_refused(status: str, reason: Reason) -> None:
    outcome = await answered(status, b"DOE^JOHN is not a query")
    assert outcome.reason is reason
    assert "DOE" not in outcome.detail


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]", b'{"00100010": "DOE^JOHN"}'])
async def test_an_answer_that_is_no_list_of_data_sets_is_bad_content(body: bytes) -> None:
    outcome = await answered("200 OK", body)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)
    assert "DOE" not in outcome.detail


@pytest.mark.parametrize(
    ("status", "body"), [("204 No Content", b""), ("200 OK", b""), ("200 OK", b"\r\n"), ("200 OK", b"[]")]
)
async def test_nothing_said_is_no_match(status: str, body: bytes) -> None:
    outcome = await answered(status, body)
    assert (outcome.status, measured(outcome)["dicomweb_matches"]) == (Status.OK, 0)
    few = await answered(status, body, at_least=1)
    assert (few.status, few.reason) == (Status.FAIL, Reason.TOO_FEW)


MORE = 'Warning: 299 pacs.example.org: "There are 40 additional results that can be requested"\r\n'
OLD = "Warning: 299 pacs: The number of results exceeded the maximum supported by the server.\r\n"
SEVERAL = 'Warning: 199 proxy "slow", 299 pacs "There are 4 additional results that can be requested"\r\n'
FUZZY = "Warning: 299 pacs: The fuzzymatching parameter is not supported. Only literal matching has been performed.\r\n"


@pytest.mark.parametrize(
    ("status", "more", "cut"),
    [
        *[("200 OK", MORE, True), ("200 OK", OLD, True), ("200 OK", SEVERAL, True), ("206 Partial Content", "", True)],
        *[("200 OK", FUZZY, False), ("200 OK", 'Warning: 199 proxy "299 items"\r\n', False), ("200 OK", "", False)],
    ],
)
async def test_a_list_that_was_cut_is_a_lower_bound_and_never_too_few(status: str, more: str, cut: bool) -> None:
    body = b'[{"0020000D": {"vr": "UI", "Value": ["1.2"]}}]'
    outcome = await answered(status, body, more)
    assert (outcome.status, outcome.flags) == (Status.OK, (Flag.CAPPED,) if cut else ())
    wanted = await answered(status, body, more, at_least=2)
    expected = (Status.UNKNOWN, Reason.NOT_MEASURED) if cut else (Status.FAIL, Reason.TOO_FEW)
    assert (wanted.status, wanted.reason) == expected


async def test_metadata_of_nothing_is_missing() -> None:
    async def answer(conversation: Conversation) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with scripted(answer) as peer:
        settings = settings_at(f"http://127.0.0.1:{peer.port}", metadata_of="1.2/3.4/5.6")
        outcome = await ask(DICOM_WEB, NODE, settings)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


async def answered(status: str, body: bytes, more: str = "", **settings: Any) -> Outcome:
    async def answer(conversation: Conversation) -> None:
        length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
        await conversation.say(f"HTTP/1.1 {status}\r\n{length}{more}Connection: close\r\n\r\n".encode() + body)

    async with scripted(answer) as peer:
        return await ask(DICOM_WEB, NODE, settings_at(f"http://127.0.0.1:{peer.port}", **settings))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"keys": {"PatientID": "*"}}, "add keys that narrow the search"),
        ({"at_least": 200}, "limit stops at 100"),
        ({"keys": {"Bogus": "1"}}, "is not a keyword of PS3.6"),
        ({"metadata_of": "1.2.3"}, "pattern"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_at("http://127.0.0.1:1", **settings)


def test_it_takes_the_seat_of_its_web_server() -> None:
    assert DICOM_WEB.addresses(NODE, settings_at("https://pacs.example.org/rs")) == (Address("pacs.example.org", 443),)
