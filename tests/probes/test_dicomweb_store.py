"""STOW-RS, QIDO-RS and WADO-RS round trips at a real Orthanc, and at services that lie, each in its own way."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from pacs_monitor.dicom.web import parts_of
from pacs_monitor.model import Burden, DicomEndpoint, Flag, Load, Node, Outcome, Phase, Reason, Status, Tidies
from pacs_monitor.probes import kinds
from pacs_monitor.probes.dicomweb_store import DicomwebStoreSettings
from pacs_monitor.systems.orthanc import OrthancSettings
from tests.peers.authority import Authority
from tests.peers.orthanc import DICOMWEB, Orthanc
from tests.peers.ports import free_port
from tests.peers.scripted import hang, scripted
from tests.peers.stunnel import Stunnel
from tests.peers.web import Reply, web_server
from tests.probes.support import Arranged, Peers
from tests.support.probing import BookLedger, Context, ask
from tests.support.timing import HANGS, SOON

STORE = kinds()["dicomweb_store"]
NOTHING_HERE = f"http://127.0.0.1:{free_port()}"


def node_of(api: str) -> Node:
    return Node("archive", host="127.0.0.1", systems={"orthanc": OrthancSettings(url=api)})


def settings_at(url: str, **settings: Any) -> DicomwebStoreSettings:
    return DicomwebStoreSettings(**{"url": url, "cleanup": "orthanc", **settings})


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, Plugins=[DICOMWEB]) as orthanc:
        yield node_of(orthanc.url), settings_at(f"{orthanc.url}/dicom-web")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield node_of(NOTHING_HERE), settings_at(NOTHING_HERE)


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield node_of(NOTHING_HERE), settings_at(f"http://127.0.0.1:{peer.port}")


@asynccontextmanager
async def warning(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, Plugins=[DICOMWEB]) as orthanc:
        yield node_of(NOTHING_HERE), settings_at(f"{orthanc.url}/dicom-web")


@asynccontextmanager
async def blind(folder: Path) -> AsyncIterator[Arranged]:
    with Orthanc(folder, Plugins=[DICOMWEB], AuthenticationEnabled=True, RegisteredUsers={"monitor": "pw"}) as orthanc:
        yield node_of(orthanc.url), settings_at(f"{orthanc.url}/dicom-web")


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with Orthanc(tmp_path_factory.mktemp("orthanc"), Plugins=[DICOMWEB]) as running:
        yield running


@pytest.fixture
def ledger() -> BookLedger:
    return BookLedger()


def measured(outcome: Outcome) -> dict[str, float]:
    return {measurement.name: measurement.value for measurement in outcome.measurements}


def held_by(orthanc: Orthanc) -> int:
    return len(requests.get(f"{orthanc.url}/instances", timeout=SOON).json())


@pytest.mark.parametrize("verify", ["none", "find", "metadata", "frames"])
async def test_an_object_is_stored_seen_and_cleared_away(orthanc: Orthanc, ledger: BookLedger, verify: str) -> None:
    settings = settings_at(f"{orthanc.url}/dicom-web", verify=verify)
    outcome = await ask(STORE, node_of(orthanc.url), settings, ledger=ledger)
    assert (outcome.status, outcome.detail, outcome.flags) == (Status.OK, "", ())
    values = measured(outcome)
    assert 30_000 < values["store_object_bytes"] < 40_000
    assert values["store_leftovers"] == 0
    assert ("store_available_seconds" in values) is (verify != "none")
    assert (held_by(orthanc), ledger.objects, len(ledger.recorded)) == (0, {}, 1)


async def test_the_same_behind_tls_with_certificates_on_both_sides(
    tmp_path: Path, orthanc: Orthanc, ledger: BookLedger
) -> None:
    authority = Authority(tmp_path)
    ours = authority.certificate("PACSMON", file="ours")
    with Stunnel(tmp_path, orthanc.http_port, authority.certificate(), trusts=authority.ca) as stunnel:
        tls = {"ca": authority.ca, "cert": ours.cert, "key": ours.key}
        settings = settings_at(f"https://localhost:{stunnel.port}/dicom-web", tls=tls)
        outcome = await ask(STORE, node_of(orthanc.url), settings, ledger=ledger)
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert "tls_certificate_expiry_timestamp_seconds" in measured(outcome)
    assert (held_by(orthanc), ledger.objects, len(ledger.recorded)) == (0, {}, 1)


async def test_an_archive_that_does_not_answer_gets_nothing_and_the_ledger_neither(ledger: BookLedger) -> None:
    outcome = await ask(STORE, node_of(NOTHING_HERE), settings_at(NOTHING_HERE), ledger=ledger)
    assert (outcome.reason, outcome.phase) == (Reason.TCP_REFUSED, Phase.CONNECT)
    assert ledger.recorded == []


@pytest.mark.parametrize("routed", [True, False])
async def test_where_routing_should_bring_it_is_looked_at_too(tmp_path: Path, ledger: BookLedger, routed: bool) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    script = tmp_path / "route.lua"
    script.write_text("function OnStoredInstance(id) SendToModality(id, 'vna') end" if routed else "")
    us = {"us": ["PACSMON", "127.0.0.1", 104]}
    with Orthanc(tmp_path / "b", ae_title="VNA", DicomModalities=us) as second:
        modalities = {"vna": ["VNA", "127.0.0.1", second.dicom_port]}
        script_of = [str(script)]
        with Orthanc(tmp_path / "a", DicomModalities=modalities, Plugins=[DICOMWEB], LuaScripts=script_of) as first:
            vna = Node(
                "vna",
                host="127.0.0.1",
                dicom=DicomEndpoint(second.dicom_port, "VNA", "PACSMON"),
                systems={"orthanc": OrthancSettings(url=second.url)},
            )
            settings = settings_at(f"{first.url}/dicom-web", verify_on="vna", copies_on="vna" if routed else [])
            outcome = await ask(
                STORE, node_of(first.url), settings, SOON if routed else 5, ledger=ledger, nodes={"vna": vna}
            )
            assert (held_by(first), held_by(second), ledger.objects) == (0, 0, {})
    if routed:
        assert (outcome.status, outcome.detail) == (Status.OK, "")
        on = {dict(one.labels).get("on") for one in outcome.measurements if one.name == "store_available_seconds"}
        assert on == {"archive", "vna"}
        assert "vna: maximum PDU length" in dict(outcome.terminal)
    else:
        assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)
        assert outcome.detail.startswith("it accepted the object, which has not arrived on vna: ")


async def test_a_node_that_cannot_be_looked_at_is_not_configured(orthanc: Orthanc, ledger: BookLedger) -> None:
    settings = settings_at(f"{orthanc.url}/dicom-web", verify_on="vna")
    outcome = await ask(STORE, node_of(orthanc.url), settings, ledger=ledger, nodes={"vna": Node("vna")})
    assert (outcome.reason, ledger.recorded) == (Reason.NOT_CONFIGURED, [])


async def test_over_the_cap_nothing_is_stored(orthanc: Orthanc, ledger: BookLedger) -> None:
    ledger.capped = True
    settings = settings_at(f"{orthanc.url}/dicom-web")
    outcome = await ask(STORE, node_of(orthanc.url), settings, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.STORE_CAP)
    assert held_by(orthanc) == 0


async def test_nothing_is_stored_that_could_not_be_cleared_away(orthanc: Orthanc, ledger: BookLedger) -> None:
    settings = settings_at(f"{orthanc.url}/dicom-web", cleanup="dcm4chee")
    outcome = await ask(STORE, node_of(orthanc.url), settings, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert (held_by(orthanc), ledger.recorded) == (0, [])


async def test_what_cannot_be_cleared_away_is_told_with_a_count(orthanc: Orthanc, ledger: BookLedger) -> None:
    settings = settings_at(f"{orthanc.url}/dicom-web")
    outcome = await ask(STORE, node_of(NOTHING_HERE), settings, ledger=ledger)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.CLEANUP_FAILED)
    assert (measured(outcome)["store_leftovers"], held_by(orthanc), len(ledger.objects)) == (1, 1, 1)
    assert isinstance(STORE, Tidies)
    await STORE.tidy(node_of(orthanc.url), settings, Context(time.monotonic() + SOON, ledger=ledger))
    assert (held_by(orthanc), ledger.objects) == (0, {})


class Liar:
    """A DICOMweb service that takes whatever comes; `said` replaces its answers."""

    def __init__(self, **said: Reply) -> None:
        self._said = said
        self.instance = ""

    def __call__(self, method: str, path: str, body: bytes) -> Reply:
        if method == "POST":
            uid = body.split(b"\x02\x00\x03\x00UI", 1)[1]
            self.instance = uid[2 : 2 + int.from_bytes(uid[:2], "little")].rstrip(b"\0").decode()
            return self._said.get("store", stored(self.instance))
        for what in ("metadata", "frames"):
            if f"/{what}" in path:
                return self._said.get(what, (200, "application/dicom+json", datasets(self.instance)))
        return self._said.get("find", (200, "application/dicom+json", datasets(self.instance)))


def datasets(instance: str) -> bytes:
    return json.dumps([{"00080018": {"vr": "UI", "Value": [instance]}, "00100010": {"vr": "PN"}}]).encode()


def told(tag: str, **values: Any) -> bytes:
    item = {key.removeprefix("t"): {"Value": [value]} for key, value in values.items()}
    return json.dumps({tag: {"vr": "SQ", "Value": [item]}}).encode()


def stored(instance: str, warning: int = 0) -> Reply:
    return 200, "application/dicom+json", told("00081199", t00081155=instance, t00081196=warning)


def refused(code: int, status: int = 409) -> Reply:
    return status, "application/dicom+json", told("00081198", t00081197=code)


async def run_against(liar: Liar, timeout: float = SOON, **settings: Any) -> Outcome:
    async with web_server(liar) as port:
        url = f"http://127.0.0.1:{port}"
        return await ask(STORE, node_of(NOTHING_HERE), settings_at(url, **settings), timeout)


@pytest.mark.parametrize(
    ("reply", "reason", "says"),
    [
        (refused(0xA700), Reason.OUT_OF_RESOURCES, "STOW-RS answered 0xA700 (refused: out of resources)"),
        (refused(0xA900), Reason.DATASET_REFUSED, "STOW-RS answered 0xA900 (data set does not match SOP class)"),
        (refused(0xC000), Reason.DATASET_REFUSED, "STOW-RS answered 0xC000 (cannot understand)"),
        (refused(0x0122), Reason.SOP_CLASS_REJECTED, "STOW-RS answered 0x0122"),
        (refused(0x0124), Reason.NOT_AUTHORISED, "STOW-RS answered 0x0124"),
        (refused(0x0111), Reason.DUPLICATE, "STOW-RS answered 0x0111"),
        (refused(0x0110), Reason.DIMSE_STATUS, "STOW-RS answered 0x0110"),
        (refused(0xA700, 202), Reason.OUT_OF_RESOURCES, "STOW-RS answered 0xA700"),
        ((409, "text/plain", b"DOE^JOHN"), Reason.DATASET_REFUSED, "STOW-RS was answered with 409"),
        ((200, "application/dicom+json", b"{}"), Reason.BAD_CONTENT, "does not confirm that the object was stored"),
        ((200, "application/dicom+json", b"[]"), Reason.BAD_CONTENT, "is not a data set"),
        ((200, "application/dicom+xml", b"<DOE/>"), Reason.BAD_CONTENT, "not JSON"),
        ((507, "text/plain", b""), Reason.OUT_OF_RESOURCES, "507 Insufficient Storage"),
        ((401, "text/plain", b""), Reason.AUTH, "401 Unauthorized"),
        ((403, "text/plain", b""), Reason.NOT_AUTHORISED, "403 Forbidden"),
        ((500, "text/plain", b"DOE"), Reason.HTTP_STATUS, "500 Internal Server Error"),
    ],
)
async def test_a_refused_store_has_its_reason(reply: Reply, reason: Reason, says: str) -> None:
    outcome = await run_against(Liar(store=reply))
    assert outcome.reason is reason
    assert says in outcome.detail
    assert "DOE" not in outcome.detail


EMPTY: Reply = (200, "application/dicom+json", b"")
NO_LIST: Reply = (200, "application/dicom+json", b"[]")
GONE: Reply = (410, "text/plain", b"")
UNKNOWN: Reply = (404, "text/html", b"<h1>study 1.2 does not exist</h1>")
NO_CONTENT: Reply = (204, "", b"")
NO_PART: Reply = (200, "multipart/related; boundary=x", b"--x--\r\n")


class Indexing(Liar):
    """Nothing is there before the first store, and nothing yet when it is first asked for afterwards."""

    def __init__(self, nothing: Reply, status: int) -> None:
        super().__init__()
        self._nothing, self._status = nothing, status
        self._asked: set[str] = set()

    def __call__(self, method: str, path: str, body: bytes) -> Reply:
        given = super().__call__(method, path, body)
        if method == "POST":
            return self._status, *given[1:]
        what = path.partition("?")[0].rpartition("/")[2]
        if not self.instance or what not in self._asked:
            self._asked.update([what] if self.instance else [])
            return self._nothing
        return given


@pytest.mark.parametrize("nothing", [EMPTY, NO_LIST, GONE, UNKNOWN, NO_CONTENT], ids=["", "[]", "410", "404", "204"])
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_nothing_there_before_the_store_and_while_it_is_indexed_is_no_failure(
    nothing: Reply, status: int
) -> None:
    outcome = await run_against(Indexing(nothing, status), verify="metadata")
    assert outcome.reason is Reason.CLEANUP_FAILED  # there is no Orthanc to clear away by: all before it went well


@pytest.mark.parametrize(
    ("what", "nothing"),
    [("find", UNKNOWN), ("metadata", NO_CONTENT), ("metadata", NO_LIST), ("frames", EMPTY), ("frames", NO_PART)],
    ids=["find-404", "metadata-204", "metadata-[]", "frames-empty", "frames-no-part"],
)
async def test_what_is_never_there_is_not_found(what: str, nothing: Reply) -> None:
    outcome = await run_against(Liar(**{what: nothing}), HANGS)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_store_of_which_nothing_is_said_is_bad_content(status: int) -> None:
    outcome = await run_against(Liar(store=(status, "application/dicom+json", b"")), verify="none")
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)
    assert f"STOW-RS was answered with {status}, but the answer does not confirm" in outcome.detail


async def test_an_address_that_is_no_dicomweb_at_all_is_told_by_the_store() -> None:
    outcome = await run_against(Liar(find=UNKNOWN, store=UNKNOWN))
    assert outcome.reason is Reason.HTTP_STATUS
    assert outcome.detail.startswith("STOW-RS was answered with 404 Not Found")


@pytest.mark.parametrize(
    ("warning", "flag"),
    [(0xB000, Flag.COERCED), (0xB006, Flag.ELEMENTS_DISCARDED), (0xB007, Flag.STORED_WITH_WARNING)],
)
async def test_stored_with_a_warning_is_a_flag(warning: int, flag: Flag) -> None:
    class WithWarning(Liar):
        def __call__(self, method: str, path: str, body: bytes) -> Reply:
            reply = super().__call__(method, path, body)
            return stored(self.instance, warning) if method == "POST" else reply

    outcome = await run_against(WithWarning(), verify="metadata")
    assert outcome.flags == (flag,)


async def test_a_service_that_says_stored_and_has_nothing_is_stored_not_found() -> None:
    outcome = await run_against(Liar(find=(204, "", b"")), HANGS)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)


@pytest.mark.parametrize("what", ["metadata", "frames"])
async def test_a_service_that_finds_and_does_not_give_is_stored_not_found(what: str) -> None:
    outcome = await run_against(Liar(**{what: (404, "text/plain", b"")}), HANGS)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.STORED_NOT_FOUND)


async def test_metadata_of_another_instance_is_bad_content() -> None:
    outcome = await run_against(Liar(metadata=(200, "application/dicom+json", datasets("1.2.3"))))
    assert outcome.reason is Reason.BAD_CONTENT


@pytest.mark.parametrize(
    ("content_type", "frame"),
    [
        ('multipart/related; boundary="x"', b"--x\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n--x--\r\n"),
        ('multipart/related; type="image/jp2"; boundary="x"', b"--x\r\n\r\nabc\r\n--x--\r\n"),
        ('multipart/related; boundary="x"', b"--x\r\n\r\n\xff\xd8\xff\xe0abc\r\n--x--\r\n"),
        ("image/jpeg", b"\xff\xd8\xff\xe0abc"),
        ("application/octet-stream", b"\xff\x4f\xff\x51abc"),
    ],
)
async def test_a_frame_that_comes_compressed_is_told_as_such(content_type: str, frame: bytes) -> None:
    outcome = await run_against(Liar(frames=(200, content_type, frame)))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)
    assert "compressed frame" in outcome.detail
    assert "differ" not in outcome.detail


async def test_altered_pixels_are_content_mismatch() -> None:
    frame = b"--x\r\nContent-Type: application/octet-stream\r\n\r\n\0\0\0\r\n--x--\r\n"
    outcome = await run_against(Liar(frames=(200, 'multipart/related; boundary="x"', frame)))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.CONTENT_MISMATCH)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--x\r\nA: b\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n", [b"one", b"two"]),
        (b"preamble\r\n--x\r\nA: b\r\n\r\n\r\n\r\n--x--", [b"\r\n"]),
        (b"--x\r\nA: b\r\n\r\nunfinished", [b"unfinished"]),
        (b"nothing", []),
    ],
)
def test_parts_of_a_multipart_answer(body: bytes, parts: list[bytes]) -> None:
    assert parts_of(body, 'multipart/related; type="application/octet-stream"; boundary=x') == parts


def test_an_answer_that_is_not_multipart_is_its_own_part() -> None:
    assert parts_of(b"frame", "application/octet-stream") == [b"frame"]


def test_it_says_how_much_it_writes() -> None:
    assert isinstance(STORE, Burden)
    assert STORE.load(settings_at(NOTHING_HERE)) == Load(1, 1, 2)


@pytest.mark.parametrize(
    "settings", [{"mode": "accept_only", "cleanup": "none"}, {"file": "own.dcm", "verify": "frames"}]
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="verify"):
        settings_at(NOTHING_HERE, **settings)
