"""Statements and declared outages on record: added, never changed, and judged by what is there."""

from __future__ import annotations

from collections.abc import Callable

from pacs_monitor.evidence import About, Declared, Refused, Statement, What, overlapping, refusal
from pacs_monitor.history import History, Revision, declared_outages, statements_of, took_place
from pacs_monitor.history.people import ROLE
from pacs_monitor.model import SECOND, Entry, Maintained
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO


def said(number: int, what: What, moment: int | None = None, subject: str = "x", value: str = "") -> Statement:
    about = About.INCIDENT
    return Statement(f"{number:026d}", about, subject, what, START + number, "Ada", moment, value, "")


async def stated(history: History, *new: Statement) -> Refused | None:
    return await history.state(new, lambda known: refusal(known, new, START, tapped=False))


async def test_statements_are_judged_by_what_is_on_record_and_kept(
    reopen: Callable[[], History], clock: HandClock
) -> None:
    history = reopen()
    assert await stated(history, said(1, What.REPORTED, START), said(2, What.TICKET, value="4711")) is None
    assert await stated(history, said(3, What.REPORTED, START + 2)) is None
    refused = await stated(history, said(4, What.REPORTED, START + 2))
    assert refused is not None
    assert refused.is_conflict
    assert await stated(history, said(5, What.REPORTED, START, subject="y")) is None
    history = reopen()
    found = statements_of(history.reader, About.INCIDENT, ["x", "y", "z"])
    assert {subject: [one.id[-1] for one in of_it] for subject, of_it in found.items()} == {
        "x": ["1", "2", "3"],
        "y": ["5"],
    }
    assert found["x"][2] == said(3, What.REPORTED, START + 2)
    assert statements_of(history.reader, About.WINDOW, ["x"]) == {}


async def test_an_outage_is_declared_once_for_a_time(history: History) -> None:
    outage = Declared("0" * 26, START, "Ada", START - 10, START, "log of CT 2", node="archive")
    later = Declared("1" * 26, START, "Ada", START - 5, None, "log of CT 2", service="reading")
    assert await history.declare(outage, lambda known: overlapping(outage, known)) is None
    assert await history.declare(later, lambda known: overlapping(later, known)) is None
    again = Declared("2" * 26, START, "Ada", START - 5, START, "again", node="archive")
    assert await history.declare(again, lambda known: overlapping(again, known)) is not None
    assert [one for one, _ in declared_outages(history.reader)] == [outage, later]


async def test_names_become_roles_in_time(history: History, clock: HandClock) -> None:
    outage = Declared("0" * 26, START, "Ada", START - 10, START, "log of CT 2", node="archive")
    await history.declare(outage, lambda _: None)
    await stated(history, said(1, What.REPORTED, START))
    clock.move(401 * 86_400.0)
    await history.forget_people(round(400 * 86_400 * SECOND))
    ((found, _),) = declared_outages(history.reader)
    (one,) = statements_of(history.reader, About.INCIDENT, ["x"])["x"]
    assert (found.by, one.by, one.moment) == (ROLE, ROLE, START)


async def test_a_window_that_took_place_is_known(history: History) -> None:
    await history.adopt([ECHO], Revision("abc"))
    span = Maintained(ECHO, "w" * 26, START, None, "patching", None)
    await history.record(Entry(maintained=(span,)))
    assert took_place(history.reader, "w" * 26)
    assert not took_place(history.reader, "v" * 26)
