"""The report of a quarter whose figures are worked out by hand (tests/reports/quarter.py), in every format."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from pacs_monitor.config import canonical
from pacs_monitor.history import HistoryReader, Revision, periods
from pacs_monitor.intervals import Interval
from pacs_monitor.model import Micros
from pacs_monitor.reports import build, html, parse, zipped
from pacs_monitor.reports.dates import NO_BREAK
from tests.reports import quarter as q
from tests.support.commands import invoke
from tests.support.estates import loaded

MINUTE = 60


NOW = q.at(10, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the configuration and its record."""
    made_in = tmp_path_factory.mktemp("quarter")
    history, _ = asyncio.run(q.recorded(made_in, NOW))
    history.close()
    return made_in


@pytest.fixture(scope="module")
def reader(folder: Path) -> Iterator[HistoryReader]:
    opened = HistoryReader.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus")
    yield opened
    opened.close()


def made(reader: HistoryReader, name: str = "2026-Q3", now: Micros = NOW, **more: Any) -> dict[str, Any]:
    return build(reader, parse(name, q.ZONE, now), now, **more)


def agreed(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [row for row in report["objectives"] if row["name"] == name]


def test_the_first_sentences_say_what_was_counted(reader: HistoryReader) -> None:
    (row,) = agreed(made(reader), "PACS availability")
    assert row["sentences"] == [
        "Counted under SLA 4.2: 99.95 % \N{EN DASH} met by what was measured.",
        "Allowed 2 h 12 min 1 s, counted 56 min (at least 55 min 40 s, at most 57 min), left 1 h 16 min 1 s.",
        "If the 1 h 30 min left out as planned maintenance were counted: 99.88 %, NOT met.",
        (
            "6 h were not measured (2 Aug 2026 04:00 to 10:00, the monitor did not run); with more than 1 h 16 min "
            "23 s of downtime in that time it would not be met."
        ),
        "As users felt it: 99.88 %.",
        "Slow, counted as up: 14 h 20 min (2 Sep 2026 08:00 to 22:20).",
        "Left out as planned maintenance: 1 h 30 min in 2 windows.",
    ]
    whole = 92 * 24 * 3600
    counted = whole - 6 * 3600 - 90 * MINUTE
    assert (row["met"], row["used_seconds"], row["counted_time_seconds"]) == (True, 56 * MINUTE, counted)
    assert row["budget_seconds"] == counted / 1000
    assert sum(row["seconds"].values()) == whole
    assert [month["used_seconds"] for month in row["months"]] == [44 * MINUTE, 0, 12 * MINUTE]
    assert sum(outage["counted_seconds"] for outage in row["outages"]) == row["used_seconds"]
    assert sum(outage["excluded_seconds"] for outage in row["outages"]) == row["seconds"]["excluded"]
    assert [outage["from"][:10] for outage in row["outages"]] == ["2026-07-10", "2026-08-09", "2026-09-13"]


def test_what_the_verdict_hangs_on_is_in_the_data(reader: HistoryReader) -> None:
    """With the maintenance it would be over by 13 min 53 s; of 6 h without results 1 h 16 min 23 s may be downtime."""
    (row,) = agreed(made(reader), "PACS availability")
    whole = (92 * 24 - 6) * 3600
    other = row["maintenance_included"]
    assert (other["verdict"], other["used_seconds"], other["counted_time_seconds"]) == ("missed", 146 * MINUTE, whole)
    assert round(other["left_seconds"], 1) == -(13 * 60 + 52.8)
    assert row["tolerated_seconds"] == (92 * 24 * 3600 - 90 * MINUTE) / 1000 - 56 * MINUTE
    assert (row["experienced_seconds"], row["experienced_time_seconds"]) == (146 * MINUTE, whole)
    assert sum(month["experienced_seconds"] for month in row["months"]) == 146 * MINUTE
    assert [(one["name"], one["in_time"], one["left_out_seconds"]) for one in row["windows"]] == [
        ("archive patching", True, 3600),
        ("storage firmware", True, 1800),
    ]
    assert row["unmeasured"] == {
        "spans": 1,
        "longest_from": "2026-08-02T04:00:00+02:00",
        "longest_to": "2026-08-02T10:00:00+02:00",
        "longest_seconds": 6 * 3600,
    }


def test_a_window_says_since_when_it_is_on_record(reader: HistoryReader) -> None:
    page = html(made(reader)).replace("\N{NO-BREAK SPACE}", " ")
    assert "PACS availability: announced in time, downtime of 1 h left out" in page
    assert "<td>Acme Imaging Ltd</td><td>20 Jul 2026 09:00</td>" in page


def test_an_outage_is_bounded_by_four_results(reader: HistoryReader) -> None:
    report = made(reader)
    first = report["incidents"][0]
    bounds = [first[key] for key in ("last_good", "since", "last_failed", "ended")]
    assert bounds == [f"2026-07-10T{time}.000000Z" for time in ("00:59:00", "01:00:00", "01:43:50", "01:44:00")]
    page = html(report)
    heads = ("Last good result before", "First failed result", "Last failed result", "First good result after")
    assert "".join(f'<th scope="col">{head}</th>' for head in heads) in page
    times = ("02:59:00", "03:00:00", "03:43:50", "03:44:00")
    assert "".join(f"<td>10 Jul 2026 {time}</td>" for time in times) in page.replace(NO_BREAK, " ")


async def test_where_slowness_counts_an_outage_says_from_when_it_was_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour down follows 14 h 20 min of slowness: one outage."""
    slow = q.ESTATE.replace("contract: SLA 4.2", "contract: SLA 4.2\n    degraded: down")
    monkeypatch.setattr(q, "ESTATE", slow)
    after = q.Trouble(q.STORE, q.at(9, 2, 22, 20), q.at(9, 2, 22, 50))
    opened, _ = await q.recorded(tmp_path, q.at(10, 1), (*q.TROUBLE, after))
    try:
        report = made(opened.reader, now=q.at(10, 1))
    finally:
        opened.close()
    (row,) = agreed(report, "PACS availability")
    (long,) = [one for one in row["outages"] if one["from"].startswith("2026-09-02")]
    assert (long["from"], long["to"]) == ("2026-09-02T08:00:00+02:00", "2026-09-02T22:50:00+02:00")
    assert (long["slow_from"], long["slow_seconds"]) == (long["from"], (14 * 60 + 20) * MINUTE)
    assert long["counted_seconds"] == long["slow_seconds"] + 30 * MINUTE
    assert [one["slow_from"] for one in row["outages"] if one is not long] == [None] * 3
    assert sum(one["slow_seconds"] for one in row["outages"]) == row["seconds"]["degraded"]
    page = html(report).replace(NO_BREAK, " ")
    said = "slow or impaired from 2 Sep 2026 08:00:00, 14 h 20 min; archive/dicom_store: refuses connections"
    assert said in page


def test_permitted_minutes_of_support_hours_are_judged_month_by_month(
    reader: HistoryReader,
) -> None:
    july, august, september = agreed(made(reader), "Reading in support hours")
    assert [row["verdict"] for row in (july, august, september)] == ["missed", "met", "met"]
    assert (
        july["sentences"][1] == "Allowed 26 min, counted 31 min (at least 30 min 50 s, at most 32 min), over by 5 min."
    )
    quoted = "For this, SLA 4.3 says: “3 % of a monthly fee for each 10 min begun beyond 26 min”."
    assert july["sentences"][2] == f"{quoted} This report calculates nothing from that."
    assert [quoted in " ".join(row["sentences"]) for row in (july, august, september)] == [True, False, False]
    assert {row["consequence"] for row in (july, august)} == {
        "3 % of a monthly fee for each 10 min begun beyond 26 min"
    }
    assert july["seconds"]["outside_hours"] == (31 * 24 - 23 * 14) * 3600
    assert september["seconds"]["degraded"] == 12 * 3600


def test_each_node_of_a_group_is_judged_by_itself(reader: HistoryReader) -> None:
    ct, mr = agreed(made(reader), "Modalities")
    assert (ct["of"], ct["used_seconds"], ct["verdict"]) == ("ct-1", 9.5 * 3600, "met")
    assert (mr["of"], mr["used_seconds"], mr["verdict"]) == ("mr-1", 50 * 3600, "missed")
    assert mr["availability"] < mr["availability_attributable"]


async def test_what_lies_behind_a_network_fault_is_no_acquittal_of_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MR 1 was down for 48 of 49 h that are allowed, and silent for 2 h behind the switch: perhaps it was dead."""
    own = "- {name: MR, match: {node: mr-1}, allowed: 49h, per: quarter, contract: SLA 9, counts: attributable}"
    monkeypatch.setattr(q, "ESTATE", f"{q.ESTATE}  {own}\n")
    opened, _ = await q.recorded(tmp_path, NOW)
    try:
        report = made(opened.reader)
    finally:
        opened.close()
    (row,) = agreed(report, "MR")
    assert (row["verdict"], row["used_seconds"], row["seconds"]["unreachable"]) == ("met", 48 * 3600, 2 * 3600)
    assert row["tolerated_seconds"] == 3600
    said = " ".join(row["sentences"])
    assert "met by what was measured" in said
    assert (
        "6 h were not measured (2 Aug 2026 04:00 to 10:00, the monitor did not run), and for 2 h it was behind a "
        "network fault, where the system itself could not be assessed; with more than 1 h of downtime of its own in "
        "both it would not be met."
    ) in said
    assert "Behind a network fault, not counted" not in said, "said once"
    (silent,) = [one for one in report["incidents"] if one["unreachable_seconds"]]
    assert (silent["node"], silent["unreachable_seconds"], silent["down_seconds"]) == ("mr-1", 2 * 3600, 2 * 3600)
    page = html(report).replace(NO_BREAK, " ")
    assert "behind a network fault for 2 h: the system itself could not be assessed then" in page
    assert "Behind a network fault the system itself could not be assessed: it may have worked, or not." in page


def test_an_agreement_is_judged_over_its_own_period_whatever_the_reports(
    reader: HistoryReader,
) -> None:
    (row,) = agreed(made(reader, "2026-07"), "PACS availability")
    assert (row["period"], row["so_far"], row["verdict"]) == ("2026-Q3", True, "within")
    assert row["accounted_until"] == "2026-08-01T00:00:00+02:00"
    assert row["used_seconds"] == 44 * MINUTE


def test_no_figure_depends_on_what_is_selected(reader: HistoryReader) -> None:
    everything, some = made(reader), made(reader, checks={q.ECHO})
    assert some["objectives"] == everything["objectives"]
    assert some["services"] == everything["services"]
    assert some["nodes"] == [row for row in everything["nodes"] if row["node"] == "archive"]
    assert some["checks"] == [row for row in everything["checks"] if row["check"] == "dicom_echo"][:1]


def test_the_days_of_a_node_are_its_seconds(reader: HistoryReader) -> None:
    report = made(reader)
    for row in report["nodes"]:
        assert sum(day["count"] for day in row["days"]) == 92
        total: dict[str, float] = {}
        for day in row["days"]:
            for kind, seconds in day["seconds"].items():
                total[kind] = total.get(kind, 0) + seconds * day["count"]
        assert total == {kind: seconds for kind, seconds in row["seconds"].items() if seconds}
    archive = next(row for row in report["nodes"] if row["node"] == "archive")
    worst = {day["day"]: day["worst"] for day in archive["days"]}
    assert (worst["2026-07-10"], worst["2026-08-09"], worst["2026-09-02"]) == ("down", "maintenance", "degraded")
    assert archive["seconds"]["down"] == 56 * MINUTE


def test_maintenance_gaps_and_changes_are_listed(reader: HistoryReader) -> None:
    report = made(reader)
    first, second = report["maintenance"]
    assert (first["name"], first["notice_days"], first["nodes"], first["checks"]) == (
        "archive patching",
        20,
        ["archive"],
        2,
    )
    assert (second["seconds"], second["announced"]) == (2 * 3600, "2026-09-01")
    (gap,) = report["gaps"]
    assert (gap["from"], gap["seconds"], gap["cause"]) == ("2026-08-02T04:00:00+02:00", 6 * 3600, "monitor_not_running")
    assert report["revisions"] == []


async def test_what_was_in_force_then_counts(tmp_path: Path) -> None:
    """From August on the service is the echo alone, and its name in the contract is another."""
    opened, clock = await q.recorded(tmp_path, q.at(8, 1))
    try:
        text = q.ESTATE.replace("all: [archive/dicom_echo, archive/dicom_store]", "all: [archive/dicom_echo]")
        estate = loaded(tmp_path, text.replace("title: Main archive", "title: Archive"))
        await opened.adopt(q.CHECKS, Revision("later", "Ada", "services.archive-service changed", canonical(estate)))
        await q.live(opened, clock, q.at(8, 2))
        down = q.at(8, 2)
        await opened.record(q.trouble_began(q.STORE, down))
        await q.live(opened, clock, q.at(8, 3))
        report = made(opened.reader, now=clock.time)
        (row,) = agreed(report, "PACS availability")
        assert row["used_seconds"] == 44 * MINUTE
        assert row["changed"] == ["2026-08-01T00:00:00+02:00"]
        assert report["revisions"] == [
            {
                "at": "2026-08-01T00:00:00+02:00",
                "who": "Ada",
                "hash": "later",
                "changes": ["services.archive-service changed"],
            }
        ]
        assert [row["title"] for row in report["nodes"] if row["node"] == "archive"] == ["Archive"]
        july = made(opened.reader, "2026-07", clock.time)
        assert [row["title"] for row in july["nodes"] if row["node"] == "archive"] == ["Main archive"]
    finally:
        opened.close()


@pytest.mark.parametrize("start", [q.at(7, 1), q.at(8, 9, 2, 30), q.at(8, 20, 9), q.at(9, 13, 4), q.at(9, 23)])
def test_of_the_ledger_only_the_last_state_before_is_read(reader: HistoryReader, start: int) -> None:
    during = Interval(start, q.at(9, 30))
    whole, read = reader.transitions(until=during.end), periods.ledgers(reader, during)
    assert read.keys() == whole.keys()
    for check, ledger in read.items():
        assert ledger == whole[check][-len(ledger) :]
        before = [moved for moved in ledger if moved.since < start]
        assert len(before) <= 2, "the state, and what led to it if it is an outage"
    assert start == q.at(7, 1) or sum(map(len, read.values())) < sum(map(len, whole.values()))


class Page(HTMLParser):
    """What can be wrong with a page: open elements, missing names, foreign addresses."""

    VOID = frozenset({"meta", "br", "wbr", "rect", "path", "line", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.pictures = self.named = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.ids += [of["id"] or ""] if "id" in of else []
        self.links += [of[key] or "" for key in ("href", "src") if key in of]
        self.headings += [int(tag[1])] if re.fullmatch(r"h\d", tag) else []
        self.pictures += of.get("role") == "img"
        self.named += tag == "title" and bool(self.stack) and self.stack[-1] == "svg"
        if tag == "th":
            assert of.get("scope") in ("row", "col", "rowgroup")
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.stack.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing_elsewhere(reader: HistoryReader) -> None:
    text = html(made(reader))
    plain, page = text.replace(NO_BREAK, " "), Page(text)
    assert page.stack == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not re.search(r"https?://|//[a-z]|@import|url\((?!#)", text)
    assert page.pictures == page.named > 0
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    for said in (
        "Counted under SLA 4.2: 99.95 % \N{EN DASH} met by what was measured.",
        "met in 2 of 3 months",
        "Met by 1 of 2 nodes.",
        "MR 1: 97.72 % \N{EN DASH} NOT met.",
        (
            "Main archive, 92 days: 88 days up; 2 days down (10 Jul, 13 Sep); 1 day slow or impaired (2 Sep); "
            "1 day planned maintenance (9 Aug); not measured for over 5 min on 1 day"
        ),
    ):
        assert said in plain, said


def test_a_name_cannot_be_markup(reader: HistoryReader) -> None:
    report = made(reader)
    for row in (*report["nodes"], *report["objectives"]):
        row["title"] = '<script>alert("x")</script>'
    text = html(report)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_report_without_agreements_judges_nothing(reader: HistoryReader) -> None:
    report = made(reader) | {
        "objectives": [],
        "services": [],
        "maintenance": [],
        "gaps": [],
        "nodes": [],
        "checks": [],
    }
    text = html(report | {"incidents": []})
    Page(text)
    assert "No agreement is configured" in text


def test_spreadsheets_have_the_same_numbers(reader: HistoryReader) -> None:
    report = made(reader)
    report["nodes"][0]["title"] = "=HYPERLINK(1)"
    content = zipped(report)
    assert content == zipped(json.loads(json.dumps(report)))
    with ZipFile(BytesIO(content)) as archive:
        tables = {name: archive.read(name) for name in archive.namelist()}
    assert all(table.startswith(b"\xef\xbb\xbf") for table in tables.values())
    rows = {name: list(csv.DictReader(StringIO(table.decode("utf-8-sig")))) for name, table in tables.items()}
    objective = rows["objectives.csv"][0]
    assert float(objective["used_seconds"]) == report["objectives"][0]["used_seconds"]
    assert objective["sentences"].splitlines() == report["objectives"][0]["sentences"]
    assert rows["nodes.csv"][0]["title"] == "'=HYPERLINK(1)"
    assert len(rows["checks.csv"]) == len(report["checks"])
    assert sum(int(row["count"]) for row in rows["node_days.csv"]) == 92 * len(report["nodes"])
    assert [row["counted_seconds"] for row in rows["objective_outages.csv"]][:3] == ["2640.0", "0.0", "720.0"]


def test_the_command_writes_every_format(folder: Path, tmp_path: Path) -> None:
    config = folder / "monitor.yaml"
    begins = {"html": b"<!DOCTYPE html>", "pdf": b"%PDF-", "csv": b"PK", "json": b"{"}
    for form, first in begins.items():
        said = invoke("report", "today", "--format", form, "--output", tmp_path / form, "--config", config)
        assert said.returncode == 0, said.stderr
        assert (tmp_path / form).read_bytes().startswith(first)
    table = invoke("report", "today", "--config", config)
    assert "PACS availability, " in table.stdout
    piped = invoke("report", "today", "--format", "html", "--config", config)
    assert piped.stdout.startswith("<!DOCTYPE html>")
