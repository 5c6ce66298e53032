"""Rotas as people write them: every error at once, at its own file and line, and what is told of gaps ahead."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacs_monitor.config import ConfigError, Estate, load
from pacs_monitor.config.canonical import canonical
from pacs_monitor.config.diff import diff
from pacs_monitor.config.recorded import of_record
from pacs_monitor.model import SECOND

MONITOR = """monitor: {name: m, timezone: Europe/Berlin, external_url: "https://m.example.org"}
channels:
  hook: {type: webhook, url: "https://hooks.example.org/pacs", token_file: hook.token}
  second: {type: webhook, url: "https://hooks.example.org/second"}
oncall:
  it: {rota: rota.yaml, otherwise: [second]COVERS}
routes: [{match: {severity: critical}, oncall: it, escalate: [{after: 15m, oncall: [it]}]}]
default_route: {channels: [hook]}
"""
ROTA = """people:
  anna: {channels: [hook, {use: hook, url: "https://hooks.example.org/anna"}]}
  ben: {channels: second}
shifts:
  - {order: [anna, ben], start: 2026-01-05, handover: "Mon 08:00"}
"""


def loaded(folder: Path, rota: str = ROTA, monitor: str = MONITOR, covers: str = "") -> Estate:
    (folder / "hook.token").write_text("a-token-of-some-length")
    (folder / "rota.yaml").write_text(rota)
    (folder / "monitor.yaml").write_text(monitor.replace("COVERS", f', covers: "{covers}"' if covers else ""))
    return load(folder / "monitor.yaml")


def problems(folder: Path, rota: str = ROTA, monitor: str = MONITOR) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, rota, monitor)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_rota_names_people_and_channels_of_their_own(tmp_path: Path) -> None:
    estate = loaded(tmp_path)
    assert estate.oncall["it"].people == (("anna", ("hook", "anna.hook")), ("ben", ("second",)))
    kind, settings = estate.channel_settings["anna.hook"]
    assert (kind, settings.model_dump()["token"].get_secret_value()) == ("webhook", "a-token-of-some-length")
    assert settings.model_dump()["url"].get_secret_value() == "https://hooks.example.org/anna"
    assert estate.routes[0].oncall == estate.routes[0].escalate[0].oncall == ("it",)
    assert not estate.warnings


def test_the_record_has_the_rota_and_reads_it_again(tmp_path: Path) -> None:
    rota = ROTA + (
        "  - {order: ben, start: 2026-01-05 07:00, rrule: FREQ=DAILY, hours: Sat-Sun 08:00-20:00, zone: Asia/Tokyo}\n"
        "overrides: [{who: ben, from: 2026-12-24 08:00, to: 2026-12-26}]\n"
        "vacations: [{who: anna, from: 2026-12-24, to: 2026-12-26}]\nat_once: 2\nzone: Australia/Lord_Howe\n"
    )
    estate = loaded(tmp_path, rota, covers="Mon-Fri 07:00-17:00")
    document = json.loads(canonical(estate))
    again = of_record(document, tmp_path / "monitor.yaml", estate.revision)
    assert (again.oncall, again.routes) == (estate.oncall, estate.routes)
    assert document["channels"]["anna.hook"]["settings"]["url"] == "********"


def test_a_number_of_a_person_is_not_on_record(tmp_path: Path) -> None:
    rota = ROTA.replace('url: "https://hooks.example.org/anna"', 'headers: {X-To: "+49 171 1234"}, method: PUT')
    document = canonical(loaded(tmp_path, rota)).decode()
    assert "1234" not in document
    assert json.loads(document)["channels"]["anna.hook"]["settings"]["method"] == "********"


def test_what_is_on_call_is_part_of_the_revision(tmp_path: Path) -> None:
    before = loaded(tmp_path)
    after = loaded(tmp_path, ROTA.replace("[anna, ben]", "[ben, anna]"))
    assert before.revision != after.revision
    assert diff(before, after).lines() == ["oncall changed"]


def test_a_day_alone_is_whole(tmp_path: Path) -> None:
    estate = loaded(tmp_path, ROTA + "vacations: [{who: anna, from: 2026-01-06, to: 2026-01-06}]\n")
    oncall = estate.oncall["it"]
    for text, who in (("05T23:59", "anna"), ("06T00:00", "ben"), ("06T23:59", "ben"), ("07T00:00", "anna")):
        at = round(datetime.fromisoformat(f"2026-01-{text}+01:00").timestamp()) * SECOND
        assert oncall.at(at).people == (who,)


def test_gaps_of_the_next_two_weeks_are_told_and_only_where_the_rota_covers_them(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    day = (now + timedelta(days=3)).date()
    away = f"vacations: [{{who: anna, from: {day}, to: {day}}}, {{who: ben, from: {day}, to: {day}}}]\n"
    (warning,) = loaded(tmp_path, ROTA + away).warnings
    assert (warning.line, warning.path) == (6, "oncall.it.rota")
    assert warning.message.startswith(f"nobody is on call from {day:%a %Y-%m-%d} 00:00 to ")
    assert not loaded(tmp_path, ROTA + away, covers=f"{now + timedelta(days=5):%a} 08:00-12:00").warnings


OFTEN = ", ".join(f"{hour:02}:{minute}" for hour in range(7) for minute in ("00", "30"))


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("[anna, ben]", "[anna, bne]", "rota.yaml:5: oncall.it.shifts[0].order[1]: unknown person 'bne'; did you mean"),
        ("second", "secnd", "rota.yaml:3: oncall.it.people.ben.channels: unknown channel 'secnd'; did you mean"),
        ("use: hook", "use: hok", "rota.yaml:2: oncall.it.people.anna.channels[1]: unknown channel 'hok'"),
        ("use: hook, ", "", "rota.yaml:2: oncall.it.people.anna.channels[1]: write use: CHANNEL"),
        ('{use: hook, url', '{use: hook, ulr', "rota.yaml:2: oncall.it.people.anna.channels[1]: unknown key 'ulr'"),
        ("handover: ", "handovr: ", "rota.yaml:5: oncall.it.shifts[0]: unknown key 'handovr'; did you mean"),
        ("Mon 08:00", "Mon 8am", "is not a time; write 07:00"),
        (', handover: "Mon 08:00"', "", "rota.yaml:5: oncall.it.shifts[0]: write one of handover and rrule"),
        ('handover: "Mon 08:00"', f'handover: "{OFTEN}"', "is handed over more than 13 times a day"),
        ('handover: "Mon 08:00"', "rrule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never begins"),
        ("people:", "peopel:", "unknown key 'peopel'; did you mean 'people'?"),
        ("shifts:", "shift:", "unknown key 'shift'; did you mean 'shifts'?"),
        ("shifts:", "overrides: [{who: anna, from: 2026-12-26, to: 2026-12-25}]\nshifts:", "[0].to: name a later end"),
        ("shifts:", "vacations: [{who: annna, from: 2026-12-24, to: 2026-12-25}]\nshifts:", "unknown person 'annna'"),
        ("2026-01-05", "5.1.2026", "'5.1.2026' is not a time; write 2026-12-24 02:00"),
        ("ben: {channels: second}", "ben: {channels: second}\n  ben: {channels: hook}", "'ben'"),
        ("people:", "zone: Berlin\npeople:", "rota.yaml:1: oncall.it.zone: 'Berlin' is not a time zone"),
        ("people:", "at_once: 0\npeople:", "rota.yaml:1: oncall.it.at_once: '0' must be at least 1"),
        ("people:", "people: [", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    assert wrong in ROTA
    assert any(told in problem for problem in problems(tmp_path, ROTA.replace(wrong, right, 1)))


def test_every_error_is_told_at_once_whichever_file_it_is_in(tmp_path: Path) -> None:
    rota = ROTA.replace("[anna, ben]", "[anna, bne]").replace("second", "secnd") + "zone: Berlin\n"
    monitor = MONITOR.replace("oncall: it,", "oncall: ti,").replace("[second]", "[scond]")
    assert [problem.split(": ")[0] for problem in problems(tmp_path, rota, monitor)] == [
        *("monitor.yaml:6", "monitor.yaml:7", "rota.yaml:3", "rota.yaml:5", "rota.yaml:6")
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("rota.yaml", "rotas.yaml", "cannot be read: No such file or directory"),
        (", otherwise: [second]", "", "the key 'otherwise' is missing"),
        ("oncall: it, ", "", "the key 'channels' is missing; or name who is on call with oncall: NAME"),
        ("{after: 15m, oncall: [it]}", "{after: 15m}", "write channels: [CHANNEL] or oncall: NAME"),
        ("second: {", "anna.hook: {", "rename channel 'anna.hook' of monitor.yaml"),
    ],
)
def test_what_monitor_yaml_says_of_it_is_checked(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    assert wrong in MONITOR
    assert any(told in problem for problem in problems(tmp_path, monitor=MONITOR.replace(wrong, right, 1)))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (problem,) = problems(tmp_path, monitor=MONITOR.replace("rota.yaml", "fifo"))
    assert problem.endswith("fifo' cannot be read: it is not a regular file")


def test_overrides_that_others_hide_and_those_of_people_who_are_away_are_told(tmp_path: Path) -> None:
    rota = ROTA + (
        "overrides:\n  - {who: anna, from: 2026-12-24, to: 2026-12-26}\n"
        "  - {who: ben, from: 2026-12-26 08:00, to: 2026-12-27}\n"
        "vacations: [{who: ben, from: 2026-12-27, to: 2026-12-31}]\n"
    )
    assert [(one.line, one.message.partition(",")[0]) for one in loaded(tmp_path, rota).warnings] == [
        (7, "overlaps with a later one"),
        (8, "ben is on vacation in this time; on call nevertheless"),
    ]
    assert len(loaded(tmp_path, rota + "at_once: 2\n").warnings) == 1


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//hospital//rota
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260105T200000
DTEND;TZID=Europe/Berlin:20260106T080000
RRULE:FREQ=DAILY
SUMMARY:Anna
DESCRIPTION:phone +49 171 5555
END:VEVENT
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20260110T200000
DTSTART;TZID=Europe/Berlin:20260110T200000
DTEND;TZID=Europe/Berlin:20260111T080000
SUMMARY:night shift
ATTENDEE;CN=Ben B:mailto:Ben@Example.org
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260801
DTEND;VALUE=DATE:20260808
SUMMARY:ben
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260808
DTEND;VALUE=DATE:20260815
SUMMARY:Frau A.
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTAMP:20260101T000000Z
DTSTART:20260120T080000Z
DTEND:20260120T090000Z
STATUS:CANCELLED
SUMMARY:ben
END:VEVENT
END:VCALENDAR
"""
LONG_AGO = [
    f"BEGIN:VEVENT\nUID:long{n}\nSUMMARY:anna\nDTSTART:19700101T080000Z\nDTEND:19700101T090000Z\nRRULE:FREQ=DAILY\n"
    "END:VEVENT"
    for n in range(5)
]
BY_CALENDAR = """people:
  anna: {channels: hook, known_as: ["Frau A."]}
  ben: {channels: second, known_as: [ben@example.org]}
ical: {file: shifts.ics}
"""


def who(estate: Estate, moment: str) -> tuple[str, ...]:
    return estate.oncall["it"].at(round(datetime.fromisoformat(moment).timestamp()) * SECOND).people


def test_the_events_of_a_calendar_are_shifts_by_their_title_or_who_attends(tmp_path: Path) -> None:
    (tmp_path / "shifts.ics").write_text(ICS)
    estate = loaded(tmp_path, BY_CALENDAR)
    assert who(estate, "2026-01-06T03:00+01:00") == who(estate, "2026-01-09T23:00+01:00") == ("anna",)
    assert who(estate, "2026-01-11T03:00+01:00") == ("ben",), "one time of a recurring event is somebody else's"
    assert who(estate, "2026-01-20T08:30Z") == (), "a cancelled event is none"
    for night, end in (("2026-03-29", "+02:00"), ("2026-10-25", "+01:00")):
        assert who(estate, f"{night}T07:59{end}") == ("anna",)
        assert who(estate, f"{night}T08:00{end}") == ()
    week = estate.oncall["it"].at(round(datetime.fromisoformat("2026-08-07T23:59+02:00").timestamp()) * SECOND)
    assert week.end == round(datetime.fromisoformat("2026-08-08T00:00+02:00").timestamp()) * SECOND
    assert who(estate, "2026-08-08T00:00+02:00") == ("anna",), "whole days in a row have no gap between them"


def test_a_calendar_is_on_record_with_names_and_times_alone(tmp_path: Path) -> None:
    (tmp_path / "shifts.ics").write_text(ICS)
    estate = loaded(tmp_path, BY_CALENDAR)
    document = canonical(estate).decode()
    assert "5555" not in document
    assert "xample.org\\r" not in document
    again = of_record(json.loads(document), tmp_path / "monitor.yaml", estate.revision)
    assert again.oncall == estate.oncall
    assert who(again, "2026-01-11T03:00+01:00") == ("ben",)
    (tmp_path / "shifts.ics").write_text(ICS.replace("SUMMARY:ben", "SUMMARY:anna"))
    assert loaded(tmp_path, BY_CALENDAR).revision != estate.revision


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        (
            "SUMMARY:Anna",
            "SUMMARY:Anan",
            "shifts.ics:4: this event is of nobody in people: 'Anan'; did you mean 'anna'?",
        ),
        ("END:VCALENDAR", "", "shifts.ics:1: BEGIN:VCALENDAR has no END"),
        ("TZID=Europe/Berlin:20260105", "TZID=Bed:20260105", "name a zone of IANA"),
        ("FREQ=DAILY", "FREQ=HOURLY", "RRULE repeats it within a day"),
        ("END:VCALENDAR", "\n".join((*LONG_AGO, "END:VCALENDAR")), "its events repeat too often since then"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_told_at_its_line(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    (tmp_path / "shifts.ics").write_text(ICS.replace(wrong, right, 1))
    (problem,) = problems(tmp_path, BY_CALENDAR)
    assert problem.startswith("rota.yaml:4: oncall.it.ical.file: ")
    assert told in problem
