"""A peer that puts a patient's name wherever it can: nothing that we keep, serve, write or send repeats it."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from pydicom import Dataset
from pynetdicom import AE, evt

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.scp import serving
from tests.peers.telltale import telltale
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

NAME = "DOE^JOHN"
TRACES = ("doe^", "john")
CLASSES = (
    "1.2.840.10008.1.1",
    "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.3",
    "1.2.840.10008.5.1.4.31",
    "1.2.840.10008.5.1.4.1.1.7",
)
CHECKS = {
    "dicom_echo": "dicom_echo: {offers: [MPPS]}",
    "echo": "echo: {probe: dicom_echo}",
    "dicom_find": "dicom_find: {}",
    "dicom_worklist": "dicom_worklist: {}",
    "flow": "flow: {probe: study_flow, within: 1h}",
    "reconcile": "reconcile: {against: copy}",
    "dicom_retrieve": "dicom_retrieve: {studies: 1.2.3, interval: 1s, retry_interval: 500ms, enabled_by: the proof}",
    "dicom_store": "dicom_store: {cleanup: none, mode: accept_only, verify: none, interval: 6s, enabled_by: us}",
}
OVER_THE_WEB = {
    "searched": "dicomweb: {url: WEB/keeps, keys: {PatientID: ZZTEST}, metadata_of: 1/2/3}",
    "broken": "dicomweb: {url: WEB/broken}",
    "moved": "dicomweb: {url: WEB/moved}",
    "garbage": "dicomweb: {url: WEB/garbage}",
    "full": "dicomweb_store: {url: WEB/full, cleanup: retention, verify: none, interval: 6s, enabled_by: us}",
    "keeps": "dicomweb_store: {url: WEB/keeps, cleanup: retention, verify: frames, interval: 6s, enabled_by: us}",
}
"""By the node that has this check."""
REASONS_OVER_THE_WEB = {
    "searched": "bad_content",
    "broken": "http_status",
    "moved": "http_status",
    "garbage": "bad_content",
    "full": "out_of_resources",
    "keeps": "content_mismatch",
}
REFUSED = {"dicom_find", "flow", "reconcile", "dicom_retrieve", "dicom_store"}
"""Those that get a failure with an ErrorComment."""


def failing() -> Dataset:
    status = Dataset()
    status.Status, status.ErrorComment = 0xA700, f"no room for {NAME}"
    return status


def found(event: Any) -> Iterator[Any]:
    match = Dataset()
    match.PatientName, match.PatientID, match.StudyTime = NAME, NAME, "120000"
    yield 0xFF00, match
    if event.request.AffectedSOPClassUID != "1.2.840.10008.5.1.4.31":
        yield failing(), None


def fetched(_event: Any) -> Iterator[Any]:
    yield 1
    yield failing(), None


@contextmanager
def leaky(port: int, version: str) -> Iterator[None]:
    """A DICOM peer that tells the name in answers, comments and its version name."""
    ae = AE("LEAKY")
    ae.implementation_version_name = version
    ae.maximum_associations = 50
    for sop_class in CLASSES:
        ae.add_supported_context(sop_class)
    handlers = {evt.EVT_C_FIND: found, evt.EVT_C_GET: fetched, evt.EVT_C_STORE: lambda _event: failing()}
    with serving(ae, handlers, port):
        yield


class Babble(socketserver.BaseRequestHandler):
    """Answers with the name, in no protocol."""

    def handle(self) -> None:
        self.request.sendall(f"{NAME} was here\r\n".encode())
        with contextlib.suppress(OSError):
            while self.request.recv(1024):
                pass


@contextmanager
def babbling() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Babble) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def nodes(port: int, babbler: int, web: str) -> str:
    endpoint = f"host: 127.0.0.1, dicom: {{port: {port}, ae_title: LEAKY}}"
    return (
        f"  leaky: {{{endpoint}, checks: {{{', '.join(CHECKS.values())}}}}}\n"
        f"  copy: {{{endpoint}}}\n"
        f"  babbler: {{host: 127.0.0.1, dicom: {{port: {babbler}, ae_title: X}}, checks: {{dicom_echo: {{}}}}}}\n"
        + "".join(f"  {node}: {{{endpoint}, checks: {{{check}}}}}\n" for node, check in OVER_THE_WEB.items())
    ).replace("WEB", web)


def test_a_name_that_a_peer_tells_us_everywhere_is_found_nowhere(tmp_path: Path) -> None:
    port, listen = free_port(), free_port()
    with Receiver() as pager, babbling() as babbler, telltale(NAME) as web:
        config = write_estate(
            tmp_path, listen, nodes(port, babbler, web), pager=pager.url, secret=SECRET, defaults=IMPATIENT
        )
        with RunningDaemon(config, listen) as daemon:
            with leaky(port, f"{NAME}_1"):
                wait_until(lambda: set(reasons(daemon)) == {*CHECKS, *OVER_THE_WEB, "babbler"}, "every check has run")
                wait_until(lambda: len(daemon.get("/api/v1/incidents")) >= len(REFUSED), "incidents")
            with leaky(port, f"{NAME}_2"):
                wait_until(lambda: bool(daemon.get("/api/v1/changes")), "the new version is noticed")
                wait_until(lambda: refused(daemon) == REFUSED, "the failures that come with a comment")
                wait_until(lambda: reasons(daemon)["dicom_worklist"] is None, "the answer that is well")
                pager.wait_for(len(REFUSED))
                seen = reasons(daemon)
                told = {**served(daemon), "commands": commanded(config, daemon)}
            assert daemon.stop() == 0
        told["reports"] = said_by("report", "2020..2099", "--format", "json", config=config)
    told["pages"] = json.dumps([post.data for post in pager.posts])
    told["log"] = daemon.log.read_text()
    assert all(text for text in told.values())
    assert seen["dicom_worklist"] is None
    assert {node: seen[node] for node in OVER_THE_WEB} == REASONS_OVER_THE_WEB
    assert "the peer added a comment" in told["/api/v1/status"]
    assert {what for what, text in told.items() if any(trace in text.lower() for trace in TRACES)} == set()
    stored = {file.name: file.read_bytes().lower() for file in tmp_path.iterdir() if file.name.startswith("proof.db")}
    assert stored
    assert {name for name, text in stored.items() if any(trace.encode() in text for trace in TRACES)} == set()


IMPATIENT = "interval: 500ms, retry_interval: 500ms, timeout: 5s, failures: 1, recoveries: 1, page_after: 0s"


def reasons(daemon: RunningDaemon) -> dict[str, Any]:
    """The last reason of each check that has run: by its own name, or by its node's where that has but one."""
    checks = {
        (check["check"] if node["node"] == "leaky" else node["node"]): check["last"]
        for node in daemon.get("/api/v1/status")["nodes"]
        for check in node["checks"]
    }
    return {name: last["reason"] for name, last in checks.items() if last}


def refused(daemon: RunningDaemon) -> set[str]:
    return {check for check, reason in reasons(daemon).items() if check in CHECKS and reason == "out_of_resources"}


def served(daemon: RunningDaemon) -> dict[str, str]:
    """Everything that the daemon serves, by its path."""
    paths = ["/metrics", "/api/v1/status", "/api/v1/incidents", "/api/v1/notifications", "/api/v1/changes"]
    paths += ["/api/v1/nodes/leaky", "/probe?node=leaky", "/probe?node=babbler", "/api/v1/checks/babbler/dicom_echo"]
    paths += [f"/api/v1/checks/leaky/{check}" for check in CHECKS]
    paths += [path for node in OVER_THE_WEB for path in (f"/api/v1/nodes/{node}", f"/probe?node={node}")]
    paths += [f"/api/v1/incidents/{incident['id']}" for incident in daemon.get("/api/v1/incidents")]
    return {path: requests.get(daemon.url + path, timeout=60).text for path in paths}


def commanded(config: Path, daemon: RunningDaemon) -> str:
    """What the on-call's commands print while the daemon runs."""
    lines = [["status"], ["incidents"], ["probe", "leaky/dicom_find"], ["probe", "leaky", "--json"], ["show", "leaky"]]
    lines += [["probe", node] for node in ("broken", "garbage", "keeps")]
    return "\n".join(said_by(*line, config=config) for line in lines)


def said_by(*line: str, config: Path) -> str:
    done = invoke(*line, config=config)
    return done.stdout + done.stderr
