"""The constancy log: what a day comes to, what a page says, and that nothing is filled in."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pacs_monitor.config import canonical
from pacs_monitor.history import Explanation, HeartbeatBatch, History, ResultAccumulator, Revision, Transmission
from pacs_monitor.language import speaking
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Entry,
    Measurement,
    Micros,
    Outcome,
    Reason,
    Result,
    State,
    Status,
    StoredObject,
    Transition,
)
from pacs_monitor.reports import browser, constancy, parse, printed
from pacs_monitor.reports.constancy import days
from tests.history.conftest import HandClock
from tests.support.estates import loaded

ZONE = "Europe/Berlin"
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
STORE, ECHO = CheckId("archive", "dicom_store"), CheckId("archive", "dicom_echo")
ESTATE = """
monitor: {name: east-campus, timezone: Europe/Berlin, ae_title: PACSMON}
default_route: {channels: []}
calendars:
  working: {hours: "Mon-Fri 06:00-20:00", except: [2026-09-09]}
nodes:
  archive:
    title: Main archive
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks:
      dicom_echo:
      dicom_store: {enabled_by: change 4711, cleanup: retention, verify_on: [reader]}
  reader:
    title: Teleradiologist
    host: 10.0.0.2
    dicom: {port: 104, ae_title: READER}
constancy: {checks: archive/dicom_store, route: "CT 2 → archive → teleradiologist", calendar: working, by: Dr. Weber}
"""


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> Micros:
    return round(datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND


def uid(when: Micros) -> str:
    return f"2.25.{when}0123456789012345678901"


def sent(when: Micros, reason: Reason | None = None, *, size: int = 40_000, check: CheckId = STORE) -> Result:
    """A run: taken in 0.5 s, found after 1.5 s here and 2.5 s there, unless it failed."""
    if reason is not None:
        return Result(check, "dicom_store", Outcome.of(reason, detail="as the peer says"), when, 0.2)
    measured = (
        Measurement("store_object_bytes", size),
        Measurement("store_seconds", 0.5),
        Measurement("store_available_seconds", 1.5, (("on", "archive"),)),
        Measurement("store_available_seconds", 2.5, (("on", "reader"),)),
    )
    stored = StoredObject("1.2.840.10008.5.1.4.1.1.7", uid(when), "find")
    return Result(check, "dicom_store", Outcome(Status.OK, measurements=measured, stored=stored), when, 3.2)


class Record:
    """A history that a test writes day by day."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.said = folder, HandClock(), 0
        self.url = f"sqlite:///{folder}/pacs-monitor.db"
        self.open(at(9, 1, 5))

    def open(self, when: Micros) -> None:
        self.clock.time = when
        self.history = History.open(self.url, "east-campus", self.clock, gap=DAY)

    async def adopt(self, text: str = ESTATE, revision: str = "a1b2c3d4") -> None:
        estate = loaded(self.folder, text)
        await self.history.adopt(estate.checks.keys(), Revision(revision, "it-duty", "", canonical(estate)))

    async def live(self, until: Micros, results: Sequence[Result] = ()) -> None:
        """Heartbeats up to a time."""
        while self.clock.time < until:
            self.clock.time = min(self.clock.time + 12 * HOUR, until)
            await asyncio.wrap_future(self.history.beat(HeartbeatBatch(self.clock.time)))
        await asyncio.wrap_future(self.history.beat(HeartbeatBatch(self.clock.time, constancy=results)))

    async def moved(self, before: State, after: State, reason: Reason | None = None) -> None:
        now = self.clock.time
        await self.history.record(Entry((Transition(STORE, before, after, now - SECOND, now, now, reason),)))

    async def explain(self, day: str, why: str, by: str = "Dr. Weber") -> None:
        self.said += 1
        await self.history.explain(Explanation(f"{self.said:026}", "constancy", day, self.clock.time, by, why))

    def built(self, period: str = "2026-09", log: str | None = None) -> dict[str, Any]:
        wanted = parse(period, ZONE, self.clock.time)
        found = constancy.build(self.history.reader, wanted, self.clock.time, log)
        assert json.loads(json.dumps(found)) == found
        return found


@pytest.fixture
async def record(tmp_path: Path) -> AsyncIterator[Record]:
    """September 2026, from Tuesday the 1st, 05:00; the monitor does not run from the 10th to the 15th."""
    made = Record(tmp_path)
    await made.adopt()
    await made.moved(State.UNKNOWN, State.UP)
    for day in (1, 2, 5):  # the 5th is a Saturday
        await made.live(at(9, day, 7), [sent(at(9, day, 6, 50))])
    await made.live(at(9, 3, 7), [])
    await made.live(at(9, 7, 7), [sent(at(9, 7, 6)), sent(at(9, 7, 6, 15), Reason.OUT_OF_RESOURCES)])
    await made.moved(State.UP, State.DOWN, Reason.OUT_OF_RESOURCES)
    await made.live(at(9, 8, 7), [sent(at(9, 8, 6), Reason.OUT_OF_RESOURCES), sent(at(9, 8, 6, 15), Reason.STORE_CAP)])
    await made.moved(State.DOWN, State.UP)
    await made.live(at(9, 10, 7))
    made.history.close()
    made.open(at(9, 15, 9))
    await made.live(at(9, 17, 10), [sent(at(9, 16, 8)), sent(at(9, 17, 8), size=80_000)])
    yield made
    made.history.close()


def lines(page: dict[str, Any]) -> dict[str, str]:
    return {row["day"][-2:]: row["result"] for row in page["days"]}


async def test_each_working_day_has_its_line_and_gaps_stay_gaps(record: Record) -> None:
    (page,) = record.built()["pages"]
    assert lines(page) == {
        "01": "passed",
        "02": "passed",
        "03": "not_tested",
        "04": "not_tested",
        "07": "partly",
        "08": "failed",
        "10": "not_tested",
        "11": "not_tested",
        "14": "not_tested",
        "15": "not_tested",
        "16": "passed",
        "17": "passed",
    }
    first, gap, partly, failed, off = (page["days"][n] for n in (0, 2, 4, 5, 7))
    assert first == {
        "day": "2026-09-01",
        "node": "archive",
        "check": "dicom_store",
        "at": "2026-09-01T06:50:00+02:00",
        "object": uid(at(9, 1, 6, 50)),
        "sop_class": "1.2.840.10008.5.1.4.1.1.7",
        "bytes": 40_000,
        "seconds": 3.0,
        "bytes_per_second": 80_000.0,
        "verified": "find",
        "result": "passed",
        "tests": 1,
        "confirmed": 1,
        "not_carried_out": 0,
        "reasons": {},
        "cause": None,
        "explanations": [],
    }
    assert (gap["at"], gap["object"], gap["bytes"], gap["tests"], gap["cause"]) == (None, "", None, 0, None)
    assert (partly["tests"], partly["confirmed"], partly["reasons"]) == (2, 1, {"out_of_resources": 1})
    assert (failed["tests"], failed["not_carried_out"], failed["object"]) == (1, 1, "")
    assert failed["reasons"] == {"out_of_resources": 1, "store_cap": 1}
    assert off["cause"] == "monitor_not_running"
    assert page["working_days"] == {
        "days": 12,
        "passed": 4,
        "partly": 1,
        "failed": 1,
        "not_tested": 6,
        "pending": 0,
        "unexplained": 7,
    }
    assert page["figures"] == {
        "archive/dicom_store": {
            "tests": 8,
            "confirmed": 6,
            "not_carried_out": 1,
            "completeness": 0.75,
            "median_seconds": 3.0,
            "longest_seconds": 3.0,
            "median_bytes_per_second": 80_000.0,
            "slowest_bytes_per_second": 80_000.0,
        }
    }
    assert page["routes"] == [{"from": "2026-09-01", "route": "CT 2 → archive → teleradiologist"}]
    assert page["legs"] == [
        {"node": "archive", "check": "dicom_store", "to": "Main archive", "then": ["Teleradiologist"]}
    ]


async def test_a_person_explains_a_gap_and_changes_no_result(record: Record) -> None:
    before = record.built()["pages"][0]
    await record.explain("2026-09-11", "the hospital had no power")
    await record.explain("2026-09-11", "confirmed by the plant", "Ada")
    await record.explain("2026-09-12", "also on Saturday")
    (page,) = record.built()["pages"]
    assert lines(page) == lines(before)
    (row,) = [row for row in page["days"] if row["day"] == "2026-09-11"]
    assert [(one["by"], one["why"]) for one in row["explanations"]] == [
        ("Dr. Weber", "the hospital had no power"),
        ("Ada", "confirmed by the plant"),
    ]
    assert [(one["day"], one["why"]) for one in page["elsewhen"]] == [("2026-09-12", "also on Saturday")]
    assert before["working_days"]["unexplained"] - page["working_days"]["unexplained"] == 1
    assert page["figures"] == before["figures"]


async def test_a_day_that_goes_on_is_no_gap_yet(record: Record) -> None:
    await record.live(at(9, 18, 9))
    assert record.built()["pages"][0]["days"][-1]["result"] == "pending"
    await record.live(at(9, 19, 0, 1))
    assert record.built()["pages"][0]["days"][-1]["result"] == "not_tested"


async def test_a_page_goes_by_what_was_in_force_then(record: Record) -> None:
    later = ESTATE.replace("CT 2", "CT 3").replace("calendar: working, ", "")
    await record.adopt(later, "b2c3d4e5")
    await record.live(at(9, 20, 9), [sent(at(9, 19, 6))])
    (page,) = record.built()["pages"]
    assert page["routes"] == [
        {"from": "2026-09-01", "route": "CT 2 → archive → teleradiologist"},
        {"from": "2026-09-17", "route": "CT 3 → archive → teleradiologist"},
    ]
    weekend = {day: result for day, result in lines(page).items() if day in ("05", "06", "12", "13", "19", "20")}
    assert weekend == {"19": "passed", "20": "pending"}, "no calendar: every day, from then on"
    await record.adopt(ESTATE.partition("constancy:")[0], "c3d4e5f6")
    await record.live(at(10, 5))
    assert list(lines(record.built()["pages"][0]))[-1] == "19", "the log ended"
    with pytest.raises(constancy.NoLogError, match="no log was in force in 2026-10-02"):
        record.built("2026-10-02")
    with pytest.raises(constancy.NoLogError, match="no constancy log 'night' was in force in 2026-09; known: const"):
        record.built(log="night")


async def test_before_the_first_configuration_there_is_no_log_and_a_quarter_has_a_page_for_each_month(
    record: Record,
) -> None:
    await record.live(at(10, 3), [sent(at(10, 1, 8))])
    pages = record.built("2026")["pages"]
    assert [page["month"] for page in pages] == ["2026-09", "2026-10"]
    assert lines(pages[1]) == {"01": "passed", "02": "not_tested"}
    assert record.built("2026-09-16")["pages"][0]["working_days"]["days"] == 1


async def test_the_year_is_judged_at_98_percent_of_what_was_measured(record: Record) -> None:
    year = record.built()["pages"][0]["year"]
    assert (year["year"], year["so_far"], year["target"], year["verdict"]) == ("2026", True, 0.98, "not_assessable")
    up = 24 * 9 + 2 - 24 + 24 * 2 + 1  # 1st 05:00 to 10th 07:00, one day down, 15th 09:00 to 17th 10:00
    assert year["seconds"]["down"] == 24 * 3600
    assert year["seconds"]["up"] == up * 3600
    assert year["availability"] == up / (up + 24)
    assert sum(year["seconds"].values()) == (at(9, 17, 10) - at(1, 1)) / SECOND
    share = re.compile(r"Availability 2026 until 2026-09-17: not assessable, 4\.28 % of the time were measured, 90 %")
    assert share.search(constancy.html(record.built()))


def test_the_verdict_of_the_year_is_made_of_integers() -> None:
    from pacs_monitor.reports.constancy.build import _judged

    assert _judged(98, 100, 90, 100) == "met"
    assert _judged(97_999_999_999, 100_000_000_000, 95, 100) == "missed"
    assert _judged(98, 100, 89, 100) == _judged(0, 0, 100, 100) == "not_assessable"


def transmission(status: Status, reason: Reason | None = None, available: float | None = None) -> Transmission:
    return Transmission(STORE, 0, 1.0, status, reason, "", "", "", None, None, available)


def test_what_counts_as_confirmed() -> None:
    assert days.confirmed(transmission(Status.OK, available=1.0))
    assert days.confirmed(transmission(Status.WARN, Reason.CLEANUP_FAILED, 1.0))
    assert days.confirmed(transmission(Status.WARN, Reason.BUSY)) is False, "nothing was sent"
    assert days.confirmed(transmission(Status.WARN, Reason.STORED_NOT_FOUND, 1.0)) is False, "a copy was not looked for"
    assert days.confirmed(transmission(Status.FAIL, Reason.STORED_NOT_FOUND)) is False
    assert days.confirmed(transmission(Status.UNKNOWN, Reason.PAUSED)) is None


KINDS = st.sampled_from(
    [
        transmission(Status.OK, available=1.0),
        transmission(Status.FAIL, Reason.TCP_REFUSED),
        transmission(Status.UNKNOWN, Reason.PAUSED),
        transmission(Status.WARN, Reason.BUSY),
    ]
)


@given(st.lists(KINDS, max_size=6), st.booleans())
def test_a_day_passes_only_by_a_confirmed_arrival(tests: list[Transmission], over: bool) -> None:
    verdict, counted = days.verdict(tests, over=over), days.counts(tests)
    good, bad = counted["confirmed"], counted["tests"] - counted["confirmed"]
    assert (verdict in ("passed", "partly")) == (good > 0)
    assert (verdict in ("failed", "partly")) == (bad > 0)
    assert (verdict == "not_tested") == (counted["tests"] == 0 and over)
    assert counted["tests"] + counted["not_carried_out"] == len(tests)
    assert (days.shown(tests) is None) == (counted["tests"] == 0)
    assert good == 0 or days.confirmed(days.shown(tests) or tests[0])
    assert days.figures(tests)["completeness"] == (good / (good + bad) if good + bad else None)


async def test_only_results_of_checks_that_a_log_names_are_kept(record: Record) -> None:
    gathered = ResultAccumulator()
    gathered.adopt([], logged={STORE})
    gathered.take(sent(at(9, 18, 6)), State.UP)
    gathered.take(sent(at(9, 18, 6), check=ECHO), State.UP)
    batch = gathered.take_batch(at(9, 18, 7))
    assert [result.check for result in batch.constancy] == [STORE]
    assert gathered.take_batch(at(9, 18, 7)).constancy == ()


async def test_the_page_says_what_was_tested_and_what_was_not_in_both_languages(record: Record) -> None:
    await record.explain("2026-09-11", "<b>power</b> cut")
    english, built = constancy.html(record.built()), record.built()
    for said in (
        "CT 2 → archive → teleradiologist",
        "From the monitor east-campus (PACSMON) to Main archive, and from there to Teleradiologist: archive/dicom_",
        "What of the route lies before the monitor or behind this was not tested.",
        "Image quality (test images on the monitors for diagnosis) is assessed and recorded by a person.",
        "&lt;b&gt;power&lt;/b&gt; cut (explained by Dr. Weber, 2026-09-17 10:00)",
        "the monitor did not run",
        "1 of 2 tests confirmed; refuses new objects (out of resources)",
        "75.00 % (6 of 8)",
        "Dr. Weber",
        uid(at(9, 1, 6, 50)),
    ):
        assert said in english, said
    assert not re.search(r"https?://|src=", english), "no foreign address"
    with speaking("de"):
        german = constancy.html(built)
    for said in ("Konstanzprotokoll", "NICHT GEPRÜFT", "Di 01.09.2026", "75,00 % (6 von 8)", "80 kB/s", 'lang="de"'):
        assert said in german, said


async def test_only_a_whole_month_that_is_over_has_a_line_to_sign(record: Record) -> None:
    def said(period: str = "2026-09") -> tuple[int, str, str]:
        built = record.built(period)
        page, shown = constancy.html(built), StringIO()
        Console(file=shown, width=300).print(constancy.table(built))
        return page.count('class="line"'), page, shown.getvalue()

    lines_to_sign, page, shown = said()
    assert lines_to_sign == 0
    assert '<p class="draft">The month is not over: not to be signed.</p>' in page
    assert "The month is not over: not to be signed." in shown
    with speaking("de"):
        assert "Der Monat ist noch nicht vorbei: nicht zu unterschreiben." in constancy.html(record.built())
    await record.live(at(10, 1))
    lines_to_sign, page, shown = said()
    assert lines_to_sign == 1
    assert "not to be signed" not in page + shown
    lines_to_sign, page, _ = said("2026-09-01..2026-09-29")
    assert (lines_to_sign, "This is a part of the month: not to be signed." in page) == (0, True)


async def test_a_day_without_work_has_a_line_that_says_so(record: Record) -> None:
    built = record.built()
    (page,) = built["pages"]
    off = [(row["day"][-2:], row["tests"], row["confirmed"]) for row in page["days_off"]]
    assert off == [("05", 1, 1), ("06", 0, 0), ("09", 0, 0), ("12", 0, 0), ("13", 0, 0)]
    assert not {row["day"] for row in page["days_off"]} & {row["day"] for row in page["days"]}
    text = constancy.html(built)
    days_told = re.findall(r'<th scope="row">\w{3} 2026-09-(\d\d)</th>', text)
    assert days_told == [f"{day:02}" for day in range(1, 18)], "no day is left out"
    assert '<th scope="row">Sat 2026-09-05</th><td colspan="8">no working day; 1 of 1 tests confirmed</td>' in text
    assert '<th scope="row">Wed 2026-09-09</th><td colspan="8">no working day</td>' in text
    with speaking("de"):
        assert '<th scope="row">So 06.09.2026</th><td colspan="8">kein Arbeitstag</td>' in constancy.html(built)
    with ZipFile(BytesIO(constancy.zipped(built))) as archive:
        rows = list(csv.DictReader(StringIO(archive.read("days_off.csv").decode("utf-8-sig"))))
    assert [row["day"] for row in rows] == [row["day"] for row in page["days_off"]]


async def test_a_long_month_is_one_printed_page(record: Record) -> None:
    text = ESTATE.replace("calendar: working, ", "")
    await record.adopt(text, "b2c3d4e5")
    results = [sent(at(10, day, 6)) for day in range(1, 32)]
    await record.live(at(11, 1, 1), results)
    (page,) = record.built("2026-10")["pages"]
    assert len(page["days"]) == 31
    pdf = printed(constancy.html(record.built("2026-10")), browser())
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


async def test_tables_and_terminal_have_the_same_numbers(record: Record) -> None:
    await record.explain("2026-09-11", "no power")
    built = record.built()
    with ZipFile(BytesIO(constancy.zipped(built))) as archive:
        rows = {
            name: list(csv.DictReader(StringIO(archive.read(name).decode("utf-8-sig")))) for name in archive.namelist()
        }
    assert [row["result"] for row in rows["days.csv"]] == [row["result"] for row in built["pages"][0]["days"]]
    assert rows["checks.csv"][0]["completeness"] == "0.75"
    assert rows["months.csv"][0]["year_verdict"] == "not_assessable"
    assert [row["why"] for row in rows["explanations.csv"]] == ["no power"]
    shown = StringIO()
    Console(file=shown, width=300).print(constancy.table(built))
    assert "Working days: 12; passed: 4" in shown.getvalue()
    assert "no power (explained by Dr. Weber" in shown.getvalue()
