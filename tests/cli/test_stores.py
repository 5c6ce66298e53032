"""What the command line says of checks that store: their load, one store watched, one run beside nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate

US = {"us": ["PACSMON", "127.0.0.1", 104]}


def estate(folder: Path, first: Orthanc, second: Orthanc, *, settings: str = "") -> str:
    nodes = (
        "  archive:\n"
        "    host: 127.0.0.1\n"
        f"    dicom: {{port: {first.dicom_port}, ae_title: {first.ae_title}}}\n"
        f"    orthanc: {{url: '{first.url}'}}\n"
        f"    checks: {{dicom_store: {{enabled_by: PACS team, cleanup: orthanc{settings}}}}}\n"
        "  vna:\n"
        "    host: 127.0.0.1\n"
        f"    dicom: {{port: {second.dicom_port}, ae_title: {second.ae_title}}}\n"
        f"    orthanc: {{url: '{second.url}'}}\n"
        "    checks: {dicom_echo: }\n"
        "  workstation:\n"
        "    host: 127.0.0.1\n"
        f"    dicom: {{port: {free_port()}, ae_title: WORK}}\n"
        "    checks: {dicom_echo: }\n"
    )
    return str(write_estate(folder, free_port(), nodes, defaults="failures: 2"))


@pytest.fixture(scope="module")
def orthancs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, Orthanc]]:
    """The first one copies to the second what it is sent."""
    folder = tmp_path_factory.mktemp("first")
    script = folder / "route.lua"
    script.write_text("function OnStoredInstance(id) SendToModality(id, 'vna') end")
    with Orthanc(tmp_path_factory.mktemp("second"), ae_title="VNA", DicomModalities=US) as second:
        modalities = {**US, "vna": ["VNA", "127.0.0.1", second.dicom_port]}
        with Orthanc(folder, DicomModalities=modalities, LuaScripts=[str(script)]) as first:
            yield first, second


def held_by(orthanc: Orthanc) -> int:
    return len(requests.get(f"{orthanc.url}/instances", timeout=20).json())


def test_check_config_says_what_a_store_means_a_day(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    said = invoke("check-config", estate(tmp_path, *orthancs, settings=", copies_on: [vna]")).stdout
    assert (
        "archive/dicom_store: 96 objects, 192 deletions and up to 288 notifications by archive a day, in 96 runs; "
        "up to 1,440 while it fails (allowed by: PACS team)"
    ) in said


def test_the_load_of_a_check_by_the_calendar_is_counted(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    said = invoke("check-config", estate(tmp_path, *orthancs, settings=", cron: '0 6-20/2 * * *'")).stdout
    assert (
        "archive/dicom_store: 8 objects, 8 deletions and up to 16 notifications by archive a day, in 8 runs (" in said
    )


def test_one_of_a_kind_is_told_as_one(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    said = invoke("check-config", estate(tmp_path, *orthancs, settings=", cron: '0 6 * * *'")).stdout
    assert "archive/dicom_store: 1 object, 1 deletion and up to 2 notifications by archive a day, in 1 run (" in said


@pytest.mark.parametrize(
    ("until", "told"),
    [("2026-01-31", ", which ended on 2026-01-31: the check does not run)"), ("2099-01-31", ", until 2099-01-31)")],
)
def test_the_end_of_an_approval_stands_beside_who_gave_it(
    tmp_path: Path, orthancs: tuple[Orthanc, Orthanc], until: str, told: str
) -> None:
    assert (
        f"(allowed by: PACS team{told}"
        in invoke("check-config", estate(tmp_path, *orthancs, settings=f", until: {until}")).stdout
    )


def test_a_check_that_sends_messages_is_counted_in_messages(tmp_path: Path) -> None:
    node = "  ris: {host: 127.0.0.1, hl7: {port: 2575}, checks: {hl7_heartbeat: {enabled_by: interface team}}}\n"
    said = invoke("check-config", str(write_estate(tmp_path, free_port(), node, defaults="failures: 2"))).stdout
    assert "ris/hl7_heartbeat: 288 messages to ris a day, in 288 runs; " in said


def test_no_interval_means_more_than_the_cap(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    said = invoke("check-config", estate(tmp_path, *orthancs, settings=", interval: 1s")).stdout
    assert "archive/dicom_store: 2,000 objects" in said


def test_a_store_from_here_leaves_nothing(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    config = estate(tmp_path, *orthancs, settings=", verify_on: [vna], copies_on: [vna]")
    answer = invoke("probe", "archive/dicom_store", "--direct", "--json", "--config", config)
    (row,) = json.loads(answer.stdout)
    assert (row["status"], row["detail"], answer.returncode) == ("ok", "", 0)
    assert [held_by(orthanc) for orthanc in orthancs] == [0, 0]


def test_a_watched_store_is_shown_wherever_it_turns_up(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    config = estate(tmp_path, *orthancs, settings=", timeout: 12s")
    answer = invoke("probe", "archive/dicom_store", "--watch", "4s", "--config", config)
    assert "it is stored; looking for it on archive, vna, workstation" in answer.stdout
    assert "archive: found after " in answer.stdout
    assert "add vna to copies_on, or exclude our AE title from that routing" in answer.stdout
    assert "workstation: could not be queried (" in answer.stdout
    assert "stored and cleaned up" in answer.stdout
    assert answer.returncode == 0
    assert [held_by(orthanc) for orthanc in orthancs] == [0, 1]
    for instance in requests.get(f"{orthancs[1].url}/instances", timeout=20).json():
        requests.delete(f"{orthancs[1].url}/instances/{instance}", timeout=20)


@pytest.mark.parametrize("target", ["vna", "vna/dicom_echo"])
def test_only_a_store_can_be_watched(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc], target: str) -> None:
    answer = invoke("probe", target, "--watch", "4s", "--config", estate(tmp_path, *orthancs))
    assert (answer.returncode, "name one check that stores" in answer.stderr) == (2, True)


def test_an_approval_that_has_ended_stops_probe_and_watch(tmp_path: Path, orthancs: tuple[Orthanc, Orthanc]) -> None:
    config = estate(tmp_path, *orthancs, settings=", until: 2026-01-31")
    for arguments in (["--direct"], ["--watch", "4s"]):
        answer = invoke("probe", "archive/dicom_store", *arguments, "--config", config)
        assert "renew enabled_by and its end date: the approval by PACS team ended on 2026-01-31" in answer.stdout
        assert answer.returncode == 1
    assert held_by(orthancs[0]) == 0
