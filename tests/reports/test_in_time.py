"""Objectives on how long runs may take, in the report of a quarter whose counts are made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from rich.console import Console

from pacs_monitor.config import canonical
from pacs_monitor.history import HeartbeatBatch, History, Revision
from pacs_monitor.language import speaking
from pacs_monitor.latency import Counted, CountedOf
from pacs_monitor.model import SECOND, CheckId, Entry, Micros, State, Transition
from pacs_monitor.reports import build, html, parse, so_far, zipped
from pacs_monitor.reports.terminal import table
from tests.history.conftest import HandClock
from tests.reports import quarter as q
from tests.support.estates import loaded

NOW = q.at(9, 1)
AGREED = """
  - name: Echo
    match: {role: modality}
    measure: dicom_echo
    within: 3s
    share: 95%
    per: month
    contract: SLA 4.5
    consequence: one free retraining
    counts: attributable
  - {name: Next, service: archive-service, availability: 99%, per: contract year, begins: 2027-01-01}
  - {name: Stores, service: archive-service, measure: store_seconds, within: 10s, share: 99.9%, per: quarter}
"""


def of(check: CheckId, day: Micros, objective: str = "Echo", seconds: int = 3) -> CountedOf:
    measure = "dicom_echo" if objective == "Echo" else "store_seconds"
    return CountedOf(check, objective, measure, seconds * SECOND, day)


COUNTS = {
    of(q.CT, q.at(7, 1)): Counted(900, 40, 3),
    of(q.CT, q.at(7, 31)): Counted(55, 5),
    of(q.CT, q.at(8, 1)): Counted(940, 60),
    of(q.MR, q.at(7, 31)): Counted(999, 1),
    of(q.CT, q.at(7, 2), seconds=2): Counted(0, 500),
    of(q.STORE, q.at(7, 5), "Stores", 10): Counted(9_990, 10),
    of(q.STORE, q.at(8, 5), "Stores", 10): Counted(9_991, 9),
}


async def recorded(
    folder: Path, agreed: str = AGREED, counts: Mapping[CountedOf, Counted] = COUNTS
) -> tuple[History, HandClock]:
    clock = HandClock()
    clock.time = q.at(6, 20)
    history = q.opened(folder, clock)
    estate = loaded(folder, q.ESTATE + agreed)
    await history.adopt(q.CHECKS, Revision("a1", content=canonical(estate)))
    up = [Transition(check, State.UNKNOWN, State.UP, None, clock.time, clock.time + SECOND) for check in q.CHECKS]
    await history.record(Entry(tuple(up)))
    await q.live(history, clock, NOW)
    await asyncio.wrap_future(history.beat(HeartbeatBatch(NOW, latencies=counts)))
    return history, clock


def rows(history: History, period: str = "2026-Q3") -> dict[tuple[str, str, str], dict[str, Any]]:
    made = build(history.reader, parse(period, q.ZONE, NOW), NOW)["latency_objectives"]
    return {(row["name"], row["of"], row["period"]): row for row in made}


async def test_the_counts_of_a_period_are_judged_exactly_and_in_every_format(tmp_path: Path) -> None:
    history, _ = await recorded(tmp_path)
    try:
        found = rows(history)
        report = build(history.reader, parse("2026-Q3", q.ZONE, NOW), NOW)
        account = so_far.account(history.reader, q.ZONE, NOW - SECOND)
        with speaking("de"):
            german = next(iter(rows(history).values()))["sentences"]
    finally:
        history.close()
    july, august = found["Echo", "ct-1", "2026-07"], found["Echo", "ct-1", "2026-08"]
    assert (july["runs"], july["in_time"], july["slow"], july["slow_permitted"]) == (1000, 955, 45, 50)
    assert (july["failed_sooner"], july["verdict"], july["met"]) == (3, "met", True)
    assert july["sentences"] == [
        "Counted under SLA 4.5: 95.50 % of the runs within 3 s \N{EN DASH} met.",
        "Of 1,000 runs 45 took longer; 50 were permitted.",
        "3 runs failed sooner and count for availability alone.",
    ]
    assert german[0] == "Gezählt nach SLA 4.5: 95.50 % der Läufe in höchstens 3 s \N{EN DASH} erfüllt."
    assert (august["verdict"], august["slow"], august["slow_permitted"]) == ("missed", 60, 50)
    said_of_it = "For this, SLA 4.5 says: “one free retraining”. This report calculates nothing from that."
    assert august["sentences"][-1] == said_of_it
    assert (found["Echo", "mr-1", "2026-08"]["verdict"], found["Echo", "mr-1", "2026-08"]["share_in_time"]) == (
        "not_assessable",
        None,
    )
    assert found["Echo", "mr-1", "2026-08"]["sentences"] == ["Not assessable: no run was counted."]
    stores = found["Stores", "archive-service", "2026-Q3"]
    assert (stores["verdict"], stores["slow"], stores["slow_permitted"], stores["so_far"]) == ("within", 19, 20, True)
    assert [(month["month"], month["runs"]) for month in stores["months"]] == [("2026-07", 10_000), ("2026-08", 10_000)]
    assert stores["measured_seconds"] == stores["to_measure_seconds"] == 62 * 86400

    page = html(report)
    assert "Of 1,000 runs 60 took longer; 50 were permitted." in page
    assert "SLA 4.5" in page
    term = said_of_it.replace("For this,", "If it is not met,")
    assert (page.count(said_of_it), page.count(term)) == (1, 1), "beside the result, and among the terms"
    with ZipFile(BytesIO(zipped(report))) as sheets:
        table_of = sheets.read("latency_objectives.csv").decode("utf-8-sig")
        assert "Echo,SLA 4.5,month,dicom_echo,3.0,0.95" in table_of
        assert (
            "Stores,archive-service,2026-Q3,2026-08,10000,9991,9"
            in sheets.read("latency_objective_months.csv").decode()
        )
    shown = StringIO()
    Console(file=shown, width=300).print(table(report))
    assert "Echo, 2026-08, CT 1: Counted under SLA 4.5: 94.00 % of the runs within 3 s" in shown.getvalue()
    assert [(one.objective, one.service, one.node, one.runs) for one in account.in_time] == [
        ("Echo", "", "ct-1", Counted(940, 60)),
        ("Stores", "archive-service", "", Counted(19_981, 19)),
    ]
    assert {"Echo", "Next"}.isdisjoint({one.objective for one in account.objectives})
    assert {"Echo", "Next", "Stores"}.isdisjoint({row["name"] for row in report["objectives"]})


async def test_runs_count_from_when_the_limit_is_in_force(tmp_path: Path) -> None:
    history, clock = await recorded(tmp_path, agreed="")
    try:
        estate = loaded(tmp_path, q.ESTATE + AGREED)
        await history.adopt(q.CHECKS, Revision("b2", content=canonical(estate)))
        await q.live(history, clock, NOW + 5 * SECOND)
        late = build(history.reader, parse("2026-Q3", q.ZONE, clock.now()), clock.now())["latency_objectives"]
    finally:
        history.close()
    stores = next(row for row in late if row["name"] == "Stores")
    assert (stores["verdict"], stores["met"]) == ("not_assessable", None)
    assert stores["counted_since"] == "2026-09-01T00:00:00+02:00"
    assert stores["measured_seconds"] == 5
    assert stores["sentences"][0] == (
        "Not assessable: runs were counted for 0.00 % of the agreed time; 90% are needed."
    )
    assert stores["sentences"][-1] == "Counted since it is in force, 2026-09-01 00:00."
