"""`maintenance`, `pause` and `resume` beside a running daemon."""

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


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    listen = free_port()
    nodes = "".join(
        f"  {name}: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}}}}}}}\n" for name in ("archive", "ris")
    )
    file = write_estate(tmp_path_factory.mktemp("plans"), listen, nodes, paging="off")
    with RunningDaemon(file, listen):
        yield file


def say(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return invoke(*words, config=config)


def test_a_window_is_planned_listed_extended_and_ended_by_the_end_of_its_id(config: Path) -> None:
    words = (
        "--match",
        "node=archive",
        "--for",
        "2h",
        "--name",
        "patching",
        "--by",
        "it-duty",
        "--probing",
        "read_only",
    )
    said = say(config, "maintenance", "add", *words)
    assert said.returncode == 0, said.stderr
    identity = said.stdout.split()[0]
    assert said.stdout.rstrip().endswith("node=archive: patching, read_only (by it-duty)")
    listed = say(config, "maintenance", "list").stdout
    assert identity in listed
    assert "[now]" in listed
    assert "in maintenance" not in say(config, "status").stdout  # the restriction says it
    assert "maintenance 'patching' (by it-duty)" in say(config, "status").stdout
    assert say(config, "maintenance", "extend", identity[-6:].lower(), "--for", "1h").returncode == 0
    assert say(config, "maintenance", "end", identity[-6:]).returncode == 0
    assert say(config, "maintenance", "list").stdout == "no maintenance is planned\n"


def test_what_is_not_clear_is_misuse(config: Path) -> None:
    assert (said := say(config, "maintenance", "end", "nowhere")).returncode == 2
    assert said.stderr == "no window 'nowhere'; list them with: pacs-monitor maintenance list\n"
    said = say(config, "maintenance", "add", "--match", "node=archiv", "--for", "2h")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "no check has node=archiv; did you mean 'archive'? there are: archive, ris\n"
    said = say(config, "maintenance", "add", "archive", "--for", "2h", "--from", "next Sunday 02:00")
    assert (said.returncode, said.stderr.startswith("--start: 'next Sunday 02:00' may be either of two days")) == (
        2,
        True,
    )
    said = say(config, "maintenance", "add", "archive", "--for", "2h", "--until", "tomorrow 07:00")
    assert (said.returncode, said.stderr) == (2, "write either --for or --until, not both\n")
    assert say(config, "resume").returncode == 2
    assert say(config, "pause", "archive", "--all").returncode == 2


def test_checks_are_paused_and_resumed(config: Path) -> None:
    said = say(config, "pause", "archive/tcp", "--why", "new switch", "--by", "it-duty")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("node=archive check=tcp (1 check) paused by it-duty until ")
    (listed,) = json.loads(say(config, "pause", "--json").stdout)
    assert (listed["checks"], listed["why"]) == (["archive/tcp"], "new switch")
    assert "paused by it-duty" in say(config, "status").stdout
    assert say(config, "resume", "archive").stdout == "resumed: node=archive\n"
    assert say(config, "pause").stdout == "nothing is paused\n"
