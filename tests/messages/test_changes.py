"""What changed last at a node: what is told of it, and what is remembered over a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.alerting.latest import LatestChanges
from pacs_monitor.history import HeartbeatBatch, History, HistoryReader, Revision
from pacs_monitor.history.accumulator import ChangeSeen
from pacs_monitor.history.recent import Recent
from pacs_monitor.messages import changes
from pacs_monitor.messages.changes import Changed, What
from pacs_monitor.model import Change, Entry, Maintained
from tests.alerting.support import ARCHIVE, DISK, RIS, an_estate, at
from tests.history.conftest import HandClock

DAY = 86_400
BERLIN = ZoneInfo("Europe/Berlin")
NOW = at(20 * DAY)


def told(*changed: Changed) -> list[dict[str, Any]]:
    return changes.data(changed, BERLIN, NOW)


def test_each_sort_of_change_is_a_sentence_with_its_time() -> None:
    seen = [
        changes.seen(ARCHIVE, at(18 * DAY), Change("pacs:104: certificate", "sha256:a", "sha256:b")),
        changes.seen(ARCHIVE, at(18 * DAY - 1000), Change("software version", "5.1", "5.2")),
        changes.seen(ARCHIVE, at(18 * DAY - 2000), Change("pacs:104: implementation class UID", "1", "2")),
    ]
    assert [(one["what"], one["check"], one["text"]) for one in told(*seen)] == [
        (
            "certificate",
            "archive/dicom_echo",
            "another certificate, first seen by dicom_echo at Fri 2025-12-12 17:00:00 CET",
        ),
        (
            "version",
            "archive/dicom_echo",
            "software version 5.1 became 5.2, first seen by dicom_echo at Fri 2025-12-12 16:43:20 CET",
        ),
        (
            "version",
            "archive/dicom_echo",
            "another software version, first seen by dicom_echo at Fri 2025-12-12 16:26:40 CET",
        ),
    ]
    said = [
        changes.seen(ARCHIVE, at(19 * DAY), Change("pacs:104: CT Image Storage", "accepted", "rejected")),
        Changed(at(19 * DAY - 10), What.CONFIGURATION),
        Changed(at(19 * DAY - 20), What.MAINTENANCE, name="patching"),
    ]
    assert [one["text"] for one in told(*said)] == [
        "other services are accepted, first seen by dicom_echo at Sat 2025-12-13 17:00:00 CET",
        "the monitor's configuration of this node, at Sat 2025-12-13 16:59:50 CET",
        "maintenance 'patching' ended at Sat 2025-12-13 16:59:40 CET",
    ]


def test_only_the_latest_of_two_weeks_are_told_and_each_once() -> None:
    old, ahead = Changed(at(5 * DAY), What.CONFIGURATION), Changed(at(21 * DAY), What.CONFIGURATION)
    same = [Changed(at(19 * DAY + n), What.MAINTENANCE, name="patching") for n in (0, 5)]
    more = [Changed(at((15 + n) * DAY), What.CONFIGURATION) for n in range(4)]
    found = told(old, ahead, *same, *more)
    assert [one["what"] for one in found] == ["maintenance", "configuration", "configuration"]
    assert found[0]["at"] == "2025-12-13T16:00:00.000000Z"


async def test_a_restart_knows_what_changed_before_it(tmp_path: Path) -> None:
    clock = HandClock()
    clock.time = NOW
    url = f"sqlite:///{tmp_path}/record.db"
    history = History.open(url, "east-campus", clock)
    await history.adopt([ARCHIVE, DISK, RIS], Revision("a" * 64))
    clock.time += 1_000_000
    await history.adopt([ARCHIVE, DISK, RIS], Revision("b" * 64, "jdoe", "~ ris/dicom_echo\nroutes changed"))
    seen = ChangeSeen(ARCHIVE, NOW, Change("software version", "5.1", "5.2"))
    history.beat(HeartbeatBatch(NOW, changes=[seen]))
    over = Maintained(DISK, "01W", NOW - 9, NOW - 5, "patching")
    await history.record(Entry(maintained=(over._replace(until=None), Maintained(RIS, "01W", NOW - 9, None, "x"))))
    await history.record(Entry(maintained=(over,)))
    history.close(5)
    latest, reader = LatestChanges(), HistoryReader.open(url, "east-campus")
    latest.restore(Recent.read(reader, NOW - changes.WITHIN))
    reader.close()
    assert latest.of(["archive", "ris", "other"]) == {
        "archive": (
            Changed(NOW - 5, What.MAINTENANCE, name="patching"),
            Changed(NOW, What.VERSION, ARCHIVE, "5.1", "5.2"),
        ),
        "ris": (Changed(NOW + 1_000_000, What.CONFIGURATION),),
    }


def test_a_reload_that_touches_a_node_is_remembered_and_no_other() -> None:
    latest, old = LatestChanges(), an_estate()
    fewer = an_estate([check for check in old.checks.values() if check.id != DISK])
    latest.reloaded(old, old, at(0))
    assert latest.of(["archive", "ris"]) == {}
    latest.reloaded(old, fewer, at(1))
    assert latest.of(["archive", "ris"]) == {"archive": (Changed(at(1), What.CONFIGURATION),)}


def test_a_check_in_maintenance_has_changed_nothing_yet() -> None:
    latest = LatestChanges()
    latest.maintained([Maintained(ARCHIVE, "01W", at(0), None, "patching")])
    assert latest.of(["archive"]) == {}
