"""What alerting decided is on record: as it was, once however often it is written, and back after a restart."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pacs_monitor.history import History, Revision
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import (
    Ending,
    Entry,
    Event,
    FailureClass,
    Incident,
    Note,
    Notified,
    Phase,
    Problem,
    Reason,
    Recorded,
    Severity,
    State,
    Suppressed,
    Unreachable,
    Why,
)
from tests.history.conftest import START, HandClock, Opener
from tests.history.things import DISK, ECHO, STORE, incident

BAD = Problem(
    *(ECHO, State.DOWN, Severity.CRITICAL, Reason.TCP_REFUSED, Phase.CONNECT, "refused"),
    *(START - 10, START, START + 10, START + 70),
)
WORSE = replace(BAD, check=STORE, detail="refused too", left=START + 50)
EVENT = Recorded("01JD0000000000000000000100", START, "due", {"subject": "x"})


def an_incident(*problems: Problem) -> Incident:
    return incident(START, members=(STORE, ECHO, DISK), problems=problems, linked=("01JA", "01JB"), group="01JC")


def told(about: Incident, channel: str = "hook", **more: object) -> Notified:
    fields = {"worst": FailureClass.UNREACHABLE, "members": (ECHO, STORE), "page": 2, "shadow": True, "refused": True}
    first = Notified(about.id, channel, START + 70, "01JO", State.DOWN, Severity.CRITICAL, **fields)  # type: ignore[arg-type]
    return replace(first, **more)  # type: ignore[arg-type]


def an_entry() -> Entry:
    about = an_incident(WORSE, BAD)
    held = Suppressed(about.id, Event.OPENED, "dependency", START, "oncall", "fw-1")
    everywhere = Suppressed(about.id, Event.OPENED, Why.PAGE_AFTER, START)
    return Entry(
        incidents=(about,),
        suppressed=(held, everywhere),
        notified=(told(about), told(about, "oncall", opened="01JP", shadow=False, refused=False)),
        events=(EVENT,),
        unreachable=(Unreachable(ECHO, "fw-1", START, None), Unreachable(DISK, "west", START, START + 5)),
        notes=(Note("differs", about.id, {"since": START}), Note("behind", str(ECHO), {"parent": "fw-1"})),
    )


async def test_what_was_decided_is_read_back_equal_and_twice_is_once(history: History) -> None:
    entry, reader = an_entry(), history.reader
    (about,) = entry.incidents
    for _ in range(2):
        await history.record(entry)
        assert reader.incidents() == entry.incidents
        assert reader.notified([about.id]) == entry.notified
        assert reader.suppressed([about.id]) == entry.suppressed
        assert tuple(reader.events()) == entry.events
        assert sorted(reader.notes()) == sorted(entry.notes)
        assert reader.unreachable() == {
            ECHO: (Interval(START, FOREVER),),
            DISK: (Interval(START, START + 5),),
        }
        found = reader.incident(about.id)
        assert found is not None
        assert found.suppressed == entry.suppressed


@pytest.mark.parametrize("seed", range(3))
async def test_in_any_order_and_any_number_the_last_version_stays(history: History, seed: int) -> None:
    first = an_entry()
    (about,) = first.incidents
    later = told(about).changed(page=3, refused=False)
    second = Entry(
        incidents=(about.changed(problems=(WORSE, replace(BAD, left=START + 90)), linked=(), group=""),),
        notified=(later,),
        suppressed=(replace(first.suppressed[0], ended=START + 40),),
        unreachable=(Unreachable(ECHO, "fw-1", START, START + 60),),
    )
    third = Entry(incidents=(second.incidents[0].changed(ended=START + 100, ending=Ending.RESOLVED),))
    await history.record(first)  # what refers to an incident comes after it
    for entry in random.Random(seed).sample([first, second, third] * 3, 9):
        await history.record(entry)
    assert history.reader.incidents() == third.incidents
    assert {one.channel: (one, one.version) for one in history.reader.notified([about.id])} == {
        "hook": (later, 2),
        "oncall": (first.notified[1], 1),
    }
    assert {row.why: row.ended for row in history.reader.suppressed([about.id])} == {
        "dependency": START + 40,
        Why.PAGE_AFTER: None,
    }
    assert history.reader.unreachable()[ECHO] == (Interval(START, START + 60),)


async def test_a_note_that_is_written_again_late_does_not_undo_what_came_after(history: History) -> None:
    def noted(number: int, *notes: Note) -> Entry:
        return Entry(events=(replace(EVENT, id=f"{EVENT.id[:-1]}{number}"),), notes=notes)

    first = noted(1, Note("differs", "a", {"since": 1}), Note("differs", "b", {"since": 1}))
    then = noted(2, Note("differs", "a", {"since": 2}), Note("differs", "a", {"since": 3}), Note("differs", "b", None))
    for entry in (first, then, first):
        await history.record(entry)
    assert history.reader.notes() == (Note("differs", "a", {"since": 3}),)
    await history.record(noted(3, Note("differs", "a", None)))
    assert history.reader.notes() == ()


async def test_events_are_read_in_the_order_in_which_they_were_decided(history: History) -> None:
    events = [
        Recorded("01JD0000000000000000000103", START + 5, "measured", {"check": ["archive", "dicom_echo"]}),
        Recorded("01JD0000000000000000000101", START + 5, "due", {"subject": "x"}),
        Recorded("01JD0000000000000000000102", START + 7, "due", {"subject": "y"}),
        Recorded("01JD0000000000000000000100", START + 3, "clock_set", {"step": -4}),
    ]
    await history.record(Entry(events=tuple(events[:2])))
    await history.record(Entry(events=tuple(events)))
    assert tuple(history.reader.events()) == tuple(events)
    assert tuple(history.reader.events(START + 5, START + 7)) == tuple(events[:2])
    assert tuple(history.reader.events(START + 8)) == ()


async def test_what_ends_outside_an_interval_is_not_in_it(history: History) -> None:
    await history.record(an_entry())
    assert history.reader.unreachable(START + 5, START + 6).keys() == {ECHO}
    assert history.reader.unreachable(START, START + 1).keys() == {ECHO, DISK}
    assert history.reader.unreachable(START - 9, START) == {}


async def test_a_restart_brings_back_what_alerting_needs(reopen: Opener, clock: HandClock) -> None:
    history, entry = reopen(), an_entry()
    await history.adopt([ECHO, STORE, DISK], Revision("r"))
    (about,) = entry.incidents
    over = replace(entry.suppressed[0], channel="hook", ended=START + 1)
    ended = incident(START, members=(DISK,), ended=START + 7, ending=Ending.MERGED)
    await history.record(replace(entry, suppressed=(*entry.suppressed, over)))
    await history.record(Entry(incidents=(ended,), notified=(told(ended),)))
    back = await reopen().restore()
    assert back.incidents == (about,)
    assert back.notified == {about.id: entry.notified}
    assert back.suppressed == {about.id: entry.suppressed}
    assert sorted(back.notes) == sorted(entry.notes)
    assert {check: standing.troubled for check, standing in back.standings.items()} == {
        ECHO: True,
        STORE: False,
        DISK: True,
    }


async def test_two_monitors_share_a_database_and_no_decision(history: History, url: str, clock: HandClock) -> None:
    west = History.open(url, "west", clock)
    await west.record(an_entry())
    west.close()
    reader = history.reader
    assert (tuple(reader.events()), reader.notes(), reader.unreachable()) == ((), (), {})


async def test_what_ended_and_began_again_at_the_same_moment_is_open_and_a_second_writing_ends_nothing(
    history: History,
) -> None:
    first = an_entry()
    (about,) = first.incidents
    held, span = first.suppressed[0], first.unreachable[0]
    over = Entry(
        suppressed=(replace(held, ended=START),),
        unreachable=(span._replace(until=START + 1),),
        events=(replace(EVENT, id="01JD0000000000000000000200"),),
    )
    again = Entry(suppressed=(held,), unreachable=(span,), events=(replace(EVENT, id="01JD0000000000000000000300"),))
    for entry in (first, over, again, first, again):
        await history.record(entry)
    assert held in history.reader.suppressed([about.id])
    assert history.reader.unreachable()[ECHO] == (Interval(START, FOREVER),)

    last = replace(over, events=(replace(EVENT, id="01JD0000000000000000000400"),))
    for entry in (last, first, again):
        await history.record(entry)
    assert replace(held, ended=START) in history.reader.suppressed([about.id])
    assert history.reader.unreachable()[ECHO] == (Interval(START, START + 1),)
