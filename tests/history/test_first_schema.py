"""A database of the first alerting goes on: what it knew of each open incident is what the new one remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pacs_monitor.history import History
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Entry,
    Event,
    FailureClass,
    Incident,
    Micros,
    Notified,
    Severity,
    State,
    Suppressed,
    Why,
)
from tests.history.conftest import HandClock
from tests.history.first_schema.loading import load

T0 = 1_764_000_000 * SECOND
"""When the stored story begins."""
REFUSED, OTHER = FailureClass.UNREACHABLE, FailureClass.OTHER


def at(seconds: float, number: int = 0) -> Micros:
    return T0 + round(seconds * SECOND) + number


@dataclass
class Migrated:
    history: History
    restored: Restored

    def of(self, cause: str) -> Incident:
        return next(i for i in self.history.reader.incidents() if i.cause in (cause, f"{cause}/dicom_echo"))

    def notified(self, cause: str) -> dict[str, Notified]:
        return {told.channel: told for told in self.restored.notified[self.of(cause).id]}

    def suppressed(self, cause: str) -> list[Suppressed]:
        return list(self.history.reader.suppressed([self.of(cause).id]))


async def migrate(url: str) -> Migrated:
    clock = HandClock()
    load(url)
    clock.time = at(360)
    history = History.open(url, "east-campus", clock)
    return Migrated(history, await history.restore())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    """Only to be read."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('first')}/pacs-monitor.db"
    else:
        url = request.getfixturevalue("postgres").database()
    found = asyncio.run(migrate(url))
    yield found
    found.history.close()


def memory(told: Notified) -> tuple[State, Severity, FailureClass, bool, bool]:
    return told.state, told.severity, told.worst, told.shadow, told.refused


CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


@pytest.mark.parametrize(
    ("cause", "channels", "known"),
    [
        ("told", {"hook": at(140), "oncall": at(140, 1)}, (State.DOWN, CRITICAL, REFUSED, False, False)),
        ("reminded", {"oncall": at(350)}, (State.DOWN, CRITICAL, REFUSED, False, False)),
        ("shadow", {"hook": at(140, 3), "oncall": at(140, 4)}, (State.DOWN, CRITICAL, REFUSED, True, False)),
        ("switched", {"hook": at(200, 2), "oncall": at(200, 3)}, (State.DOWN, CRITICAL, REFUSED, False, False)),
        ("pending", {"hook": at(140, 9), "oncall": at(140, 10)}, (State.DOWN, CRITICAL, REFUSED, False, False)),
        ("degraded", {"hook": at(200), "oncall": at(200, 1)}, (State.DEGRADED, CRITICAL, REFUSED, False, False)),
        ("unknown", {"hook": at(200), "oncall": at(200, 1)}, (State.UNKNOWN, CRITICAL, REFUSED, False, False)),
        ("silenced", {"hook": at(200), "oncall": at(200)}, (State.DEGRADED, CRITICAL, REFUSED, False, False)),
        ("full", {"hook": at(140, 21), "oncall": at(140, 22)}, (State.DOWN, CRITICAL, FailureClass.FULL, False, False)),
        ("dns", {"hook": at(300), "oncall": at(300, 1)}, (State.UNKNOWN, WARNING, OTHER, False, False)),
        ("oncall", {"hook": at(320), "pager": at(320, 1)}, (State.DOWN, WARNING, OTHER, False, False)),
        ("heartbeat", {"hook": at(330), "oncall": at(330, 1), "pager": at(330, 2)}, (State.DEGRADED, WARNING, OTHER)),
        ("untold", {}, None),
        ("off", {}, None),
        ("nowhere", {}, None),
    ],
)
def test_each_channel_was_notified_of_what_it_was(
    migrated: Migrated, cause: str, channels: dict[str, Micros], known: tuple[object, ...]
) -> None:
    notified = migrated.notified(cause)
    assert {channel: told.at for channel, told in notified.items()} == channels
    openings = {
        owed.channel: owed.id
        for owed in migrated.history.reader.notifications(incidents=[migrated.of(cause).id])
        if owed.event is Event.OPENED
    }
    for told in notified.values():
        assert memory(told)[: len(known)] == known
        assert (told.opened, told.page, told.version) == (openings[told.channel], 1, 1)


def test_an_opened_that_was_refused_has_nothing_after_it_but_another_try(migrated: Migrated) -> None:
    stored = {told.channel: told.refused for told in migrated.history.reader.notified([migrated.of("refused").id])}
    assert stored == {"hook": True, "oncall": False}
    again = migrated.notified("refused")["hook"]
    assert (again.refused, again.version) == (False, 2)
    assert next(owed.id for owed in migrated.restored.pending) == again.opened


def test_who_joined_since_is_not_known_to_the_channels(migrated: Migrated) -> None:
    one, two, three = (CheckId(f"unmeasured-{number}", "dicom_echo") for number in (1, 2, 3))
    assert migrated.of("dns").members == (one, two, three)
    assert {told.members for told in migrated.notified("dns").values()} == {(one, two)}


def test_the_member_of_an_open_incident_is_as_the_incident_and_its_time_follows_from_the_check(
    migrated: Migrated,
) -> None:
    for cause in ("untold", "told", "degraded", "unknown", "shadow"):
        incident = migrated.of(cause)
        (problem,) = incident.problems
        assert (problem.check, problem.due, problem.left) == (incident.members[0], 0, None)
        copied = ("state", "severity", "reason", "phase", "detail", "last_good", "since", "noticed")
        assert [getattr(problem, name) for name in copied] == [getattr(incident, name) for name in copied]
        assert (incident.linked, incident.group) == ((), "")
    for cause in ("ended", "dns", "oncall"):
        assert migrated.of(cause).problems == ()


def test_what_was_not_sent_has_its_reason_in_the_words_of_now_and_its_end(migrated: Migrated) -> None:
    def rows(cause: str) -> list[tuple[str, str | None, str, Micros, Micros | None]]:
        return [(row.event, row.channel, row.why, row.at, row.ended) for row in migrated.suppressed(cause)]

    assert rows("off") == [(Event.OPENED, None, "paging", at(140), None)]
    assert rows("nowhere") == [(Event.OPENED, None, Why.NO_CHANNEL, at(140), None)]
    assert rows("brief") == [(Event.OPENED, None, Why.PAGE_AFTER, at(160), at(160))]
    assert rows("unrouted") == [(Event.RESOLVED, "pager", Why.CHANNEL_REMOVED, at(340), at(340))]
    assert rows("silenced") == [(Event.CHANGED, channel, "paging", at(200), at(200)) for channel in ("hook", "oncall")]
    held = {one: rows for one, rows in migrated.restored.suppressed.items() if rows}
    assert {one: [row.why for row in rows] for one, rows in held.items()} == {
        migrated.of("off").id: ["paging"],
        migrated.of("nowhere").id: [Why.NO_CHANNEL],
    }


def test_what_had_ended_stays_ended(migrated: Migrated) -> None:
    open_now = {incident.id for incident in migrated.restored.incidents}
    for cause in ("ended", "brief", "unrouted"):
        assert migrated.of(cause).id not in open_now
        assert migrated.history.reader.notified([migrated.of(cause).id]) == ()
    assert migrated.restored.notified.keys() == open_now


async def test_it_is_written_on_and_what_a_leader_of_then_has_left_is_adopted(url: str) -> None:
    migrated = await migrate(url)
    history, told = migrated.history, migrated.notified("told")["hook"]
    await history.record(Entry(notified=(told.changed(page=2),)))
    assert next(t for t in history.reader.notified([told.incident]) if t.channel == "hook").page == 2
    assert await history.take_orphans(adopt=True) == ()
    restored = await history.restore()
    (left,) = (i for i in restored.incidents if i.cause == "brief/dicom_echo")
    (adopted,) = restored.notified[left.id]
    assert (adopted.channel, adopted.opened, adopted.state) == ("hook", "01JD0000000000000000000002", State.DOWN)
    (row,) = history.reader.suppressed([left.id])
    assert (row.event, row.channel, row.why, row.ended) == (Event.CHANGED, "oncall", "paging", row.at)
    history.close()
