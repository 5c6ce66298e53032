"""Every verb from another shell with `--url` and a token, while all configuration files at hand are broken; and without
rights none of them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

OPERATOR, VIEWER = "do-" * 12 + "it", "see-" * 10 + "it"
AUTH = f"""\
  auth: {{tokens: [{{name: night, role: operator, token: {OPERATOR}}}, {{name: wall, role: viewer, token: {VIEWER}}}]}}
"""
TIMING = "interval: 300ms, retry_interval: 300ms, timeout: 10s, failures: 1, recoveries: 1"
IDLE = "--match", "node=idle"
BY = "--by", "anna"


class Elsewhere:
    """A shell on another machine."""

    def __init__(self, daemon: RunningDaemon, broken: Path) -> None:
        self.daemon, self._broken = daemon, broken

    def say(self, *words: str, token: str = OPERATOR) -> subprocess.CompletedProcess[str]:
        return invoke(*words, "--url", self.daemon.url, config=self._broken, PACS_MONITOR_TOKEN=token)

    def json(self, *words: str) -> Any:
        done = self.say(*words, "--json")
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    folder, listen = tmp_path_factory.mktemp("daemon"), free_port()
    nodes = "".join(
        f"  {name}: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}}}}}}}\n" for name in ("archive", "idle")
    )
    config = write_estate(folder, listen, nodes, paging="off", defaults=TIMING)
    config.write_text(config.read_text().replace("monitor:\n", f"monitor:\n{AUTH}"))
    broken = tmp_path_factory.mktemp("elsewhere") / "monitor.yaml"
    broken.write_text("monitor: [this is no configuration")
    with RunningDaemon(config, listen) as daemon:
        config.write_text(broken.read_text())
        there = Elsewhere(daemon, broken)
        wait_until(lambda: len(there.json("incidents")) == 2, "both incidents are open")
        yield there


def test_each_verb_works(shell: Elsewhere) -> None:
    assert shell.say("ack", "archive", *BY, "--why", "vendor called", "--for", "2h").returncode == 0
    assert shell.say("note", "archive", "Use the viewer", "--public", *BY).returncode == 0
    assert "reported" in shell.say("evidence", "archive", "reported", "--ticket", "88123", *BY).stdout
    assert "to correct it, give the time" in shell.say("evidence", "archive", "reported", *BY).stderr
    declared = shell.say("incidents", "declare", "--node", "idle", "--from", "Mon 03:10", "--to", "Mon 03:45",
                         "--evidence", "log of CT 2", *BY)  # fmt: skip
    assert declared.returncode == 0, declared.stderr
    assert shell.say("evidence", declared.stdout[:26], "to", "--at", "Mon 03:50", *BY).returncode == 0
    assert "log of CT 2 (by anna" in shell.say("incidents", "--all").stdout
    story = shell.say("incidents", declared.stdout[20:26]).stdout
    assert "declares an outage from" in story
    assert "anna, night (operator) corrects: it ended" in story
    assert shell.say("close", "archive", *BY).stderr.startswith("acknowledge it instead: archive/tcp still fails")
    assert shell.say("pause", "idle", "--for", "1h", "--why", "detector exchange", *BY).returncode == 0
    assert "detector exchange" in shell.say("pause").stdout
    assert shell.say("resume", "idle", *BY).returncode == 0
    added = shell.say("maintenance", "add", *IDLE, "--for", "2h", "--why", "patching", *BY)
    window = shell.json("maintenance", "list")[0]["id"]
    assert window in added.stdout
    assert shell.say("maintenance", "extend", window, "--for", "1h", *BY).returncode == 0
    counted = shell.say("maintenance", "counts", window, "no", "--why", "announced by phone", *BY)
    assert "does not count (anna" in counted.stdout, counted.stderr
    assert shell.say("maintenance", "end", window, *BY).returncode == 0
    found = {row["members"][0]: row for row in shell.json("incidents")}
    assert found["archive/tcp"]["acknowledged"]["by"].startswith("anna")
    assert "vendor called" in shell.say("handover").stdout
    assert shell.say("status").returncode == 1
    reloaded = shell.say("reload", *BY)
    assert (reloaded.returncode, reloaded.stdout) == (1, "")
    assert "monitor.yaml" in reloaded.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("ack", "archive"),
        ("note", "archive", "text"),
        ("close", "archive"),
        ("evidence", "archive", "reported"),
        ("incidents", "declare", "--node", "idle", "--from", "00:00", "--evidence", "log"),
        ("pause", "idle", "--for", "1h"),
        ("resume", "idle"),
        ("maintenance", "add", *IDLE, "--for", "2h"),
        ("reload",),
    ],
    ids=" ".join,
)
def test_without_rights_each_is_refused_and_on_record(shell: Elsewhere, words: tuple[str, ...]) -> None:
    refused = shell.say(*words, token=VIEWER)
    assert refused.returncode == 1
    assert "use a token with the role operator: the role viewer can only read" in refused.stderr
    entries = shell.json("audit")
    assert any((entry["token"], entry["status"]) == ("wall", 403) for entry in entries)
    for line in (refused.stdout, refused.stderr, json.dumps(entries)):
        assert OPERATOR not in line
        assert VIEWER not in line


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("note", "archive", ""), "text"),
        (("evidence", "archive", ""), "what"),
        (("incidents", "declare", "--node", "idle", "--from", "", "--evidence", "log"), "--from"),
        (("incidents", "declare", "--node", "idle", "--from", "00:00", "--evidence", ""), "--evidence"),
        (("incidents", "declare", "--node", "", "--from", "00:00", "--evidence", "log"), "node"),
        (("maintenance", "add", *IDLE, "--for", ""), "--for"),
        (("note", "archive", "seen", "--by", ""), ""),
        (("constancy", "explain", "", "no staff"), "day"),
        (("constancy", "explain", "2026-01-02", ""), "why"),
    ],
    ids=repr,
)
def test_an_empty_word_ends_in_a_sentence(shell: Elsewhere, words: tuple[str, ...], key: str) -> None:
    said = shell.say(*words)
    assert "Traceback" not in said.stderr
    assert said.returncode == (2 if key else 0)
    assert key in said.stderr
