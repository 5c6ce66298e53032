"""A real run is decided again: the same by the same configuration, and otherwise only where a route differs."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import create_engine, text

from pacs_monitor.history import HistoryReader
from pacs_monitor.model import DeliveryStatus
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.commands import invoke
from tests.support.timing import wait_until

MONITOR = """
monitor:
  name: proof
  ae_title: PACSMON
  database: 'sqlite:///{folder}/proof.db'
  listen: '127.0.0.1:{listen}'
  paging: on
defaults:
  interval: 500ms
  retry_interval: 200ms
  timeout: 5s
  failures: 2
  recoveries: 1
  page_after: 500ms
  unknown_after: 1s
channels:
  pager: {{type: webhook, url: '{pager}', secret: '{secret}'}}
  desk: {{type: webhook, url: '{desk}', secret: '{secret}'}}
routes:
  - {{match: {{node: archive}}, channels: [pager]}}
  - {{match: {{node: ris}}, channels: [desk]}}
default_route: {{channels: [desk], remind: 2s}}
nodes:
  archive:
    host: 127.0.0.1
    dicom: {{port: {archive}, ae_title: PEER}}
    checks: {{dicom_echo: {{severity: critical}}, tcp: {{port: {archive}}}}}
  ris: {{host: 127.0.0.1, dicom: {{port: {ris}, ae_title: PEER}}, checks: {{dicom_echo: }}}}
  dead: {{host: 127.0.0.1, dicom: {{port: {nowhere}, ae_title: PEER}}, checks: {{dicom_echo: }}}}
  unasked: {{checks: {{script: {{probe: exec, command: [/bin/true]}}}}}}
"""


class Run(NamedTuple):
    """What a real run has left."""

    config: Path
    period: str

    def sent(self) -> Counter[tuple[str, str, str]]:
        """Incident, channel, event of everything that was sent for real."""
        return Counter(
            (one.incident or "", one.channel, one.event)
            for one in self.reader().notifications()
            if one.status is not DeliveryStatus.SHADOW
        )

    def reader(self) -> HistoryReader:
        return HistoryReader.open(f"sqlite:///{self.config.parent}/proof.db", "proof")

    def of_archive(self) -> set[str]:
        return {one.id for one in self.reader().incidents() if any(member.node == "archive" for member in one.members)}

    def edited(self, folder: Path, before: str, after: str) -> Path:
        """Another configuration file over the same record."""
        file = folder / "new.yaml"
        written = self.config.read_text()
        assert before in written
        file.write_text(written.replace(before, after))
        return file


class _Story:
    """Peers that fail and recover, a reload, two restarts; as it is told, everything has been heard of."""

    def __init__(self, daemon: RunningDaemon, pager: Receiver, desk: Receiver) -> None:
        self.daemon, self.pager, self.desk = daemon, pager, desk

    def hear(self, receiver: Receiver, type_: str, node: str, count: int = 1) -> None:
        receiver.wait(lambda r: sum(p.type == type_ and p.data["node"] == node for p in r.accepted) >= count, 60)

    def tell(self, archive: Switchable, ris: Switchable) -> None:
        self.hear(self.desk, "incident.opened", "dead")
        self.desk.wait(lambda r: any(p.data["kind"] == "blind" for p in r.accepted), 60)
        archive.down()
        self.hear(self.pager, "incident.opened", "archive")
        assert self.daemon.stop() == 0
        self.daemon.start()
        archive.up()
        self.hear(self.pager, "incident.resolved", "archive")
        self.reroute("{node: ris}, channels: [desk]", "{node: ris}, channels: [pager]")
        ris.down()
        self.hear(self.pager, "incident.opened", "ris")
        self.daemon.kill()
        self.daemon.start()
        ris.up()
        self.hear(self.pager, "incident.resolved", "ris")
        archive.down()
        self.hear(self.pager, "incident.opened", "archive", 2)
        self.hear(self.desk, "incident.reminded", "dead", 3)
        assert self.daemon.stop() == 0

    def reroute(self, before: str, after: str) -> None:
        written = self.daemon.config.read_text()
        assert before in written
        self.daemon.config.write_text(written.replace(before, after))
        self.daemon.hang_up()
        wait_until(lambda: "reloaded" in self.daemon.log.read_text(), "the reload")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, listen = tmp_path_factory.mktemp("replay"), free_port()
    began = datetime.now(UTC)
    with Switchable() as archive, Switchable() as ris, Receiver() as pager, Receiver() as desk:
        config = folder / "monitor.yaml"
        ports = {"archive": archive.port, "ris": ris.port, "nowhere": free_port()}
        config.write_text(
            MONITOR.format(folder=folder, listen=listen, pager=pager.url, desk=desk.url, secret=SECRET, **ports)
        )
        with RunningDaemon(config, listen) as daemon:
            _Story(daemon, pager, desk).tell(archive, ris)
    return Run(config, f"{began:%Y-%m-%dT%H:%M:%SZ}..{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}")


def replayed(run: Run, *words: object, config: Path | None = None, **environment: str) -> Any:
    done = invoke("simulate", "--replay", run.period, "--json", *words, config=config, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def of(pages: list[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    return Counter((page["incident"], page["channel"], page["event"]) for page in pages)


def test_each_configuration_in_its_time_sends_what_was_sent(run: Run) -> None:
    found = replayed(run, PACS_MONITOR_CONFIG=str(run.config))
    assert (found["added"], found["gone"], found["moved"]) == ([], [], [])
    assert found["same"] == run.sent().total() >= 8


def test_a_changed_route_makes_exactly_that_difference(run: Run, tmp_path: Path) -> None:
    new = run.edited(tmp_path, "{node: archive}, channels: [pager]", "{node: archive}, channels: [desk]")
    found = replayed(run, config=new)
    about = run.of_archive()
    theirs = Counter({one: count for one, count in run.sent().items() if one[0] in about})
    ris = {page["cause"] for page in found["added"] + found["gone"] if page["incident"] not in about}
    assert ris <= {"unreachable:ris"}  # before the reload it had another route
    assert of([page for page in found["gone"] if page["incident"] in about]) == theirs
    moved = Counter({(incident, "desk", event): count for (incident, _, event), count in theirs.items()})
    assert of([page for page in found["added"] if page["incident"] in about]) == moved
    assert found["moved"] == []
    assert found["same"] == run.sent().total() - len(found["gone"])


def test_another_database_is_named_by_the_configuration_in_force(run: Run, tmp_path: Path) -> None:
    new = run.edited(tmp_path, "/proof.db'", "/elsewhere.db'")
    found = replayed(run, "--against", run.config, config=new)
    assert (found["added"], found["gone"]) == ([], [])


def test_later_pages_are_said_to_move(run: Run, tmp_path: Path) -> None:
    new = run.edited(tmp_path, "dicom_echo: {severity: critical}", "dicom_echo: {severity: critical, page_after: 1h}")
    new.write_text(new.read_text().replace("page_after: 500ms", "page_after: 4s"))
    found = replayed(run, config=new)
    assert {(page["cause"], page["event"]) for page in found["moved"]} >= {("unreachable:dead", "incident.opened")}


def test_people_read_what_differs_and_what_cannot_be_replayed(run: Run, tmp_path: Path) -> None:
    new = run.edited(tmp_path, "{node: archive}, channels: [pager]", "{node: archive}, channels: [desk]")
    lines = invoke("simulate", "--replay", run.period, config=new).stdout.splitlines()
    assert re.fullmatch(r".*: \d+ notifications would be sent as they were", lines[0])
    said = "\n".join(lines)
    assert re.search(r"^would be sent: .* opened to desk: unreachable:archive \(critical\)$", said, re.M)
    assert re.search(r"^would not be sent: .* opened to pager: unreachable:archive \(critical\)$", said, re.M)
    assert "cannot be replayed: intervals, timeouts, failures and recoveries of checks, and probes" in said


def test_a_configuration_that_is_not_on_record_is_named(run: Run, tmp_path: Path) -> None:
    shutil.copy(run.config.parent / "proof.db", tmp_path / "proof.db")
    copied = run.edited(tmp_path, f"{run.config.parent}/proof.db", f"{tmp_path}/proof.db")
    engine = create_engine(f"sqlite:///{tmp_path}/proof.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE revisions SET content = NULL"))
    engine.dispose()
    found = replayed(run, PACS_MONITOR_CONFIG=str(copied))
    (said,) = [line for line in found["not_replayed"] if "the configuration in force" in line]
    assert said.endswith(f"is not on record whole: {copied} is used instead")


def test_a_period_without_a_record_has_nothing_to_differ(run: Run) -> None:
    done = invoke("simulate", "--replay", "2020", PACS_MONITOR_CONFIG=str(run.config))
    assert done.stdout.startswith("2020: 0 notifications would be sent as they were\n")


def test_a_period_that_is_none_is_misuse(run: Run) -> None:
    assert invoke("simulate", "--replay", "someday", config=run.config).returncode == 2
