"""Frozen reports: reproduced byte by byte whatever happens later, and every changed digit is told."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from weasyprint import HTML

from pacs_monitor.config import canonical
from pacs_monitor.history import Frozen, History, HistoryReader, Revision, audited
from pacs_monitor.history.engines import parse as database
from pacs_monitor.history.engines import writing
from pacs_monitor.history.frozen import DATA, DamagedError, digest, document, documents, frozen
from pacs_monitor.language import speaking
from pacs_monitor.model import Micros
from pacs_monitor.reports import NotOverError, Ready, difference_words, freeze, html, parse
from pacs_monitor.reports.csv import packed
from pacs_monitor.reports.differences import ALWAYS, DERIVED, differences, same
from pacs_monitor.reports.filing import file_name
from pacs_monitor.reports.verifying import NotAReportError, Verdict, claimed, verify
from tests.history.conftest import HandClock
from tests.reports import quarter as q
from tests.support.commands import invoke
from tests.support.estates import loaded

NOW = q.at(10, 20)
FORMATS = ("html", "json", "csv")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded quarter with its configuration; tests work on copies."""
    made_in = tmp_path_factory.mktemp("quarter")
    history, _ = asyncio.run(q.recorded(made_in, NOW))
    history.close()
    return made_in


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy"


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/pacs-monitor.db"


def opened(folder: Path, at: Micros = NOW) -> History:
    clock = HandClock()
    clock.time = at
    return History.open(url(folder), "east-campus", clock)


async def keep(history: History, name: str = "2026-Q3", at: Micros = NOW) -> Frozen:
    ready = freeze(history.reader, parse(name, q.ZONE, at), at, "Ada Lovelace")
    if isinstance(ready, Ready):
        await history.freeze(*ready)
        return ready.report
    return ready


def kept(reader: HistoryReader, number: str) -> dict[str, bytes]:
    found = {form: document(reader, number, form) for form in (*FORMATS, DATA)}
    return {form: content for form, content in found.items() if content is not None}


def judged(reader: HistoryReader, content: bytes) -> Verdict:
    hashes = {one.number: one.hashes for one in frozen(reader)}
    return verify(content, hashes, lambda number, form: document(reader, number, form))


async def test_a_frozen_report_is_the_same_after_ten_changes_of_the_configuration(folder: Path) -> None:
    history = opened(folder)
    report = await keep(history)
    before = kept(history.reader, report.number)
    history.close()
    for change in range(10):
        history = opened(folder, NOW + (change + 1) * q.HOUR)
        text = q.ESTATE.replace("Main archive", f"Archive {change}").replace("99.9%", f"9{change}%")
        content = canonical(loaded(folder, text))
        await history.adopt(q.CHECKS[: change % 3 + 2], Revision(f"change{change}", "Eve", "", content))
        await history.record(q.trouble_began(q.MR, NOW + (change + 1) * q.HOUR))
        history.close()
    reader = HistoryReader.open(url(folder), "east-campus")
    assert kept(reader, "2026-Q3/1") == before
    assert set(before) == {*FORMATS, DATA}
    assert digest(before[DATA]) == report.data_hash
    assert all(judged(reader, before[form]).genuine for form in FORMATS)
    reader.close()


async def test_the_documents_bear_number_and_hashes(folder: Path) -> None:
    history = opened(folder)
    report = await keep(history)
    found = kept(history.reader, report.number)
    shown = json.loads(found["json"])["frozen"]
    assert (shown["number"], shown["revision"], shown["by"], shown["replaces"]) == (
        "2026-Q3/1",
        1,
        "Ada Lovelace",
        None,
    )
    assert shown["data_sha256"] == report.data_hash == digest(found[DATA])
    (configuration,) = shown["configurations"]
    assert configuration["hash"] == "a1b2c3d4e5f6"
    assert re.fullmatch("[0-9a-f]{64}", configuration["sha256"])
    page = found["html"].decode()
    assert '<meta name="pacs-monitor-report" content="2026-Q3/1">' in page
    assert page.count(report.data_hash) == 1
    assert configuration["sha256"] in page
    with ZipFile(BytesIO(found["csv"])) as tables:
        assert f"2026-Q3/1,{report.data_hash}" in tables.read("period.csv").decode()
    history.close()


async def test_freezing_again_without_any_change_makes_no_revision(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    assert (await keep(history, at=NOW + q.HOUR)).number == "2026-Q3/1"
    assert len(frozen(history.reader)) == 1
    history.close()


def test_all_that_may_differ_has_a_word_in_the_report(final: dict[str, Any]) -> None:
    """The keys of the data are for programs."""
    keys: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key not in DERIVED:
                    keys.add(key)
                    if key not in ("seconds", "unknown_by_cause"):
                        walk(inner)

    walk({key: value for key, value in final.items() if key not in ALWAYS})
    known = {*difference_words.FIGURES, *difference_words.GROUPS}
    assert keys - known == set()


def test_a_name_of_a_row_is_told_as_people_write_it() -> None:
    one = {"path": ["objectives", "PACS 2026-07", "outages", "2026-07-10T03:00:00+02:00"], "what": "", "why": None}
    more = one | {"figure": "slow_from", "before": None, "after": "2026-07-10T01:00:00.000000Z"}
    zone = ZoneInfo(q.ZONE)
    assert difference_words.what(more, zone).replace("\N{NO-BREAK SPACE}", " ") == (
        "Agreement PACS July 2026, Outage 10 Jul 2026 03:00:00"
    )
    assert difference_words.value(more, "after", zone).replace("\N{NO-BREAK SPACE}", " ") == "10 Jul 2026 03:00:00"
    assert difference_words.value(more, "before", zone) == "\N{EN DASH}"
    cause = {"path": ["nodes", "archive", "unknown_by_cause"], "figure": "clock", "before": 0.0, "after": 90.0}
    assert difference_words.figure(cause, zone) == "the clock was set"
    assert difference_words.value(cause, "after", zone) == "1 min 30 s"
    version = {"why": "calculated by version 2, before by 1"}
    with speaking("de"):
        assert difference_words.why(version) == "berechnet mit Version 2, zuvor mit Version 1"
        assert difference_words.figure(cause, zone) == "die Uhr wurde gestellt"
    rest: dict[str, Any] = {"path": [], "what": "and 12 more", "figure": "", "before": None, "after": None}
    assert difference_words.what(rest, zone) == "and 12 more"


def test_a_key_of_a_later_version_that_says_nothing_is_no_difference() -> None:
    row = {"name": "PACS", "used_seconds": 1.0}
    older, newer = (
        {"version": str(n), "objectives": [row | more]} for n, more in enumerate(({}, {"consequence": None}))
    )
    assert same(older, newer)
    assert differences(older, newer) == []
    newer["objectives"] = [row | {"consequence": "5 % of the monthly fee"}]
    assert not same(older, newer)


async def test_a_later_change_makes_revision_two_with_its_differences(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    engine = writing(database(url(folder)))
    with engine.begin() as connection:  # what a fault of an earlier version would be mended by
        connection.exec_driver_sql("UPDATE maintained SET announced = NULL")
    engine.dispose()
    second = await keep(history, at=NOW + q.HOUR)
    assert second.number == "2026-Q3/2"
    shown = json.loads(kept(history.reader, "2026-Q3/2")["json"])["frozen"]
    assert shown["replaces"]["number"] == "2026-Q3/1"
    by_figure = {(one["what"], one["figure"]): one for one in shown["differences"]}
    ((_, used),) = [
        (key, one)
        for key, one in by_figure.items()
        if key[0].startswith("objectives, PACS availability") and key[1] == "used_seconds" and key[0].count(", ") == 1
    ]
    assert used["before"] == 56 * 60
    assert used["after"] == 56 * 60 + 102 * 60 - 12 * 60
    (turned,) = shown["turned"]
    assert (turned["name"], turned["before"]["verdict"], turned["after"]["verdict"]) == (
        "PACS availability",
        "met",
        "missed",
    )
    assert shown["differences"][0]["figure"] in ("verdict", "met")
    page = kept(history.reader, "2026-Q3/2")["html"].decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "3rd quarter of 2026: from met (56 min counted) to NOT met (2 h 26 min counted)." in page
    assert "What differs from 2026-Q3/1" in page
    agreement = "Agreement PACS availability archive-service 3rd quarter of 2026"
    figures = "<td>counted downtime</td><td>56 min</td><td>2 h 26 min</td>"
    assert f'<th scope="row">{agreement}</th>{figures}' in page
    data = json.loads(kept(history.reader, "2026-Q3/2")["json"])
    data["document"]["language"] = "de"
    german = html(data).replace("\N{NO-BREAK SPACE}", " ")
    agreement = "Vereinbarung PACS availability archive-service 3. Quartal 2026"
    figures = "<td>gewertete Ausfallzeit</td><td>56 min</td><td>2 h 26 min</td>"
    assert f'<th scope="row">{agreement}</th>{figures}' in german
    assert "<td>Ergebnis</td><td>erfüllt</td><td>NICHT erfüllt</td>" in german
    for said in (page, german):
        differing = said.split('<th scope="col">')[-1].split("</tbody>")[0]
        told = re.findall(r"<td>([^<]*)</td>", differing)
        assert len(told) > 20
        assert not [text for text in told if "_" in text and "/" not in text], "no name of the data"
    assert "56 min" in page
    first = kept(history.reader, "2026-Q3/1")
    assert judged(history.reader, first["html"]) == Verdict(
        True, "2026-Q3/1", "html", "is report 2026-Q3/1 as it was frozen, byte for byte (html)"
    )
    history.close()


async def test_what_is_not_over_cannot_be_frozen(folder: Path) -> None:
    history = opened(folder)
    with pytest.raises(NotOverError, match="goes on until 2027-01-01T00:00:00"):
        freeze(history.reader, parse("2026-Q4", q.ZONE, NOW), NOW, "Ada")
    history.close()


async def test_a_changed_digit_is_told_with_its_place(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    reader = history.reader
    found = kept(reader, "2026-Q3/1")

    page = found["html"].replace(b"counted 56 min", b"counted 36 min", 1)
    verdict = judged(reader, page)
    assert (verdict.genuine, verdict.number) == (False, "2026-Q3/1")
    (place,) = verdict.places
    assert "PACS availability" in place
    assert "counted 36 min" in place
    assert "counted 56 min" in place

    data = json.loads(found["json"])
    data["objectives"][0]["used_seconds"] = 1.0
    (place,) = judged(reader, json.dumps(data).encode()).places
    assert place.startswith("objectives: PACS availability")
    assert place.endswith("used_seconds: 1.0, frozen as 3360.0")

    (place,) = judged(reader, rezipped(found["csv"], "objectives.csv", b"3360.0", b"3300.0")).places
    assert re.fullmatch(r"objectives\.csv, row 2, \w+_seconds: '3300.0', frozen as '3360.0'", place)
    history.close()


def test_of_a_changed_pdf_the_page_and_the_words_are_named() -> None:
    page = "<p>Report: 2026-Q3/2, it replaces 2026-Q3/1.</p><p style='break-before: page'>counted 56 min: met</p>"
    frozen, forged, thinner = (
        HTML(string=text).write_pdf()
        for text in (page, page.replace("56 min: met", "36 min: NOT met"), page.replace("met", "<b>met</b>"))
    )
    hashes = {"2026-Q3/1": {"pdf": "0" * 64}, "2026-Q3/2": {"pdf": digest(frozen)}}
    assert verify(frozen, hashes, lambda _number, _form: frozen).genuine
    found = verify(forged, hashes, lambda number, _form: frozen if number == "2026-Q3/2" else None)
    assert (found.genuine, found.number) == (False, "2026-Q3/2")
    assert found.places == ("page 2: '36', frozen as '56'", "page 2: 'NOT', frozen as nothing")
    (place,) = verify(thinner, hashes, lambda _number, _form: frozen).places
    assert re.fullmatch(r"byte \d+ of \d+; its words are those that were frozen", place)
    assert verify(b"%PDF-1.7 nothing", hashes, lambda _number, _form: frozen).number is None


def rezipped(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    made = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(made, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            assert name != member or old in data
            target.writestr(name, data.replace(old, new, 1) if name == member else data)
    return made.getvalue()


async def test_any_changed_digit_is_found(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    found = kept(history.reader, "2026-Q3/1")
    chosen = random.Random(62)
    for form in ("html", "json"):
        places = [match.start() for match in re.finditer(rb"\d", found[form])]
        for at in chosen.sample(places, 40):
            digit = b"%d" % ((int(found[form][at : at + 1]) + chosen.randint(1, 9)) % 10)
            verdict = judged(history.reader, found[form][:at] + digit + found[form][at + 1 :])
            assert not verdict.genuine
            assert verdict.places or verdict.number != "2026-Q3/1", found[form][at - 30 : at + 30]
    history.close()


async def test_a_line_that_only_goes_on_is_shown_where_it_does(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    page = kept(history.reader, "2026-Q3/1")["html"]
    longest = max(page.split(b"\n"), key=len)
    assert len(longest) > 200
    (place,) = judged(history.reader, page.replace(longest, longest + b"<i>forged</i>")).places
    assert "<i>forged</i>" in place
    history.close()


def test_a_zip_that_is_damaged_anywhere_is_none_any_more() -> None:
    whole = packed([("period", [{"number": "2026-Q3/1"}]), ("days", [{"day": str(n) * 7} for n in range(50)])])
    assert claimed(whole, "csv") == "2026-Q3/1"
    for place in range(len(whole)):
        for bit in (1, 16, 128):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            assert claimed(bytes(damaged), "csv") in ("2026-Q3/1", None)
        assert claimed(whole[:place], "csv") is None


def test_a_cell_may_be_as_large_as_a_table() -> None:
    changes = [{"changes": "services.pacs changed " * 10_000}]
    assert claimed(packed([("period", [{"number": "2026-Q3/1"}]), ("revisions", changes)]), "csv") == "2026-Q3/1"


async def test_what_was_never_frozen_is_not_taken_for_frozen(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    reader = history.reader
    found = kept(reader, "2026-Q3/1")
    elsewhere = found["html"].replace(b"2026-Q3/1", b"2019-Q3/1")
    assert judged(reader, elsewhere).sentence == "says that it is report 2019-Q3/1, of which no html was frozen here"
    nameless = re.sub(rb"<meta name=\"pacs-[^>]*>", b"", found["html"])
    assert judged(reader, nameless).sentence == "this html bears no number of a frozen report"
    rewritten = json.dumps(json.loads(found["json"])).encode()
    assert judged(reader, rewritten).sentence == (
        "says the same as report 2026-Q3/1, but is written differently: not byte for byte"
    )
    assert not judged(reader, b"%PDF-1.7 nothing").genuine
    assert not judged(reader, found["csv"][:200]).genuine
    assert not judged(reader, b"{").genuine
    with pytest.raises(NotAReportError):
        judged(reader, b"GIF89a")
    history.close()


async def test_a_document_that_is_damaged_in_the_database_is_not_handed_out(folder: Path) -> None:
    history = opened(folder)
    await keep(history)
    engine = writing(database(url(folder)))
    with engine.begin() as connection:
        content = zlib.decompress(
            connection.scalar(select(documents.c.content).where(documents.c.format == "html")) or b""
        )
        changed = zlib.compress(content.replace(b"56 min", b"36 min"))
        connection.execute(update(documents).where(documents.c.format == "html").values(content=changed))
    engine.dispose()
    with pytest.raises(DamagedError, match="restore the database"):
        document(history.reader, "2026-Q3/1", "html")
    history.close()


def test_names_of_files_are_safe_whatever_a_period_is_called() -> None:
    assert file_name("2026-Q3/1", "html") == "report-2026-Q3-1.html"
    assert file_name("2026-09-01T08:00..2026-09-02/12", "csv") == "report-2026-09-01T08_00--2026-09-02-12.zip"


@pytest.mark.usefixtures("no_printer")
def test_the_commands_freeze_verify_and_approve_without_a_daemon(folder: Path, tmp_path: Path) -> None:
    config, page = folder / "monitor.yaml", tmp_path / "signed.html"
    config.write_text(q.ESTATE.replace("timezone:", f"database: '{url(folder)}', timezone:"))
    said = report("2026-Q3", "--final", "--by", "Ada", "--why", "for the board", config=config)
    assert (said.returncode, "2026-Q3/1" in said.stdout) == (0, True), said.stderr
    told = " ".join(said.stderr.split())
    assert "made without a PDF: install pacs-monitor[pdf], or Chromium, Chrome or Edge" in told
    assert "WeasyPrint cannot be loaded: cannot load library libpango" in told
    assert "nothing has changed since" in report("2026-Q3", "--final", config=config).stdout
    assert report("2026-Q3/1", "--format", "html", "--output", page, config=config).returncode == 0
    before = page.read_bytes()

    good = report("verify", page, config=config)
    assert (good.returncode, "as it was frozen, byte for byte" in good.stdout) == (0, True)
    assert "approved by nobody yet" in good.stdout
    assert report("approve", "2026-Q3/1", "--by", "Grace Hopper", config=config).returncode == 0
    assert report("approve", "2026-Q3/1", "--by", "Grace Hopper", config=config).returncode == 1
    assert report("distributed", "2026-Q3/1", "--to", "the vendor", config=config).returncode == 0
    bad_day = report("action", "2026-Q3/1", "second power supply", "--due", "soon", config=config)
    assert (bad_day.returncode, "due: " in bad_day.stderr) == (2, True), bad_day.stderr
    done = report("action", "2026-Q3/1", "second power supply", "--owner", "IT", "--due", "2026-12-15", config=config)
    assert done.returncode == 0, done.stderr
    assert "approved by Grace Hopper" in report("verify", page, config=config).stdout
    (row,) = json.loads(report("list", "--json", config=config).stdout)
    assert [one["by"] for one in row["approvals"]] == ["Grace Hopper"]
    assert [one["text"] for one in row["distributed"]] == ["the vendor"]
    assert [(one["text"], one["owner"], one["due"]) for one in row["actions"]] == [
        ("second power supply", "IT", "2026-12-15")
    ]
    assert report("2026-Q3/1", "--format", "html", "--output", page, config=config).returncode == 0
    assert page.read_bytes() == before

    page.write_bytes(before.replace(b"counted 56 min", b"counted 36 min", 1))
    bad = report("verify", page, config=config)
    assert (bad.returncode, "is NOT report 2026-Q3/1" in bad.stdout) == (1, True)
    assert report("verify", tmp_path / "none.html", config=config).returncode == 2
    assert report("verify", config, config=config).returncode == 2
    assert report("2026-Q9/1", config=config).returncode == 2
    assert report("2026-Q3", "--final", "--match", "role=archive", config=config).returncode == 2
    reader = HistoryReader.open(url(folder), "east-campus")
    actions = [(entry.action, entry.by, entry.why) for entry in audited(reader, 10)]
    assert ("pacs-monitor report 2026-Q3 --final", "Ada", "for the board") in actions
    assert len(actions) == 4
    reader.close()


def report(*words: object, config: Path, **environment: str) -> Any:
    return invoke("report", *words, config=config, **environment)
