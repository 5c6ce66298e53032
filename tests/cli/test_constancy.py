"""`constancy` over a real archive: what the log says was stored is there, and people explain its gaps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

LOG = 'constancy: {checks: archive/dicom_store, route: "CT 2 → archive → teleradiologist", by: Dr. Weber}\n'


class Site:
    """A daemon over an Orthanc that keeps what it is sent."""

    def __init__(self, config: Path, daemon: RunningDaemon, orthanc: Orthanc) -> None:
        self.config, self.daemon, self.orthanc = config, daemon, orthanc
        self.began = f"{datetime.now(UTC):%Y-%m-%d}"

    def log(self, *words: str) -> Any:
        said = invoke("constancy", f"{self.began}..today", "--format", "json", *words, config=self.config)
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    def held(self) -> dict[str, int]:
        """What Orthanc has: the size of each object."""
        found = requests.get(f"{self.orthanc.url}/instances?expand", timeout=10).json()
        return {one["MainDicomTags"]["SOPInstanceUID"]: one["FileSize"] for one in found}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, listen = tmp_path_factory.mktemp("constancy"), free_port()
    with Orthanc(folder, DicomModalities={"us": ["PACSMON", "127.0.0.1", 104]}) as orthanc:
        store = "enabled_by: change 4711, cleanup: retention, interval: 1h"
        nodes = (
            f"  archive: {{host: 127.0.0.1, dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}, "
            f"checks: {{dicom_store: {{{store}}}, other: {{probe: dicom_store, {store}}}}}}}\n"
        )
        config = write_estate(folder, listen, nodes, paging="off", defaults="timeout: 20s")
        config.write_text(config.read_text() + LOG)
        with RunningDaemon(config, listen) as daemon:
            yield Site(config, daemon, orthanc)


def test_the_log_has_what_the_archive_was_sent(site: Site) -> None:
    assert invoke("probe", "archive", config=site.config).returncode == 0
    wait_until(lambda: any(row["tests"] for row in site.log()["pages"][0]["days"]), "a test on record")
    rows = [row for page in site.log()["pages"] for row in page["days"] if row["tests"]]
    assert {(row["node"], row["check"]) for row in rows} == {("archive", "dicom_store")}, "the other is not named"
    held = site.held()
    for row in rows:
        assert (row["result"], row["verified"]) == ("passed", "find")
        assert row["object"] in held
        assert 0 < held[row["object"]] - row["bytes"] < 1000, "the file has a header more"
        assert 0 < row["seconds"] < 20
    over_http = requests.get(f"{site.daemon.url}/api/v1/constancy", {"period": "today", "format": "html"}, timeout=20)
    assert "CT 2 → archive → teleradiologist" in over_http.text


def test_a_gap_is_explained_and_audited(site: Site) -> None:
    said = invoke("constancy", "explain", site.began, "the archive was moved", "--by", "Ada", config=site.config)
    assert (said.returncode, said.stdout) == (0, f"constancy, {site.began}: explained by Ada\n"), said.stderr
    (row,) = [row for page in site.log()["pages"] for row in page["days"] if row["day"] == site.began]
    assert [(one["by"], one["why"]) for one in row["explanations"]] == [("Ada", "the archive was moved")]
    written = [one for one in site.daemon.get("/api/v1/audit") if one["action"].endswith("/constancy/explanations")]
    assert [(one["by"], one["why"], one["details"]) for one in written if one["status"] < 400] == [
        ("Ada", "the archive was moved", {"day": site.began})
    ]


def test_what_cannot_be_meant_is_misuse(site: Site) -> None:
    ahead = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    for words, told in (
        (("explain", ahead, "later"), f"day: {ahead} has not come yet; write today, or a day before"),
        (("explain", site.began, "why", "--log", "night"), "no constancy log is called 'night'; known: constancy"),
        (("explain", "monday", "why"), "day: "),
        (("explain", site.began, "DOE^JOHN was sent"), "leave the patient out"),
        (("2026-Q9",), "'2026-Q9' is not a period"),
        (("today", "--log", "night"), "no constancy log 'night' was in force"),
    ):
        said = invoke("constancy", *words, config=site.config)
        assert said.returncode == 2, said.stderr
        assert told in said.stderr
    assert invoke("constancy", "2026-01", config=site.config).returncode == 1


def test_the_formats(site: Site, tmp_path: Path) -> None:
    for form, begins in (("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF-"), ("csv", b"PK"), ("json", b"{")):
        said = invoke("constancy", "today", "--format", form, "--output", tmp_path / form, config=site.config)
        assert said.returncode == 0, said.stderr
        assert (tmp_path / form).read_bytes().startswith(begins)
    said = invoke("constancy", "today", config=site.config)
    assert "CT 2 → archive → teleradiologist" in said.stdout
