"""A report over real peers, held against what they logged themselves: each figure lies within the bounds of their logs.

An archive that crashes (Orthanc), planned maintenance in which it crashes again, a device that stands still (DCMTK, by
SIGSTOP), a reload that changes the service meanwhile, and a monitor that is killed. The bounds need no tolerance for a
slow machine: an answer that a peer logged was part of a run, and the runs before and after it bound the outage.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from pacs_monitor.model import SECOND, Micros, iso, parse_iso
from tests.peers.daemon import RunningDaemon
from tests.peers.dcmtk import Storescp
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

MILLISECOND = SECOND // 1000
"""To which DCMTK logs times, rounded down."""
TIMES = "interval: 300ms, retry_interval: 150ms, timeout: 3s, failures: 1, recoveries: 1, page_after: 1h"
LOGGED = """log4cplus.rootLogger = INFO, con
log4cplus.appender.con = log4cplus::ConsoleAppender
log4cplus.appender.con.logToStdErr = true
log4cplus.appender.con.ImmediateFlush = true
log4cplus.appender.con.layout = log4cplus::PatternLayout
log4cplus.appender.con.layout.ConversionPattern = %d{%Y-%m-%dT%H:%M:%S.%q}+00:00 %m%n
"""
BY_DCMTK = re.compile(r"^(\S+) Received Echo Request", re.M)
BY_ORTHANC = re.compile(r"^I(\d{4} [\d:.]+) .*\] \(dicom\) Received Echo Request", re.M)


def now() -> Micros:
    return time.time_ns() // 1000


def micros(moment: datetime) -> Micros:
    return round(moment.timestamp() * SECOND)


@dataclass
class Span:
    """Something that lasted between `begun` and `ended` at least; all of it is the test's own clock."""

    begun: Micros
    ended: Micros


@dataclass
class Outage:
    """`seen`: when the monitor was seen to know of it; `back`: just before the peer was let work again."""

    seen: Micros
    back: Micros


class Archive:
    """An Orthanc that is started anew after each crash, on the same ports; its echoes are read from all its logs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.port, self._http = free_port(), free_port()
        self._started: list[Orthanc] = []
        self.start()

    def start(self) -> None:
        folder = self._folder / f"archive{len(self._started)}"
        folder.mkdir()
        orthanc = Orthanc(folder, ae_title="ARCHIVE", dicom_port=self.port, http_port=self._http, verbose=True)
        self._started.append(self._stack.enter_context(orthanc))

    def crash(self) -> None:
        self._started[-1].kill()

    def echoes(self) -> list[Micros]:
        year = datetime.now(UTC).astimezone().year
        found = [one for orthanc in self._started for one in BY_ORTHANC.findall(orthanc.said())]
        return [micros(datetime.strptime(f"{year}{one}", "%Y%m%d %H:%M:%S.%f").astimezone()) for one in found]


class Device:
    """DCMTK's storescp."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / "log.cfg").write_text(LOGGED)
        self.program = stack.enter_context(Storescp(folder, "-lc", str(folder / "log.cfg"), ae_title="DEVICE"))
        self.port = self.program.port

    def echoes(self) -> list[Micros]:
        return [micros(datetime.fromisoformat(one)) for one in BY_DCMTK.findall(self.program.said())]


@dataclass
class Run:
    """The site, and what was done to it."""

    folder: Path
    config: Path
    daemon: RunningDaemon
    archive: Archive
    device: Device
    hold: float
    crashes: list[Outage] = field(default_factory=list)
    stops: list[Outage] = field(default_factory=list)
    reloads: list[Span] = field(default_factory=list)
    windows: list[tuple[Span, Span]] = field(default_factory=list)
    """Between which times each began, and ended."""
    kills: list[Span] = field(default_factory=list)
    recorded: list[Micros] = field(default_factory=list)
    """Up to when the record reached before each kill."""

    def round(self) -> None:
        """Each trouble once, and quiet after each of them."""
        for trouble in (self.crash, self.maintain, self.stop, self.kill):
            trouble()
            self.quiet()

    def quiet(self) -> None:
        """Both work, and three echoes of each are logged."""
        self.heard(self.archive)
        self.heard(self.device)
        self.wait("archive", "up")
        self.wait("device", "up")

    @staticmethod
    def heard(peer: Archive | Device) -> None:
        before = len(peer.echoes())
        wait_until(lambda: len(peer.echoes()) >= before + 3, "three echoes more")

    def wait(self, node: str, state: str) -> None:
        wait_until(lambda: self.daemon.check(node, "dicom_echo")["state"] == state, f"{node} {state}")

    def crash(self) -> None:
        self.archive.crash()
        self.wait("archive", "down")
        seen = now()
        time.sleep(self.hold)
        self.crashes.append(Outage(seen, now()))
        self.archive.start()

    def maintain(self) -> None:
        """The archive crashes within the window, too."""
        words = {"match": {"node": "archive"}, "for": "1h", "name": "patching", "by": "test"}
        asked = now()
        answer = requests.post(f"{self.daemon.url}/api/v1/maintenance", json=words, timeout=20)
        begun = Span(asked, now())
        self.heard(self.archive)  # so that the last good result lies within the window, too
        self.archive.crash()
        self.wait("archive", "down")
        self.archive.start()
        self.wait("archive", "up")
        time.sleep(self.hold)
        asked = now()
        requests.delete(f"{self.daemon.url}/api/v1/maintenance/{answer.json()['id']}", timeout=20).raise_for_status()
        self.windows.append((begun, Span(asked, now())))

    def stop(self) -> None:
        """While it stands still, the service is made one that needs it no more; then it is as before."""
        self.device.program.freeze()
        self.wait("device", "down")
        seen = now()
        time.sleep(self.hold)
        self.reloads.append(self._reload("any"))
        time.sleep(self.hold)
        self.stops.append(Outage(seen, now()))
        self.device.program.thaw()
        self.wait("device", "up")
        self._reload("all")

    def _reload(self, rule: str) -> Span:
        self.config.write_text(re.sub(r"pacs: {\w+", f"pacs: {{{rule}", self.config.read_text()))
        asked = now()
        self.daemon.post("/api/v1/reload")
        return Span(asked, now())

    def kill(self) -> None:
        before = self._reaches()
        wait_until(lambda: self._reaches() > before, "a heartbeat")
        self.recorded.append(self._reaches())
        self.daemon.kill()
        killed = now()
        time.sleep(self.hold)
        self.kills.append(Span(killed, now()))
        self.daemon.start()

    def _reaches(self) -> Micros:
        """Up to when the monitor is on record to have run."""
        with closing(sqlite3.connect(f"file:{self.folder / 'proof.db'}?mode=ro", uri=True, timeout=10)) as database:
            reached: Micros = database.execute("SELECT max(ended) FROM coverage").fetchone()[0]
            return reached

    def report(self, since: Micros, until: Micros) -> Any:
        said = invoke("report", f"{iso(since)}..{iso(until)}", "--format", "json", config=self.config)
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)


@pytest.mark.parametrize(
    ("rounds", "hold"),
    [
        pytest.param(1, 0.0, id="short"),
        pytest.param(3, 2.0, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(900)]),
    ],
)
def test_the_figures_lie_within_what_the_peers_logged(tmp_path: Path, rounds: int, hold: float) -> None:
    with ExitStack() as stack:
        archive, device, listen = Archive(tmp_path, stack), Device(tmp_path, stack), free_port()
        nodes = "".join(
            f"  {name}: {{host: 127.0.0.1, dicom: {{port: {port}, ae_title: {name.upper()}}}, "
            "checks: {dicom_echo: }}\n"
            for name, port in (("archive", archive.port), ("device", device.port))
        )
        config = write_estate(tmp_path, listen, nodes, paging="off", defaults=TIMES)
        config.write_text(
            f"{config.read_text()}services:\n  pacs: {{all: [archive/dicom_echo, device/dicom_echo]}}\n"
            "objectives:\n  - {name: PACS, service: pacs, availability: 99%, per: month}\n"
        )
        daemon = stack.enter_context(RunningDaemon(config, listen))
        run = Run(tmp_path, config, daemon, archive, device, hold)
        run.quiet()
        since = now()
        run.quiet()  # the last good results before an outage lie within the period
        for _ in range(rounds):
            run.round()
        until = now()
        assert daemon.stop() == 0
        report = run.report(since, until)
        checks = {row["node"]: row for row in report["checks"]}
        assert checks.keys() == {"archive", "device"}
        for row in [*checks.values(), *report["services"]]:
            holds_together(row, until - since)
        outages_are_bracketed(checks["archive"], run.crashes, archive.echoes(), run.windows)
        outages_are_bracketed(checks["device"], run.stops, device.echoes())
        maintenance_is_bracketed(report, checks, run)
        the_gap_is_bracketed(checks, run)
        the_service_is_bracketed(report, run)


def holds_together(row: Any, length: Micros) -> None:
    """Each microsecond is in one class, and the availability is what follows from them."""
    seconds = row["seconds"]
    assert sum(round(one * SECOND) for one in seconds.values()) == length
    worked = seconds["up"] + seconds["degraded"]
    assert row["availability"] == pytest.approx(worked / (worked + seconds["down"] + seconds["unreachable"]))


def around(echoes: list[Micros], at: Micros) -> int:
    """The number of the last echo before a time at which there was an outage."""
    return max(n for n, one in enumerate(echoes) if one < at)


def outages_are_bracketed(
    row: Any, outages: list[Outage], echoes: list[Micros], windows: Sequence[tuple[Span, Span]] = ()
) -> None:
    """By the last echo before and the first one after: at least less, at most more than lies between them.

    A peer that crashes or stands still may log an echo whose answer never arrives, so each bound looks one further.
    What lies whole within planned maintenance is listed, and counts for nothing.
    """
    planned = [one for one in row["incidents"] if one["planned_seconds"]]
    assert len(planned) == len(windows)
    for found, (first, last) in zip(planned, windows, strict=True):
        assert first.begun < parse_iso(found["since"]) < parse_iso(found["ended"]) < last.ended
        assert found["at_least_seconds"] == found["at_most_seconds"] == found["down_seconds"] == 0
    counted = [one for one in row["incidents"] if one not in planned]
    least = most = 0
    for found, outage in zip(counted, outages, strict=True):
        n = around(echoes, outage.seen)
        since, ended = parse_iso(found["since"]), parse_iso(found["ended"])
        assert echoes[n - 2] < parse_iso(found["last_good"]) < echoes[n] + MILLISECOND
        assert echoes[n] <= since <= outage.seen
        assert max(outage.back, echoes[n + 1]) <= ended <= echoes[n + 3] + MILLISECOND
        at_least, at_most = found["at_least_seconds"] * SECOND, found["at_most_seconds"] * SECOND
        assert 0 <= at_least <= echoes[n + 2] - echoes[n] + MILLISECOND
        assert echoes[n + 1] - echoes[n] - MILLISECOND <= at_most <= echoes[n + 3] - echoes[n - 2] + MILLISECOND
        least += outage.back - outage.seen
        most += echoes[n + 3] - echoes[n] + MILLISECOND
    assert least <= row["seconds"]["down"] * SECOND <= most
    assert row["seconds"]["degraded"] == row["seconds"]["absent"] == row["seconds"]["unreachable"] == 0


def maintenance_is_bracketed(report: Any, checks: Any, run: Run) -> None:
    least = sum(ended.begun - begun.ended for begun, ended in run.windows)
    most = sum(ended.ended - begun.begun for begun, ended in run.windows)
    assert least <= checks["archive"]["seconds"]["maintenance"] * SECOND <= most
    assert checks["device"]["seconds"]["maintenance"] == 0
    assert [one["name"] for one in report["maintenance"]] == ["patching"] * len(run.windows)


def the_gap_is_bracketed(checks: Any, run: Run) -> None:
    """At least while no process ran; at most from what was on record to the first echo of the next one."""
    for row, peer in ((checks["archive"], run.archive), (checks["device"], run.device)):
        echoes = peer.echoes()
        first = [next(one for one in echoes if one > kill.ended) for kill in run.kills]
        least = sum(kill.ended - kill.begun for kill in run.kills)
        most = sum(one - reached for one, reached in zip(first, run.recorded, strict=True)) + MILLISECOND
        unknown = row["unknown_by_cause"]
        assert least <= unknown["monitor_not_running"] * SECOND <= most
        assert unknown["not_watched"] == unknown["unproven"] == unknown["refused_us"] == unknown["clock"] == 0


def the_service_is_bracketed(report: Any, run: Run) -> None:
    """It was down with the archive; with the device only until the reload made it one that needs either."""
    echoes, of_device = run.archive.echoes(), run.device.echoes()
    least = sum(crash.back - crash.seen for crash in run.crashes)
    most = sum(echoes[(n := around(echoes, crash.seen)) + 3] - echoes[n] + MILLISECOND for crash in run.crashes)
    for stop, reload in zip(run.stops, run.reloads, strict=True):
        least += reload.begun - stop.seen
        most += reload.ended - of_device[around(of_device, stop.seen)]
    (service,) = report["services"]
    assert least <= service["seconds"]["down"] * SECOND <= most
    counted = sum(row["used_seconds"] for row in report["objectives"])
    assert counted == pytest.approx(service["seconds"]["down"], abs=1)
    changed = [parse_iso(one["at"]) for one in report["revisions"]]
    for reload in run.reloads:
        assert any(reload.begun <= at <= reload.ended for at in changed)
