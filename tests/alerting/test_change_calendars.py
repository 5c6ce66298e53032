"""Windows of a change calendar: they count from when they were read, and a stale calendar mutes nothing by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.alerting.events import CalendarRead, TasksFailing, event_id, recorded, restored
from pacs_monitor.alerting.events import Event as Happened
from pacs_monitor.alerting.words import Close, Extend, Finish
from pacs_monitor.fields import Match
from pacs_monitor.model import SECOND
from pacs_monitor.windows import Window
from tests.alerting.play import HEAD, T0, Play, an_estate, at
from tests.alerting.tables import Restarting
from tests.alerting.test_maintenance import NODES, spans

HOUR = 3600.0
FRESH = 24 * HOUR
ECHO = "archive/dicom_echo"
STALE = "calendar:changes"
ID = "01JDWINDOW000000000000000A"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, NODES, HEAD))


def window(start: float, end: float, identity: str = ID) -> Window:
    return Window(identity, "changes: patch", Match(node=("archive",), check=("dicom_echo",)), at(start), at(end))


def read(seconds: float, *windows: Window, until: float | None = None) -> CalendarRead:
    return CalendarRead("changes", at(seconds + FRESH if until is None else until), at(seconds), windows)


def test_its_events_are_windows(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR))).move(600, ECHO, "down").move(900, ECHO, "up").until(2 * HOUR)
    assert play.said() == []
    assert spans(play) == [(ECHO, 60, HOUR)]


def test_one_that_is_known_late_counts_only_from_then(play: Play) -> None:
    play.tell(1000, read(1000, window(-3600, 2000))).until(2500)
    assert spans(play) == [(ECHO, 1000, 2000)]


def test_one_that_the_calendar_no_longer_has_does_not_begin(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR))).tell(20, read(20)).move(600, ECHO, "down").until(700)
    assert play.said() == ["640 opened unreachable:archive"]
    assert spans(play) == []


def test_one_that_has_begun_ends_when_the_calendar_no_longer_has_it(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR))).tell(100, read(100)).until(200)
    assert spans(play) == [(ECHO, 60, 100)]


def test_its_end_is_moved(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR))).tell(100, read(100, window(60, 2 * HOUR))).until(3 * HOUR)
    assert spans(play) == [(ECHO, 60, 2 * HOUR)]


def test_what_is_as_before_need_not_be_said_again(play: Play) -> None:
    play.tell(10, read(10, window(2 * FRESH, 2 * FRESH + HOUR)))
    for n in range(1, 5):
        seconds = n * FRESH / 2
        play.tell(seconds, CalendarRead("changes", at(seconds + FRESH), at(seconds), None))
    play.until(2 * FRESH + 2 * HOUR)
    assert spans(play) == [(ECHO, 2 * FRESH, 2 * FRESH + HOUR)]
    assert play.open() == []


def test_a_stale_one_mutes_nothing_but_what_has_begun_and_is_told(play: Play) -> None:
    long, later = window(60, 2 * FRESH), window(1.5 * FRESH, 3 * FRESH, ID[:-1] + "B")
    play.tell(10, read(10, long, later)).until(FRESH + 9)
    assert play.open() == []
    play.until(FRESH + 10)
    assert play.open() == [STALE]
    assert [line for line in play.said() if STALE in line] == [f"{round(FRESH + 10)} opened {STALE}"] * len(
        {owed.channel for owed in play.heard}
    )
    play.move(2.5 * FRESH, ECHO, "down").until(2.5 * FRESH + 60)
    assert spans(play) == [(ECHO, 60, 2 * FRESH)]
    assert "unreachable:archive" in play.open()


def test_what_is_read_again_counts_again_and_ends_the_incident(play: Play) -> None:
    later = window(FRESH + HOUR, FRESH + 3 * HOUR)
    play.tell(10, read(10, later)).tell(FRESH + 2 * HOUR, read(FRESH + 2 * HOUR, later)).until(FRESH + 4 * HOUR)
    assert spans(play) == [(ECHO, FRESH + 2 * HOUR, FRESH + 3 * HOUR)]
    assert play.open() == []


def test_one_that_is_stale_when_it_is_read_mutes_nothing(play: Play) -> None:
    play.tell(10, read(10, window(0, HOUR), until=5)).until(HOUR)
    assert spans(play) == []
    assert play.open() == [STALE]


def test_one_that_never_could_be_read_is_told(play: Play) -> None:
    play.tell(10, CalendarRead("changes", at(FRESH))).until(FRESH + 60)
    assert play.open() == [STALE]


def test_one_that_is_configured_no_more_takes_its_windows_and_its_incident_with_it(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR), window(HOUR, 2 * HOUR, ID[:-1] + "B")))
    play.tell(100, CalendarRead("changes", None)).until(3 * HOUR)
    assert spans(play) == [(ECHO, 60, 100)]
    play.tell(4 * HOUR, read(0, until=HOUR)).tell(5 * HOUR, CalendarRead("changes", None)).until(6 * HOUR)
    assert play.open() == []


def test_what_people_have_changed_stays_so(play: Play) -> None:
    play.tell(10, read(10, window(60, HOUR), window(HOUR, 2 * HOUR, ID[:-1] + "B")))
    play.tell(100, Extend(ID, "it-duty", at(1.5 * HOUR))).tell(110, Finish(ID[:-1] + "B", "it-duty"))
    play.tell(200, read(200, window(60, HOUR), window(HOUR, 2 * HOUR, ID[:-1] + "B"))).until(3 * HOUR)
    assert spans(play) == [(ECHO, 60, 1.5 * HOUR)]


def test_its_incident_does_not_end_with_those_of_tasks_and_cannot_be_closed(play: Play) -> None:
    play.tell(10, CalendarRead("changes", at(20))).until(30)
    play.tell(40, TasksFailing(("writer",))).tell(50, TasksFailing(())).until(60)
    assert play.open() == [STALE]
    (incident,) = play.timeline.situation.subjects
    play.tell(70, Close(incident, "it-duty", "known")).until(80)
    assert play.open() == [STALE]
    refusal = play.decided[-1].effects.refusal
    assert refusal is not None
    assert "the calendar is read again" in refusal.why


def test_restarts_change_nothing(tmp_path: Path) -> None:
    def run(play: Play) -> Play:
        later = window(1.5 * FRESH, 3 * FRESH, ID[:-1] + "B")
        play.tell(10, read(10, window(60, HOUR), later)).tell(600, CalendarRead("changes", at(FRESH), at(600), None))
        play.tell(2 * FRESH, read(2 * FRESH, later)).move(2.5 * FRESH, ECHO, "down")
        return play.until(3 * FRESH + HOUR)

    estate = an_estate(tmp_path, NODES, HEAD)
    restarting = Restarting(estate, tmp_path)
    for seconds in (30, 700, HOUR, FRESH - 1, FRESH + 1, 1.7 * FRESH, 2 * FRESH + 1, 2.6 * FRESH):
        restarting.restart(seconds)
    one, other = run(Play(estate)), run(restarting)
    assert one.said() == other.said()
    assert spans(one) == spans(other) == [(ECHO, 60, HOUR), (ECHO, 2 * FRESH, 3 * FRESH)]


def test_the_event_is_on_record_as_it_was() -> None:
    for said in (read(10, window(60, HOUR)), CalendarRead("changes", None), CalendarRead("changes", 5, 4, None)):
        happened = Happened(event_id(T0, 1), T0 + SECOND, said)
        assert restored(recorded(happened)) == happened
