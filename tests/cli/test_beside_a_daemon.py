"""`probe` beside a daemon that does not run the check: never two at once, and never in silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import Attacked
from tests.peers.archive import archive
from tests.peers.counting import Counted, counting
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

AUTH = "  auth: {tokens: [{name: us, role: operator, token: right-right-right-right-right-right}]}\n"
TIMING = "interval: 300ms, retry_interval: 300ms, timeout: 10s, failures: 1, recoveries: 1"


def probe(config: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return invoke("probe", "archive", *words, config=config, **environment)


@pytest.fixture
def peer() -> Iterator[Counted]:
    with archive() as behind, counting(behind.port) as counted:
        yield counted


def estate(folder: Path, listen: int, peer: Counted) -> Path:
    block = f"dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}"
    nodes = f"  archive: {{host: localhost, {block}}}\n  alias: {{host: 127.0.0.1, {block}}}\n"
    return write_estate(folder, listen, nodes, paging="off", defaults=TIMING)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Counted, RunningDaemon]]:
    listen = free_port()
    with archive() as behind, counting(behind.port) as counted:
        config = estate(tmp_path_factory.mktemp("running"), listen, counted)
        config.write_text(config.read_text().replace("monitor:\n", f"monitor:\n{AUTH}"))
        with RunningDaemon(config, listen) as daemon:
            yield config, counted, daemon
        assert counted.most_at_once == 1


def test_a_wrong_token_is_told_and_nothing_is_asked(running: tuple[Path, Counted, RunningDaemon]) -> None:
    config, _, daemon = running
    said = probe(config, PACS_MONITOR_TOKEN="wrong")
    assert (said.returncode, said.stdout) == (1, "")
    assert "the running daemon refused: this token is not in monitor.auth" in said.stderr
    assert "set it with PACS_MONITOR_TOKEN or --token-file FILE" in said.stderr
    os.kill(daemon.pid, 0)


def test_a_check_that_the_daemon_has_not_read_yet_is_told(running: tuple[Path, Counted, RunningDaemon]) -> None:
    config, _, _ = running
    edited = config.with_name("edited.yaml")
    edited.write_text(config.read_text().replace("{dicom_echo: }", "{dicom_echo: , new: {probe: dicom_echo}}"))
    said = probe(edited)
    assert said.returncode == 2
    assert re.search("archive/dicom_echo +ok", said.stdout)
    assert "has no check 'new'" in said.stderr
    assert "pacs-monitor reload" in said.stderr


def test_a_daemon_that_does_not_answer_is_not_taken_for_none(running: tuple[Path, Counted, RunningDaemon]) -> None:
    config, _, daemon = running
    text, elsewhere = config.read_text(), config.with_name("elsewhere.yaml")
    elsewhere.write_text(text.replace(f"listen: {daemon.url[7:]}", f"listen: 127.0.0.1:{free_port()}"))
    said = probe(elsewhere)
    assert (said.returncode, said.stdout) == (1, "")
    assert "start the daemon with: pacs-monitor run (none answers at" in said.stderr
    assert "but one is running, because it holds the lease of 'proof'" in said.stderr
    assert "--direct" in said.stderr


def test_asked_directly_it_takes_turns_with_the_daemon(
    running: tuple[Path, Counted, RunningDaemon], attack: Attacked
) -> None:
    config, peer, _ = running
    begun = peer.begun
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "pacs_monitor", "probe", node, "--direct", "--config", str(config)],
            stdout=subprocess.DEVNULL,
        )
        for node in ("archive", "alias")
    ]
    assert [run.wait(60) for run in runs] == [0, 0]
    wait_until(lambda: peer.begun >= begun + 6, "the daemon goes on")
    assert peer.most_at_once == 1
    attack("probe-beside", "refused with what to do; with `--direct` in turns with the daemon, never two at once")


@pytest.mark.proof
def test_a_daemon_waits_for_a_probe_that_holds_the_address_and_not_longer(tmp_path: Path) -> None:
    listen = free_port()
    with archive() as behind, counting(behind.port, silent_every=1) as silent:
        config = estate(tmp_path, listen, silent)
        slow = config.with_name("slow.yaml")
        slow.write_text(config.read_text().replace("timeout: 10s", "timeout: 60s"))
        command = [sys.executable, "-m", "pacs_monitor", "probe", "archive", "--direct", "--config", str(slow)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as probing:
            wait_until(lambda: silent.open == 1, "the probe has its association")
            with RunningDaemon(config, listen) as daemon:
                wait_until(lambda: "pacs_runs_in_progress 2.0" in daemon.metrics(), "both checks wait")
                assert silent.begun == 1
                probing.send_signal(signal.SIGKILL)
                probing.wait()
                wait_until(lambda: silent.begun == 2, "the daemon asks")
        assert silent.most_at_once == 1


def test_where_nobody_can_tell_whether_a_daemon_runs_it_says_so(
    tmp_path: Path, peer: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = estate(tmp_path, free_port(), peer)
    away = config.with_name("away.yaml")
    away.write_text(re.sub("database: .*", "database: postgresql+psycopg://nobody@127.0.0.1:1/x", config.read_text()))
    said = probe(away)
    assert (said.returncode, said.stdout, peer.begun) == (1, "", 0)
    assert "cannot tell whether a daemon is running: " in said.stderr
    assert probe(away, "--direct").returncode == 0
    assert probe(config).returncode == 0  # nobody has the lease


@pytest.mark.proof
def test_a_daemon_on_another_machine_is_seen_by_its_lease(
    tmp_path: Path, peer: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen = free_port()
    config = estate(tmp_path, listen, peer)
    (tmp_path / "there").mkdir()
    with Postgres() as server:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        config.write_text(re.sub("database: .*", f"database: {server.database()}", config.read_text()))
        here = config.with_name("here.yaml")
        here.write_text(config.read_text().replace(f":{listen}\n", f":{free_port()}\n"))
        with RunningDaemon(config, listen, ("env", f"TMPDIR={tmp_path / 'there'}")):
            said = probe(here)
    assert (said.returncode, said.stdout) == (1, "")
    assert "but one is running, because it holds the lease of 'proof'" in said.stderr
