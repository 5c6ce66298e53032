"""`ack`, `note`, `close` beside a running daemon: by what an incident is named, and what the answer says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

TIMING = "interval: 300ms, retry_interval: 300ms, timeout: 10s, failures: 1, recoveries: 1"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a daemon that has two incidents open, as two hosts do not answer."""
    listen = free_port()
    nodes = "".join(
        f"  {name}: {{host: {host}, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        for name, host in (("archive", "127.0.0.1"), ("ris", "127.0.0.2"))
    )
    file = write_estate(tmp_path_factory.mktemp("said"), listen, nodes, paging="off", defaults=TIMING)
    with RunningDaemon(file, listen):
        wait_until(lambda: len(opened(file)) == 2, "both incidents are open")
        yield file


def opened(config: Path) -> dict[str, str]:
    """Node → the id of its incident."""
    rows = json.loads(invoke("incidents", "--json", config=config).stdout)
    return {row["members"][0].partition("/")[0]: row["id"] for row in rows}


def say(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return invoke(*words, config=config)


def test_an_incident_is_named_by_its_node_its_check_or_the_end_of_its_id(config: Path) -> None:
    identity = opened(config)["archive"]
    for name in ("archive", "archive/tcp", identity, identity[-6:].lower()):
        said = say(config, "ack", name, "--why", "vendor called", "--for", "2h", "--by", "it-duty")
        assert said.returncode == 0, said.stderr
        assert said.stdout.startswith(f"{identity} acknowledged by it-duty until ")
        assert said.stdout.rstrip().endswith(": vendor called")


def test_what_is_not_open_or_not_clear_is_misuse(config: Path) -> None:
    said = say(config, "ack", "nowhere")
    assert (said.returncode, said.stderr) == (
        2,
        "no open incident 'nowhere'; list them with: pacs-monitor incidents\n",
    )
    said = say(config, "note", "01JD00000000000000000000ZZ", "text")
    assert said.returncode == 2


def test_what_fails_is_not_closed(config: Path) -> None:
    said = say(config, "close", "ris", "--why", "a mistake")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "acknowledge it instead: ris/tcp still fails, and closing would hide that\n"


def test_a_note_is_in_the_story(config: Path) -> None:
    words = ("Images are delayed", "--public", "--next-update", "tomorrow 07:00", "--by", "it-duty")
    assert say(config, "note", "ris", *words).returncode == 0
    story = say(config, "incidents", opened(config)["ris"]).stdout
    assert "it-duty notes for the public: Images are delayed (next update " in story


def test_the_handover_is_what_the_daemon_says_in_the_zone_of_the_monitor(config: Path) -> None:
    said = json.loads(say(config, "handover", "--json").stdout)
    ids = {row["id"] for row in (*said["open"], *said["acknowledged"])}
    assert ids == set(opened(config).values())
    printed = say(config, "handover").stdout
    assert printed.startswith("Handover of proof, ")
    assert "paging is off: nobody receives pages" in printed
    assert all(identity in printed for identity in ids)
