"""Calendars of the configuration: what they except, whom they serve, and every fault at its line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.calendars import Calendar
from pacs_monitor.config import Estate, canonical, of_record
from pacs_monitor.model import SECOND, CheckId, Micros
from tests.support.estates import loaded, messages

HEAD = "monitor: {name: east, timezone: Europe/Berlin}\ndefault_route: {channels: []}\n"
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//hospital//EN
X-WR-CALNAME:Holidays of Mrs Miller
BEGIN:VEVENT
UID:1
SUMMARY:Operating theatre closed\\, ask
  Dr Miller
DTSTART;VALUE=DATE:20201224
RRULE:FREQ=YEARLY
EXDATE;VALUE=DATE:20271224
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;TZID=Europe/Berlin:20261202T120000
DTEND;TZID=Europe/Berlin:20261202T150000
RRULE:FREQ=MONTHLY;BYDAY=1WE
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20261207
DTEND;VALUE=DATE:20261209
END:VEVENT
BEGIN:VEVENT
UID:4
STATUS:CANCELLED
DTSTART;VALUE=DATE:20261210
END:VEVENT
END:VCALENDAR
"""


def estate(folder: Path, calendars: str, rest: str = "") -> Estate:
    return loaded(folder, f"{HEAD}calendars:\n{calendars}\n{rest}")


def core(folder: Path, *exceptions: str) -> Calendar:
    hours = '"Mon-Fri 06:00-20:00"'
    return estate(folder, f"  core: {{hours: {hours}, except: [{', '.join(exceptions)}]}}").calendars["core"]


def at(text: str) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND


def open_at(calendar: Calendar, *moments: str) -> list[bool]:
    return [calendar.is_open(at(moment)) for moment in moments]


def test_dates_and_ranges_are_closed(tmp_path: Path) -> None:
    calendar = core(tmp_path, "2026-12-24", "2026-12-28..2026-12-30")
    days = [f"2026-12-{day}T12:00" for day in (23, 24, 28, 29, 30, 31)]
    assert open_at(calendar, *days) == [True, False, False, False, False, True]


def test_public_holidays_are_those_of_the_country_and_of_the_region(tmp_path: Path) -> None:
    days = "2026-01-06T12:00", "2026-05-01T12:00", "2027-05-06T12:00", "2027-05-07T12:00"
    assert open_at(core(tmp_path, "{country: DE, region: BY}"), *days) == [False, False, False, True]
    assert open_at(core(tmp_path, "{country: DE}"), *days) == [True, False, False, True]


def test_an_ics_file_closes_its_days_those_that_recur_too(tmp_path: Path) -> None:
    (tmp_path / "holidays.ics").write_text(ICS)
    calendar = core(tmp_path, "holidays.ics")
    assert open_at(calendar, "2026-12-24T12:00", "2027-12-24T12:00", "2029-12-24T12:00") == [False, True, False]
    assert open_at(calendar, "2026-12-02T11:59", "2026-12-02T12:00", "2026-12-02T15:00") == [True, False, True]
    assert open_at(calendar, "2027-01-06T13:00", "2027-01-07T13:00") == [False, True]
    assert open_at(calendar, "2026-12-07T12:00", "2026-12-08T12:00", "2026-12-09T12:00") == [False, False, True]
    assert open_at(calendar, "2026-12-10T12:00") == [True], "a cancelled event closes nothing"


def test_what_the_events_of_a_file_are_called_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "holidays.ics").write_text(ICS)
    found = estate(tmp_path, "  core: {hours: 24x7, except: [holidays.ics]}")
    assert "Miller" not in repr(found.calendars)
    assert b"Miller" not in canonical(found)


def test_a_calendar_outside_of_another(tmp_path: Path) -> None:
    found = estate(
        tmp_path,
        '  nights: {not: core, except: [2026-12-31]}\n  core: {hours: "Mon-Fri 06:00-20:00", except: [2026-12-24]}',
    )
    assert open_at(found.calendars["nights"], "2026-12-23T12:00", "2026-12-24T12:00", "2026-12-31T23:00") == [
        False,
        True,
        False,
    ]


USERS = """
sites: {east: {calendar: core}}
channels: {hook: {type: webhook, url: "https://h"}}
routes: [{match: {node: ris}, channels: [hook], calendar: nights}]
nodes:
  ris: {host: h, site: east, calendar: core, checks: {ping: , tcp: {port: 1, calendar: nights}}}
  pacs: {host: h, checks: {ping: }}
"""
BOTH = """  core:
    hours: "Mon-Fri 06:00-20:00"
    except: [2026-12-24, {country: DE, region: BY}, h.ics]
    opening_grace: 45m
  nights: {not: core}"""


def test_routes_nodes_and_checks_have_the_calendar_itself(tmp_path: Path) -> None:
    (tmp_path / "h.ics").write_text(ICS)
    found = estate(tmp_path, BOTH, USERS)
    core, nights = found.calendars["core"], found.calendars["nights"]
    assert (found.routes[0].calendar, found.default_route.calendar) == (nights, None)
    calendars = {str(check.id): check.calendar for check in found.checks.values()}
    assert calendars == {"ris/ping": core, "ris/tcp": nights, "pacs/ping": None}


def test_a_replay_has_the_calendars_of_the_record(tmp_path: Path) -> None:
    (tmp_path / "h.ics").write_text(ICS)
    found = estate(tmp_path, BOTH, USERS)
    (tmp_path / "h.ics").unlink()
    again = of_record(json.loads(canonical(found)), found.file, found.revision)
    assert again.calendars == found.calendars
    assert [route.calendar for route in again.routes] == [route.calendar for route in found.routes]
    assert again.checks[CheckId("ris", "tcp")].calendar == found.calendars["nights"]


def test_another_ics_file_is_another_calendar(tmp_path: Path) -> None:
    (tmp_path / "h.ics").write_text(ICS)
    before = estate(tmp_path, BOTH, USERS)
    (tmp_path / "h.ics").write_text(ICS.replace("20261207", "20261206"))
    after = estate(tmp_path, BOTH, USERS)
    assert before.calendars != after.calendars
    assert before.checks != after.checks


@pytest.mark.parametrize(
    ("calendar", "wrong"),
    [
        ("{hours: 24x7, not: core}", "calendars.x: needs exactly one of 'hours' and 'not'"),
        ("{opening_grace: 5m}", "calendars.x: needs exactly one of 'hours' and 'not'"),
        ("{not: cor}", "calendars.x.not: unknown calendar 'cor'; did you mean 'core'?"),
        ("{not: y}", "calendars.x.not: is circular: x -> y -> x"),
        ("{not: always}", "calendars.x: is never open; shorten 'except', or write other hours"),
        (
            '{hours: "Mon 06:00-07:00", opening_grace: 1h}',
            "calendars.x.opening_grace: is never open for longer than this, so nothing is ever paged; shorten it",
        ),
        (
            "{hours: 24x7, except: [24.12.]}",
            (
                "calendars.x.except[0]: '24.12.' is neither a date (2026-12-24), a range (2026-12-24..2026-12-31) nor "
                "an .ics file; for public holidays write {country: DE, region: BY}"
            ),
        ),
        ("{hours: 24x7, except: [2026-02-30]}", "calendars.x.except[0]: '2026-02-30' names a day that does not exist"),
        (
            "{hours: 24x7, except: [2026-12-24..2026-12-01]}",
            "calendars.x.except[0]: '2026-12-24..2026-12-01' ends before it begins",
        ),
        ("{hours: 24x7, except: [{country: DEU}]}", "calendars.x.except[0]: unknown country 'DEU'; did you mean 'DE'?"),
        (
            "{hours: 24x7, except: [{country: DE, region: Bayern}]}",
            (
                "calendars.x.except[0]: unknown region of DE 'Bayern'; known here: Augsburg, BB, BE, BW, BY, HB, HE, "
                "HH, MV, NI, NW, RP, SH, SL, SN, ST, TH"
            ),
        ),
        (
            "{hours: 24x7, except: [{contry: DE}]}",
            "calendars.x.except[0]: unknown key 'contry'; did you mean 'country'?",
        ),
        (
            "{hours: 24x7, except: [{region: BY}]}",
            "calendars.x.except[0]: the key 'country' is missing; write {country: DE, region: BY}",
        ),
        ("{hours: 24x7, except: [none.ics]}", "calendars.x.except[0]: 'none.ics' does not exist or is not a file"),
    ],
)
def test_a_fault_is_told_at_its_place(calendar: str, wrong: str, tmp_path: Path) -> None:
    text = f"{HEAD}calendars:\n  core: {{hours: 24x7}}\n  always: {{hours: 24x7}}\n  x: {calendar}\n  y: {{not: x}}\n"
    found = messages(tmp_path, text)
    assert f"6: {wrong}" in found


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("20201224", "20201324", ":9: DTSTART of this event is wrong: Wrong date format 20201324"),
        ("FREQ=YEARLY", "FREQ=YEARLI", ":10: RRULE of this event is wrong: Expected frequency, got: YEARLI"),
        ("FREQ=YEARLY", "FREQ=MINUTELY", ":10: RRULE repeats it within a day; write FREQ=DAILY or rarer"),
        ("DTSTART;VALUE=DATE:20201224\n", "", ":5: this event has no DTSTART, so nothing says when it is"),
        ("UID:2", "UID 2", ":14: is not a line of a calendar by RFC 5545 3.1; it needs NAME:VALUE"),
        ("END:VCALENDAR\n", "", ":1: BEGIN:VCALENDAR has no END; is the file whole?"),
        ("UID:4\n", "UID:4\nEND:VTODO\n", ":26: END:VTODO does not end what was begun last"),
        ("BEGIN:VCALENDAR\n", "<html>\n", ":1: is not a calendar by RFC 5545: it does not begin with BEGIN:VCALENDAR"),
        ("Dr Miller", "Dr M\udcfcller", ":8: is not UTF-8 text"),
        (ICS, "BEGIN:VCALENDAR\nEND:VCALENDAR\n", ":1: has no event (VEVENT), so it closes nothing"),
        (ICS, "", ":1: is not a calendar by RFC 5545: it does not begin with BEGIN:VCALENDAR"),
    ],
)
def test_a_broken_ics_file_is_told_with_its_line(old: str, new: str, wrong: str, tmp_path: Path) -> None:
    assert old in ICS
    (tmp_path / "h.ics").write_bytes(ICS.replace(old, new, 1).encode(errors="surrogateescape"))
    (message,) = messages(tmp_path, f"{HEAD}calendars:\n  core: {{hours: 24x7, except: [h.ics]}}\n")
    assert message == f"4: calendars.core.except[0]: h.ics{wrong}"
