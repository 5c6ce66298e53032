"""A pause and a read-only window that people ask a daemon for, as a real archive sees them: also over a SIGKILL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.peers.counting import Counted, counting
from tests.peers.daemon import RunningDaemon
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.proofs.test_what_people_stop import changes
from tests.support.estates import write_estate
from tests.support.timing import wait_until

NODES = """\
  archive:
    host: 127.0.0.1
    dicom: {{port: {counted}, ae_title: ORTHANC}}
    orthanc: {{url: '{url}'}}
    checks:
      dicom_echo: {{}}
      dicom_store: {{interval: 2s, retry_interval: 1s, enabled_by: the proof, verify: find, cleanup: orthanc}}
  elsewhere: {{host: 127.0.0.1, checks: {{tcp: {{port: {other}}}}}}}
"""
RUNS = 8
"""Of another check: long enough for several of those that are stopped."""


class Scene:
    """A daemon over an archive, and what the archive sees of it."""

    def __init__(self, daemon: RunningDaemon, orthanc: Orthanc, counted: Counted) -> None:
        self.daemon, self.orthanc, self.counted = daemon, orthanc, counted

    def say(self, path: str, **words: Any) -> Any:
        answer = requests.post(f"{self.daemon.url}/api/v1/{path}", json=words, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def state(self, check: str) -> tuple[str, str | None]:
        seen = self.daemon.get(f"/api/v1/checks/archive/{check}")
        return seen["state"], (seen.get("restriction") or {}).get("mode")

    def seen(self) -> tuple[int, int]:
        """Associations that were begun, and changes of the archive."""
        return self.counted.begun, changes(self.orthanc)

    def pass_by(self) -> None:
        """Several runs of a check that nobody has stopped."""
        seen: set[str] = set()

        def enough() -> bool:
            last = self.daemon.get("/api/v1/checks/elsewhere/tcp")["last"]
            seen.add(last["started"] if last else "")
            return len(seen) > RUNS

        wait_until(enough, "another check has run for a while")

    def is_written_to(self) -> None:
        before = changes(self.orthanc)
        wait_until(lambda: self.state("dicom_store") == ("up", None), "test stores are up")
        wait_until(lambda: changes(self.orthanc) > before, "something is written to the archive")


@contextmanager
def _scene(folder: Path) -> Iterator[Scene]:
    (folder / "orthanc").mkdir()
    listen = free_port()
    with Orthanc(folder / "orthanc", DicomAlwaysAllowFind=True) as orthanc, counting(orthanc.dicom_port) as counted:
        nodes = NODES.format(counted=counted.port, url=orthanc.url, other=orthanc.dicom_port)
        config = write_estate(folder, listen, nodes, paging="off", defaults="interval: 500ms, timeout: 10s")
        with RunningDaemon(config, listen) as daemon:
            yield Scene(daemon, orthanc, counted)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with _scene(tmp_path) as scene:
        yield scene


def test_a_pause_stops_associations_until_it_is_ended_also_over_a_kill(scene: Scene) -> None:
    scene.is_written_to()
    scene.say("pause", match={"node": "archive"}, why="detector exchange", **{"for": "1h"})
    wait_until(scene.counted.all_over, "what went on is over on the archive's side, too")
    before = scene.seen()
    scene.pass_by()
    scene.daemon.kill()
    scene.daemon.start()
    scene.pass_by()
    assert scene.seen() == before
    assert scene.state("dicom_echo") == ("unknown", "stop")
    scene.say("resume", match={"node": "archive"})
    scene.is_written_to()


def test_a_read_only_window_lets_the_echo_go_on_and_writes_nothing(scene: Scene) -> None:
    scene.is_written_to()
    window = {"name": "patching", "match": {"node": "archive"}, "probing": "read_only", "for": "1h"}
    added = scene.say("maintenance", **window)
    wait_until(lambda: scene.state("dicom_store")[1] == "read_only", "nothing may be written any more")
    wait_until(scene.counted.all_over, "what went on is over on the archive's side, too")
    begun, written = scene.seen()
    scene.pass_by()
    scene.daemon.kill()
    scene.daemon.start()
    scene.pass_by()
    assert scene.counted.begun > begun
    assert changes(scene.orthanc) == written
    assert scene.state("dicom_echo")[0] == "up"
    requests.delete(f"{scene.daemon.url}/api/v1/maintenance/{added['id']}", timeout=20).raise_for_status()
    scene.is_written_to()
