"""A new reason not to notify is one file in the chain, and nothing else is edited.

Played on the code as it is, and then on a copy of it with the file dropped in, as its users run it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pacs_monitor
from pacs_monitor.alerting import suppress
from pacs_monitor.model import Why
from tests.alerting.play import Play, an_estate
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.estates import write_estate
from tests.support.timing import wait_until

QUIET_HOUR = '''
"""Nobody is notified of warnings within an hour."""

from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.model import SECOND, Severity

RANK = 15
WHY = "quiet_hour"
MEANING = "a warning, within an hour"
UNTIL = "the hour is over"


def suppress(turn, subject, _event, _channel, _target):
    ends = subject.incident.noticed + 3600 * SECOND
    if subject.incident.severity is Severity.CRITICAL or turn.at >= ends:
        return None
    return Reply(WHY, "since it opened", until=ends)
'''
NODES = """nodes:
  a: {host: 10.0.0.1, checks: {ping: {severity: critical}}}
  b: {host: 10.0.0.2, checks: {ping: {severity: warning}}}
"""
SCENARIO = """start: 2026-11-24 08:00
timeline:
  - {at: 0s, check: archive/tcp, state: down}
  - {at: 2h, check: archive/tcp, state: up}
expect:
  - "08:00:00 suppressed opened to pager: unreachable:archive (warning), quiet_hour since it opened until 09:00:00"
  - "09:00:00 opened to pager: unreachable:archive (warning)"
  - "10:00:00 resolved to pager: unreachable:archive (warning)"
"""


@pytest.fixture
def with_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "quiet_hour.py").write_text(QUIET_HOUR)
    monkeypatch.setattr(suppress, "__path__", [*suppress.__path__, str(tmp_path)])
    suppress.chain.cache_clear()
    yield
    suppress.chain.cache_clear()
    sys.modules.pop(f"{suppress.__name__}.quiet_hour", None)


@pytest.mark.usefixtures("with_a_new_file")
def test_a_suppression_is_one_file(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES)).move(100, ("a/ping", "b/ping"), "down").until(5000)
    assert play.said() == ["140 opened unreachable:a", "3700 opened unreachable:b"]
    assert play.whys() == ["quiet_hour since it opened"]
    assert "quiet_hour" in suppress.words()


def test_the_chain_asks_in_a_fixed_order() -> None:
    ranks = [link.rank for link in suppress.chain()]
    assert ranks == sorted(set(ranks))


def test_every_word_is_one_reason() -> None:
    assert len(set(suppress.words())) == len(suppress.words())
    assert set(Why) < set(suppress.words())


class Copy:
    """The program with one more file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "copy"
        code = self.folder / "pacs_monitor"
        shutil.copytree(Path(pacs_monitor.__file__).parent, code, ignore=shutil.ignore_patterns("__pycache__"))
        (code / "alerting" / "suppress" / "quiet_hour.py").write_text(QUIET_HOUR)

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "pacs_monitor", *map(str, words)]
        wide = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.run(line, check=False, capture_output=True, text=True, env=wide, cwd=self.folder)


def test_a_file_dropped_in_is_in_the_metric_in_incidents_and_in_simulate(tmp_path: Path) -> None:
    copy, listen = Copy(tmp_path), free_port()
    node = f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}, severity: warning}}}}}}\n"
    with Receiver() as pager:
        config = write_estate(tmp_path, listen, node, pager=pager.url, secret=SECRET)
        with RunningDaemon(config, listen, ("env", "-C", str(copy.folder))) as daemon:
            name = 'pacs_notifications_suppressed_total{why="quiet_hour"}'
            wait_until(lambda: f"{name} 1.0" in daemon.metrics(), "the count of the new reason")
            wait_until(lambda: daemon.get("/api/v1/incidents"), "the incident on record")
            (row,) = daemon.get("/api/v1/incidents")
            told = copy.run("incidents", row["id"], "--config", config).stdout
            assert daemon.stop() == 0
        assert "to pager: opened, suppressed: quiet_hour since it opened, still" in told
        assert (pager.posts, pager.bad) == ([], [])
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    done = copy.run("simulate", "--scenario", file, "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
