"""The daemon's own DICOM listener at work: what Orthanc sends back by C-MOVE, and the storage commitment it reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.queries import SECONDARY_CAPTURE, image
from tests.support.estates import write_estate
from tests.support.timing import wait_until

REFUSED = 0x0124
"""Not authorised (PS3.7 C)."""


def test_orthanc_sends_the_object_back_and_commits_itself_and_nothing_else_is_taken(tmp_path: Path) -> None:
    listen, listener = free_port(), free_port()
    with Orthanc(tmp_path, DicomModalities={"us": ["PACSMON", "127.0.0.1", listener]}) as orthanc:
        config = write_estate(tmp_path, listen, nodes(orthanc), paging="off", defaults="timeout: 20s")
        text = config.read_text()
        settings = f"  dicom_listener: {{listen: '127.0.0.1:{listener}', ae_title: PACSMON}}\n"
        config.write_text(text.replace("monitor:\n", f"monitor:\n{settings}", 1))
        with RunningDaemon(config, listen) as daemon:
            moved, committed = (daemon.post(f"/api/v1/checks/archive/{check}/run") for check in ("moved", "committed"))
            assert stranger(listener) == REFUSED
            wait_until(lambda: requests.get(f"{orthanc.url}/instances", timeout=20).json() == [], "no object left")
            assert daemon.stop() == 0
    for result in (moved, committed):
        assert (result["status"], result["detail"]) == ("ok", "")
        measured: dict[str, Any] = {one["name"]: one["value"] for one in result["measurements"]}
        assert measured["store_available_seconds"] > 0
        assert measured["store_leftovers"] == 0


def nodes(orthanc: Orthanc) -> str:
    store = "probe: dicom_store, cleanup: orthanc, enabled_by: the proof, interval: 1h"
    return (
        "  archive:\n"
        "    host: 127.0.0.1\n"
        f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
        f"    orthanc: {{url: '{orthanc.url}'}}\n"
        "    checks:\n"
        f"      moved: {{{store}, verify: move}}\n"
        f"      committed: {{{store}, verify: commitment}}\n"
    )


def stranger(port: int) -> int:
    """What a C-STORE is answered of an object that is none of ours, from an address and AE title that are known."""
    ae = AE("ORTHANC")
    ae.add_requested_context(SECONDARY_CAPTURE, ImplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", port, ae_title="PACSMON")
    theirs = image("20260101", study=generate_uid())
    theirs.file_meta = FileMetaDataset()
    theirs.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    status = int(association.send_c_store(theirs).Status)
    association.release()
    return status
