"""Windows from a change calendar: which events count, when they are, and what makes a calendar broken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.config import ConfigError, load
from pacs_monitor.config.change_calendar import LARGEST, LONGEST_TITLE, MOST_EVENTS, MOST_WINDOWS, windows_of
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.model import SECOND
from pacs_monitor.windows import Window
from tests.peers.change_calendar import calendar, event

NOW = round(datetime(2026, 11, 27, 8, 0, tzinfo=UTC).timestamp()) * SECOND
BERLIN = ZoneInfo("Europe/Berlin")


def series(*more: str) -> str:
    return event("PACS", "20261201T020000Z", "20261201T040000Z", *more, uid="s")


def entry(**wanted: str) -> MaintenanceSettings:
    settings = {"file": "changes.ics", "filter": wanted or {"summary": "*PACS*"}}
    return MaintenanceSettings.model_validate({"name": "changes", "match": {"node": "archive"}, "ical": settings})


def times(*events: str, **wanted: str) -> list[str]:
    found = windows_of(calendar(*events), entry(**wanted), BERLIN, NOW)
    return [f"{_local(one.start)} {_local(one.end)} {one.name}" for one in found]


def _local(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, BERLIN):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (event("PACS patch", "20261201T020000Z", "20261201T040000Z"), "12-01 03:00 12-01 05:00 changes: PACS patch"),
        (event("pacs", "20261201T020000", "20261201T040000"), "12-01 02:00 12-01 04:00 changes: pacs"),
        (event("PACS", "20261127T060000Z", "20261127T090000Z"), "11-27 07:00 11-27 10:00 changes: PACS"),
        (event("PACS", "20261127T060000Z", "20261127T070000Z"), ""),
        (event("PACS", "20270301T060000Z", "20270301T070000Z"), ""),
        (event("printer", "20261201T020000Z", "20261201T040000Z"), ""),
        (event("PACS", "20261201T020000Z", "20261201T040000Z", "STATUS:CANCELLED"), ""),
        (event("PACS", "20261201T020000Z", "20261201T040000Z", "STATUS:TENTATIVE"), ""),
        (event("PACS", "20261201T020000Z", "20261201T020000Z"), ""),
    ],
)
def test_an_event_counts_or_not(lines: str, expected: str) -> None:
    assert times(lines) == ([expected] if expected else [])


def test_a_whole_day_is_one_by_the_clocks_of_the_monitor() -> None:
    lines = "BEGIN:VEVENT\nUID:1\nSUMMARY:PACS\nDTSTART;VALUE=DATE:20261201\nEND:VEVENT"
    assert times(lines) == ["12-01 00:00 12-02 00:00 changes: PACS"]


def test_zones_of_windows_are_known() -> None:
    lines = event("PACS", "20261201T020000Z", "20261201T040000Z").replace(
        "DTSTART:20261201T020000Z", "DTSTART;TZID=W. Europe Standard Time:20261201T020000"
    )
    assert times(lines) == ["12-01 02:00 12-01 05:00 changes: PACS"]


def test_a_series_with_an_exception_and_a_time_that_was_moved() -> None:
    series = event(
        "PACS", "20261201T020000", "20261201T040000", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20261208T020000", uid="s"
    )
    moved = event("PACS", "20261216T030000", "20261216T040000", "RECURRENCE-ID:20261215T020000", uid="s")
    assert [one[:23] for one in times(series, moved)] == [
        "12-01 02:00 12-01 04:00",
        "12-16 03:00 12-16 04:00",
        "12-22 02:00 12-22 04:00",
    ]


@pytest.mark.parametrize("change", ["STATUS:CANCELLED", "SUMMARY:printer"])
def test_a_single_time_that_is_called_off_does_not_count(change: str) -> None:
    one = event("PACS", "20261208T020000Z", "20261208T040000Z", "RECURRENCE-ID:20261208T020000Z", uid="s")
    one = (
        one.replace("SUMMARY:PACS", change)
        if change.startswith("SUMMARY")
        else one.replace("END:V", f"{change}\nEND:V")
    )
    assert [line[:5] for line in times(series("RRULE:FREQ=WEEKLY;COUNT=3"), one)] == ["12-01", "12-15"]


CUSTOM = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE"""


def test_zones_of_its_own_and_of_the_whole_calendar_are_known() -> None:
    local = event("PACS", "20261201T020000", "20261201T040000")
    own = local.replace("DTSTART:", "DTSTART;TZID=Customized Time Zone:")
    own = own.replace("DTEND:", "DTEND;TZID=Customized Time Zone:")
    assert times(CUSTOM, own) == ["12-01 08:00 12-01 10:00 changes: PACS"]
    assert times(local, "X-WR-TIMEZONE:America/New_York") == ["12-01 08:00 12-01 10:00 changes: PACS"]


def test_categories_are_looked_at_each_for_itself() -> None:
    lines = event("patch", "20261201T020000Z", "20261201T040000Z", "CATEGORIES:IT,Radiology")
    assert len(times(lines, categories="radiology")) == 1
    assert times(lines, categories="radio") == []
    assert times(lines, categories="radiology", summary="*PACS*") == []


def test_of_an_event_nothing_is_kept_but_a_short_title() -> None:
    lines = event("PACS " + "x" * 500, "20261201T020000Z", "20261201T040000Z", "DESCRIPTION:secret", "LOCATION:secret")
    (window,) = windows_of(calendar(lines), entry(), BERLIN, NOW)
    assert len(window.name) == len("changes: ") + LONGEST_TITLE
    assert "secret" not in repr(window)


def test_an_event_keeps_its_id_until_it_is_moved() -> None:
    def ids(*events: str) -> list[str]:
        return [one.id for one in windows_of(calendar(*events), entry(), BERLIN, NOW)]

    one, two = (event("PACS", "20261201T020000Z", "20261201T040000Z", uid=uid) for uid in "ab")
    assert ids(one) == ids(one)
    assert len(set(ids(one, two))) == 2
    assert ids(one) != ids(one.replace("T020000Z", "T030000Z"))


def test_what_does_not_count_may_be_wrong() -> None:
    wrong = event("printer", "20261201T020000Z", "20261201T040000Z", "RRULE:FREQ=HOURLY", uid="2")
    assert times(wrong, event("PACS", "20261201T020000Z", "20261201T040000Z"))[0].endswith("PACS")
    assert times() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>log in</html>", "does not begin with BEGIN:VCALENDAR"),
        (b"", "does not begin with BEGIN:VCALENDAR"),
        (calendar(event("PACS", "20261201T020000Z", "20261201T040000Z"))[:-40], "has no END; is the file whole?"),
        (calendar(event("PACS", "soon", "20261201T040000Z")), "DTSTART"),
        (calendar(event("PACS", "20261201T02Z", "x", "RRULE:FREQ=HOURLY")), "DTSTART"),
        (calendar(event("PACS", "20261201T020000", "20261201T030000", "RRULE:FREQ=HOURLY")), "repeats it within a day"),
        (
            calendar(
                event("PACS", "20261201T020000", "20261201T030000").replace("DTSTART:", "DTSTART;TZID=Customized 1:")
            ),
            "name a zone of IANA",
        ),
        (b"\xff\xfe", "not UTF-8 text"),
        (b" " * (LARGEST + 1), "larger than 4 MiB"),
        (calendar(*["BEGIN:VEVENT\nEND:VEVENT"] * (MOST_EVENTS + 1)), "more than 5000 events"),
        (calendar(event("PACS", "20261201T020000Z", "20261201T010000Z")), "name a later DTEND"),
        (calendar(event("PACS", "20261201T020000Z", "20261201T030000")), "write DTSTART and DTEND alike"),
        (calendar(series("RRULE:FREQ=WEEKLY", "EXDATE;TZID=Customized 1:20261208T030000")), "the zone of EXDATE"),
        (calendar(series("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")), "no day is as its RRULE says"),
        (calendar(series("RRULE:FREQ=DAILY;INTERVAL=0")), "INTERVAL is 0"),
        (calendar(series("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY")), "it has several"),
        (calendar(event("PACS", "20260101T020000", "20270101T020000", "RRULE:FREQ=DAILY")), "shorten it"),
        (
            calendar(
                *(
                    event("PACS", "19700101T020000", "19700101T030000", "RRULE:FREQ=DAILY", uid=str(uid))
                    for uid in range(50)
                )
            ),
            "repeat too often",
        ),
        (
            calendar(
                "BEGIN:VEVENT\nDTSTART:20261201T020000Z", event("PACS", "20261201T020000Z", "20261201T030000Z")
            ).replace(b"END:VCALENDAR", b"RRULE:FREQ=DAILY;BYHOUR=1,2,3\nEND:VEVENT\nEND:VCALENDAR"),
            "an event is in no other one",
        ),
        (
            calendar(
                *(event("PACS", "20261201T020000", "20261201T030000", uid=str(uid)) for uid in range(MOST_WINDOWS + 1))
            ),
            "narrow the filter",
        ),
    ],
)
def test_a_broken_calendar_says_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        windows_of(content, entry(), BERLIN, NOW)
    assert words in str(raised.value)


def test_a_window_is_as_its_entry_says() -> None:
    settings = entry().model_copy(update={"by": "IT", "notify": "desk"})
    (window,) = windows_of(calendar(event("PACS", "20261201T020000Z", "20261201T040000Z")), settings, BERLIN, NOW)
    assert isinstance(window, Window)
    assert (window.by, window.notify, window.match.node) == ("IT", "desk", ("archive",))


HEAD = """monitor: {name: east, paging: off}
nodes: {archive: {host: 10.0.0.1, checks: {tcp: {port: 104}}}}
maintenance:
"""
FILE = 'ical: {file: changes.ics, filter: {summary: "*PACS*"}}'


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (FILE, ""),
        (FILE.replace("file: changes.ics", 'url: "https://changes.example.org/s3cret"'), ""),
        (FILE.replace("file: changes.ics", "url: changes"), "write https://host/path"),
        (FILE.replace("file: changes.ics, ", ""), "write one of file, url and url_file"),
        (FILE.replace("file: changes.ics", 'file: a.ics, url: "https://b.example.org/"'), "write one of file"),
        (FILE.replace('summary: "*PACS*"', ""), "write summary or categories"),
        ("ical: {file: changes.ics}", "filter"),
        (FILE.replace("filter", "stale_after: 1m, filter"), "write a longer stale_after"),
        (FILE + ", duration: 2h", "leave out start, duration"),
        ('start: "2026-01-11 02:00"', "the key 'duration' is missing"),
        ("duration: 2h", "the key 'start' is missing"),
        (FILE + "}\n  - {name: changes, match: {node: archive}, " + FILE, "write another name"),
    ],
)
def test_what_is_configured_is_fine_or_says_what_is_wrong(tmp_path: Path, keys: str, words: str) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text(HEAD + f"  - {{name: changes, match: {{node: archive}}, {keys}}}\n")
    try:
        load(file)
        said = []
    except ConfigError as error:
        said = [f"{one.path}: {one.message}" for one in error.problems]
    assert len(said) == bool(words), said
    assert not said or (words in said[0] and "s3cret" not in said[0])
