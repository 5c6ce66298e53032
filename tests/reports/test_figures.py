"""What the outages of the quarter (tests/reports/quarter.py) come to, worked out by hand, and in every format."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from pacs_monitor.alerting.events import Event, Happening, recorded
from pacs_monitor.alerting.words import Extend, Finish, Plan
from pacs_monitor.config import canonical
from pacs_monitor.fields import Match
from pacs_monitor.format.human import percentage
from pacs_monitor.history import HeartbeatBatch, History, HistoryReader, Revision, Runs
from pacs_monitor.history.accumulator import bucket
from pacs_monitor.intervals import Interval
from pacs_monitor.model import SECOND, CheckId, Entry, Maintained, Micros, State, Transition
from pacs_monitor.reports import build, html, parse, table, zipped
from pacs_monitor.reports.plans import Plan as PlanOf
from pacs_monitor.reports.plans import announced
from pacs_monitor.windows import Window, occurrence
from tests.history.conftest import HandClock
from tests.reports import quarter as q
from tests.support.estates import loaded

MINUTE, HOUR = 60, 3600
NOW = q.at(10, 20)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryReader]:
    folder = tmp_path_factory.mktemp("quarter")
    history, _ = asyncio.run(q.recorded(folder, NOW))
    yield history.reader
    history.close()


@pytest.fixture(scope="module")
def report(reader: HistoryReader) -> dict[str, Any]:
    return build(reader, parse("2026-Q3", q.ZONE, NOW), NOW)


def named(rows: list[dict[str, Any]], key: str, name: str) -> dict[str, Any]:
    return next(row for row in rows if row[key] == name)


WORKED = 92 * 24 * HOUR - 6 * HOUR - 4 * HOUR
"""Seconds of the quarter that were measured outside of both windows."""


def test_means_and_bounds_of_a_service_by_hand(report: dict[str, Any]) -> None:
    """44 min in July; an hour in August within a window; in September 12 min after the end of one."""
    row = named(report["services"], "service", "archive-service")
    down = 44 * MINUTE + 12 * MINUTE
    assert row["reliability"] == {
        "outages": 2,
        "planned_outages": 1,
        "down_seconds": down,
        "at_least_seconds": down - 20,
        "at_most_seconds": down + MINUTE,
        "mttr_seconds": down / 2,
        "mtbf_seconds": (WORKED - down) / 2,
        "longest_seconds": 44 * MINUTE,
        "longest_since": "2026-07-10T01:00:00.000000Z",
        "time_to_notice_seconds": 30,
        "longest_time_to_notice_seconds": 30,
    }
    assert row["maintenance"] == {
        "planned_seconds": 4 * HOUR,
        "used_seconds": 90 * MINUTE,
        "overrun_seconds": 12 * MINUTE,
    }
    assert row["coverage"] == 1 - 6 / (92 * 24)
    assert sum(month["seconds"]["down"] for month in row["months"]) == down


def test_a_service_of_several_has_the_outages_of_all(report: dict[str, Any]) -> None:
    row = named(report["services"], "service", "reading")
    assert (row["outages"], row["reliability"]["down_seconds"]) == (3, (44 + 12 + 31) * MINUTE)
    assert row["brief_failures"] == 3 * named(report["checks"], "check", "dicom_worklist")["brief_failures"]


def test_an_agreement_has_the_same_by_its_terms(report: dict[str, Any]) -> None:
    row = named(report["objectives"], "name", "PACS availability")
    found, used = row["reliability"], row["used_seconds"]
    assert (found["outages"], found["planned_outages"], found["down_seconds"]) == (2, 1, used)
    assert found["mttr_seconds"] == used / 2
    service = named(report["services"], "service", "archive-service")["reliability"]
    assert found["mtbf_seconds"] == service["mtbf_seconds"], "of one thing there is one mean"
    bounds = [(one["at_least_seconds"], one["counted_seconds"], one["at_most_seconds"]) for one in row["outages"]]
    assert bounds == [(2630, 2640, 2700), (0, 0, 0), (710, 720, 720)]
    assert [one["planned"] for one in row["outages"]] == [None, "whole", "partly"]
    july = named(report["objectives"], "period", "2026-07")
    assert july["maintenance_work"] == {"planned_seconds": 0, "used_seconds": 0, "overrun_seconds": 0}


def test_an_outage_that_was_planned_is_marked_in_the_list(report: dict[str, Any]) -> None:
    marks = [(row["check"], row["since"][:10], row["planned"]) for row in report["incidents"] if row["planned"]]
    assert marks == [
        (check, day, mark)
        for day, mark in (("2026-08-09", "whole"), ("2026-09-13", "partly"))
        for check in ("dicom_echo", "dicom_store")
    ]
    for row in report["checks"]:
        assert sum(outage["down_seconds"] for outage in row["incidents"]) == (
            row["seconds"]["down"] + row["seconds"]["unreachable"]
        )
    for row in report["nodes"]:
        of_node = [outage for outage in report["outages"] if (outage["kind"], outage["of"]) == ("node", row["node"])]
        felt = row["seconds"]["down"] + row["seconds"]["unreachable"]
        assert sum(outage["down_seconds"] for outage in of_node) == felt == row["reliability"]["down_seconds"]
        assert row["outages"] == sum(1 for outage in of_node if outage["planned"] != "whole")


def test_the_worst_and_places_are_of_all_nodes(report: dict[str, Any]) -> None:
    assert [row["node"] for row in report["worst"]] == ["mr-1", "ct-1", "archive", "ris"]
    modalities = named(report["places"], "role", "modality")
    assert (modalities["nodes"], modalities["outages"], modalities["lowest"]) == (2, 3, "mr-1")
    assert modalities["down_seconds"] == 9.5 * HOUR + 48 * HOUR


def test_the_trend_is_of_four_quarters_and_says_nothing_of_what_was_not_measured(report: dict[str, Any]) -> None:
    assert [one["quarter"] for one in report["trend"][0]["quarters"]] == ["2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3"]
    service = next(row for row in report["trend"] if (row["kind"], row["name"]) == ("service", "archive-service"))
    assert [one["availability"] for one in service["quarters"]] == [
        None,
        None,
        1.0,
        named(report["services"], "service", "archive-service")["availability"],
    ]
    assert [round(one["coverage"], 2) for one in service["quarters"]] == [0, 0, 0.12, 1.0]
    agreed = next(row for row in report["trend"] if row["name"] == "PACS availability")
    assert [one["verdict"] for one in agreed["quarters"]] == ["not_assessable"] * 3 + ["met"]
    assert agreed["quarters"][3]["availability"] == report["objectives"][0]["availability"]
    assert {row["name"] for row in report["trend"] if row["kind"] == "node"} == {"mr-1", "ct-1", "archive", "ris"}


def test_the_months_of_a_quarter_add_up_to_it(report: dict[str, Any], reader: HistoryReader) -> None:
    months = [build(reader, parse(f"2026-{month:02}", q.ZONE, NOW), NOW) for month in (7, 8, 9)]
    for of, key in (("services", "service"), ("nodes", "node"), ("checks", "check")):
        for number, whole in enumerate(report[of]):
            parts = [month[of][number] for month in months]
            assert {part[key] for part in parts} == {whole[key]}
            for kind, seconds in whole["seconds"].items():
                assert sum(part["seconds"][kind] for part in parts) == seconds
            for kind in ("down_seconds", "outages", "at_least_seconds", "at_most_seconds"):
                assert sum(part["reliability"][kind] for part in parts) == whole["reliability"][kind]
            assert "months" not in whole or [row["seconds"] for row in whole["months"]] == [
                part["seconds"] for part in parts
            ]


def test_what_is_selected_changes_what_is_listed_and_no_figure(report: dict[str, Any], reader: HistoryReader) -> None:
    some = build(reader, parse("2026-Q3", q.ZONE, NOW), NOW, checks={q.MR})
    listed = ("nodes", "checks", "incidents", "outages")
    assert {key: value for key, value in some.items() if key not in listed} == {
        key: value for key, value in report.items() if key not in listed
    }
    for key in listed:
        assert some[key]
        assert all(row in report[key] for row in some[key])


def test_every_format_has_the_same_figures(report: dict[str, Any]) -> None:
    with ZipFile(BytesIO(zipped(report))) as archive:
        rows = {
            name: list(csv.DictReader(StringIO(archive.read(name).decode("utf-8-sig")))) for name in archive.namelist()
        }
    (service,) = (row for row in rows["services.csv"] if row["service"] == "archive-service")
    assert float(service["reliability_mttr_seconds"]) == 28 * MINUTE
    assert "outages" not in rows["objectives.csv"][0]
    assert len(rows["trend.csv"]) == 4 * len(report["trend"])
    assert len(rows["node_months.csv"]) == 3 * len(report["nodes"])
    assert {row["planned"] for row in rows["outages.csv"]} == {"", "whole", "partly"}
    console = Console(width=220, record=True, file=StringIO())
    console.print(table(report))
    shown, page = console.export_text(), html(report)
    for said in ("45 d 18 h 32 min", "28 min", "97.729 %"):
        assert said in shown
        assert said in page.replace("\N{NO-BREAK SPACE}", " ")
    assert ("2025-Q4" in shown, "Q4 2025" in page) == (True, True)
    assert "12 min, all of it" not in page
    assert "1\N{NO-BREAK SPACE}h, all of it" in page


def test_no_ratio_is_rounded_up_over_a_target() -> None:
    quarter = 92 * 86_400 * SECOND
    allowed = quarter // 1000
    assert percentage((quarter - allowed) / quarter, decimals=3) == "99.900 %"
    assert percentage((quarter - allowed - 1) / quarter, decimals=3) == "99.899 %"
    for hundredths in range(10_001):
        assert percentage(hundredths / 10_000, decimals=2) == f"{hundredths // 100}.{hundredths % 100:02} %"


PATCHING = Match(node=("archive",))


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[tuple[History, HandClock]]:
    """A day with a window of the configuration at 02:00."""
    clock = HandClock()
    clock.time = q.at(7, 1)
    history = History.open(f"sqlite:///{tmp_path}/pacs-monitor.db", "east-campus", clock, gap=2 * q.HOUR)
    window = """
maintenance:
  - {name: nightly, match: {node: archive}, start: "2026-07-02T02:00:00", duration: 2h, by: change 4711}
"""
    await history.adopt(q.CHECKS, Revision("a1b2c3", "it-duty", "", canonical(loaded(tmp_path, q.ESTATE + window))))
    up = [Transition(check, State.UNKNOWN, State.UP, None, clock.time, clock.time + SECOND) for check in q.CHECKS]
    await history.record(Entry(tuple(up)))
    yield history, clock
    history.close()


async def alive(history: History, clock: HandClock, until: Micros, runs: dict[CheckId, Runs] | None = None) -> None:
    while clock.time < until:
        clock.time = min(clock.time + q.HOUR, until)
        await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.time, runs=runs or {})))
        runs = None


async def said(history: History, at: Micros, what: Happening) -> None:
    await history.record(Entry(events=(recorded(Event(f"01J{at:023}", at, what)),)))


async def test_a_window_is_told_as_it_was_planned_added_and_used(small: tuple[History, HandClock]) -> None:
    """One of the configuration; one said at 12:20 that should have begun at 12:00, extended at 12:50, over at 13:30."""
    history, clock = small
    start, late = q.at(7, 2, 2), "01J00000000000000000000009"
    nightly = Maintained(q.ECHO, occurrence("nightly", PATCHING, start), start, q.at(7, 2, 4), "nightly", None)
    word = Window(late, "disk", PATCHING, q.at(7, 2, 12), q.at(7, 2, 13), by="it-duty")
    disk = Maintained(q.ECHO, late, q.at(7, 2, 12, 20), q.at(7, 2, 13, 30), "disk", None)
    down = q.Trouble(q.ECHO, q.at(7, 2, 12, 10), q.at(7, 2, 13, 45))
    await alive(history, clock, q.at(7, 2, 12, 20))
    await said(history, q.at(7, 2, 12, 20), Plan(word))
    await said(history, q.at(7, 2, 12, 50), Extend(late, "it-duty", q.at(7, 2, 14)))
    await said(history, q.at(7, 2, 13, 30), Finish(late, "it-duty"))
    for _, entry in q.entries([down]):
        await history.record(entry)
    await history.record(Entry(maintained=(nightly, disk)))
    await alive(history, clock, q.at(7, 3))
    report = build(history.reader, parse("2026-07-02", q.ZONE, clock.time), clock.time)
    first, second = report["maintenance"]
    assert (first["planned_from"], first["planned_to"], first["by"]) == (first["from"], first["to"], "change 4711")
    assert (first["added"], first["added_late_seconds"], first["used_seconds"]) == ("2026-07-01T00:00:00+02:00", 0, 0)
    assert (second["planned_from"], second["planned_to"]) == ("2026-07-02T12:00:00+02:00", "2026-07-02T13:00:00+02:00")
    assert (second["added"], second["added_late_seconds"]) == ("2026-07-02T12:20:00+02:00", 20 * MINUTE)
    assert (second["extended"], second["ended_early"]) == ("2026-07-02T12:50:00+02:00", "2026-07-02T13:30:00+02:00")
    assert (second["planned_seconds"], second["seconds"]) == (HOUR, 70 * MINUTE)
    assert (second["used_seconds"], second["overrun_seconds"]) == (70 * MINUTE, 15 * MINUTE)
    archive = named(report["nodes"], "node", "archive")
    assert archive["seconds"]["down"] == (10 + 15) * MINUTE


def test_what_a_window_is_extended_by_is_announced_when_that_is_said() -> None:
    """For the night of the 9th, announced on the 20th of July; extended on the 1st of August, and again that night."""
    whole, zone, week = Interval(q.at(8, 9, 2), q.at(8, 9, 6)), ZoneInfo(q.ZONE), 7 * 24 * q.HOUR
    moved = [(q.at(8, 1, 9), q.at(8, 9, 5)), (q.at(8, 9, 4, 50), q.at(8, 9, 6))]
    plan = PlanOf(q.at(8, 9, 2), q.at(8, 9, 4), q.at(7, 20), "it-duty", moved)
    day = date(2026, 7, 20)
    assert announced(whole, day, plan, week, zone) == [
        Interval(q.at(8, 9, 2), q.at(8, 9, 4)),
        Interval(q.at(8, 9, 4), q.at(8, 9, 5)),
    ]
    assert announced(whole, day, plan, 0, zone) == [whole]
    assert announced(whole, day, None, week, zone) == [whole]
    assert announced(whole, None, None, week, zone) == []


async def test_percentiles_are_upper_ends_of_classes(small: tuple[History, HandClock]) -> None:
    history, clock = small
    durations = [*[0.010] * 50, *[0.020] * 45, *[0.5] * 4, 30.0]
    buckets: dict[int, int] = {}
    for duration in durations:
        buckets[bucket(duration)] = buckets.get(bucket(duration), 0) + 1
    runs = Runs(ok=99, fail=1, seconds=sum(durations), buckets=buckets)
    await alive(history, clock, q.at(7, 1, 2), {q.ECHO: runs, q.CT: runs, q.MR: runs})
    report = build(history.reader, parse("2026-07-01", q.ZONE, clock.time), clock.time)
    archive, modalities = report["latency"]
    assert (archive["operation"], archive["role"], archive["checks"], archive["measured_runs"]) == (
        "echo",
        "archive",
        1,
        100,
    )
    assert (modalities["checks"], modalities["measured_runs"]) == (2, 200)
    exact = {"p50": 0.010, "p90": 0.020, "p95": 0.020, "p99": 0.5, "longest": 30.0}
    for row in (archive, modalities, report["checks"][0]["latency"]):
        for name, seconds in exact.items():
            assert seconds <= row[f"{name}_seconds"] < seconds * 1.1
    assert named(report["checks"], "check", "dicom_store")["latency"] is None
