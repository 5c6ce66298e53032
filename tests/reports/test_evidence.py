"""What people added to a quarter that is worked out by hand: rows, both figures, and declared outages apart."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.config import canonical
from pacs_monitor.evidence import About, Declared, Statement, What
from pacs_monitor.fields import Match
from pacs_monitor.history import History, HistoryReader, Revision
from pacs_monitor.model import SECOND, Ending, Entry, Maintained, Micros, State, Transition
from pacs_monitor.objectives import Kept, Part, Share, Terms
from pacs_monitor.pieces import Class
from pacs_monitor.reports import build, html, parse, zipped
from pacs_monitor.reports.decided import without
from pacs_monitor.reports.terminal import table
from pacs_monitor.services import Standing, Stretch
from pacs_monitor.windows import occurrence
from tests.history.conftest import HandClock
from tests.reports import quarter as q
from tests.support.estates import loaded

MINUTE = 60
NOW = q.at(10, 20)
TERMS = "    contract: SLA 4.2\n"
AGREED = f"{TERMS}    response: {{critical: 30m}}\n    restoration: {{critical: 2h}}\n"
PATCHING = q.WINDOWS[0][0]


def said(
    number: int, subject: str, what: What, moment: Micros | None = None, value: str = "", why: str = ""
) -> Statement:
    about = About.WINDOW if subject == PATCHING else About.INCIDENT
    return Statement(f"{number:026d}", about, subject, what, NOW + number, "anna", moment, value, why)


async def stated(history: History) -> None:
    """Of the archive's outage of 10 July, of the patching in August, and of what no probe saw."""
    (opened,) = [one for one in history.reader.incidents() if one.since == q.at(7, 10, 3)]
    ended = opened.changed(ended=q.at(7, 10, 3, 44), ending=Ending.RESOLVED)
    await history.record(Entry(incidents=(ended,)))
    incident = opened.id
    for one in (
        said(1, incident, What.REPORTED, q.at(7, 10, 3, 14)),
        said(2, incident, What.RESPONDED, q.at(7, 10, 4, 10)),
        said(3, incident, What.RESPONDED, q.at(7, 10, 3, 52), why="typed late"),
        said(4, incident, What.RESTORED, q.at(7, 10, 5, 10)),
        said(5, incident, What.COUNTS, value="no", why="power cut"),
        said(6, PATCHING, What.COUNTS, value="yes"),
    ):
        assert await history.state([one], lambda _: None) is None
    for number, (start, end) in enumerate([(q.at(9, 1, 10), q.at(9, 1, 10, 35)), (q.at(9, 30, 23), q.at(10, 1, 2))]):
        outage = Declared(f"{number:026d}", NOW, "ben", start, end, "log of CT 2", node="archive")
        assert await history.declare(outage, lambda _: None) is None
    left_out = Statement("9" * 26, About.DECLARED, f"{1:026d}", What.COUNTS, NOW, "ben", None, "no", "our network")
    assert await history.state([left_out], lambda _: None) is None


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("evidence")

    async def made() -> None:
        history, _ = await q.recorded(folder, NOW)
        await stated(history)
        history.close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(q, "ESTATE", q.ESTATE.replace(TERMS, AGREED, 1))
        asyncio.run(made())
    return _built(folder)


def _built(folder: Path) -> dict[str, Any]:
    reader = HistoryReader.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus")
    try:
        return build(reader, parse("2026-Q3", q.ZONE, NOW), NOW)
    finally:
        reader.close()


def test_a_row_has_the_steps_what_was_agreed_and_the_correction(report: dict[str, Any]) -> None:
    (row,) = report["evidence"]
    assert row["of"] == "archive/dicom_store"
    assert row["response_seconds"] == 38 * MINUTE
    assert (row["response_agreed_seconds"], row["response_in_time"]) == (30 * MINUTE, False)
    assert (row["restoration_seconds"], row["restoration_in_time"]) == (116 * MINUTE, True)
    assert row["response_contract"] == "SLA 4.2"
    assert row["seconds"] == 44 * MINUTE
    (correction,) = row["corrections"]
    assert (correction["before"][11:16], correction["after"][11:16], correction["by"]) == ("04:10", "03:52", "anna")


def test_both_figures_are_shown_and_the_verdict_is_that_of_the_rules(report: dict[str, Any]) -> None:
    (row,) = [one for one in report["objectives"] if one["name"] == "PACS availability"]
    assert (row["used_seconds"], row["decided"]["used_seconds"]) == (56 * MINUTE, (56 - 44 + 60) * MINUTE)
    whole, decided = row["counted_time_seconds"], row["decided"]["counted_time_seconds"]
    assert decided == whole - 44 * MINUTE + 60 * MINUTE
    assert row["sentences"][0].startswith("Counted under SLA 4.2: 99.95 %")
    assert row["sentences"][-1] == "With what people said counts or does not: 99.94 %, met; counted 1 h 12 min."
    untouched = [one for one in report["objectives"] if one["name"] == "Modalities"]
    assert [one["decided"] for one in untouched] == [None] * len(untouched)


def test_declared_outages_have_their_own_sum_and_are_in_no_other_figure(report: dict[str, Any]) -> None:
    first, last = report["declared"]
    assert (first["seconds"], first["counts"]) == (35 * MINUTE, None)
    assert (last["seconds"], last["counts_why"]) == (60 * MINUTE, "our network")
    (total,) = report["declared_sums"]
    assert (total["of"], total["seconds"], total["counted_seconds"]) == ("archive", 95 * MINUTE, 35 * MINUTE)
    (archive,) = [row for row in report["nodes"] if row["node"] == "archive"]
    assert sum(archive["seconds"].values()) == 92 * 86_400
    assert not [row for row in report["incidents"] if row["since"].startswith("2026-09-01")]


def test_every_format_has_it(report: dict[str, Any]) -> None:
    document = html(report).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(
        r"reported [^·]* 03:14:00 · responded [^·]* 03:52:00 \(38 min; agreed 30 min\) · restored ", document
    )
    assert "03:52:00 instead of" in document
    assert "does not count (anna: power cut)" in document
    assert "log of CT 2" in document
    assert zipped(report)
    assert table(report)


starts = st.lists(st.integers(0, 50), min_size=2, max_size=8, unique=True).map(sorted)


@given(starts, starts, st.lists(st.sampled_from(sorted(Share)), min_size=7, max_size=7))
def test_what_is_left_out_was_downtime_and_the_seconds_stay_the_same(
    edges: list[int], cuts: list[int], shares: list[Share]
) -> None:
    parts = tuple(
        Part(a * SECOND, b * SECOND, share) for a, b, share in zip(edges[:-1], edges[1:], shares, strict=False)
    )
    track = tuple(
        Stretch(a * SECOND, b * SECOND, Standing(Class.DOWN, planned=True, unplanned=Class.UP))
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    )
    before = Kept(Terms(), parts)
    after = without(before, track)
    assert sum(after.shares.values()) == sum(before.shares.values())
    free = after.shares[Share.EXCLUDED] - before.shares[Share.EXCLUDED]
    bad = (Share.DOWN, Share.UNREACHABLE)
    assert free == sum(before.shares[share] - after.shares[share] for share in bad)
    assert all(before.shares[share] == after.shares[share] for share in Share if share not in (*bad, Share.EXCLUDED))


@pytest.mark.parametrize(
    ("key", "by_rules", "as_said", "sentence"),
    [
        ("counts: no", 30, 0, "does not count (change 4711)"),
        ("counts: yes, announced: 2026-06-01", 0, 30, "counts (change 4711)"),
    ],
)
async def test_a_window_of_the_configuration_says_whether_it_counts(
    tmp_path: Path, key: str, by_rules: int, as_said: int, sentence: str
) -> None:
    """The agreement leaves out what was announced a week before."""
    clock = HandClock()
    clock.time = q.at(7, 1)
    history = q.opened(tmp_path, clock)
    window = f"""
maintenance:
  - {{name: nightly, match: {{node: archive}}, start: "2026-07-02 02:00", duration: 2h, by: change 4711, {key}}}
"""
    await history.adopt(q.CHECKS, Revision("a1", content=canonical(loaded(tmp_path, q.ESTATE + window))))
    up = [Transition(check, State.UNKNOWN, State.UP, None, clock.time, clock.time + SECOND) for check in q.CHECKS]
    await history.record(Entry(tuple(up)))
    await q.live(history, clock, q.at(7, 3))
    for _, entry in q.entries([q.Trouble(q.ECHO, q.at(7, 2, 2, 30), q.at(7, 2, 3))]):
        await history.record(entry)
    identity = occurrence("nightly", Match(node=("archive",)), q.at(7, 2, 2))
    announced = date(2026, 6, 1) if "announced" in key else None
    span = Maintained(q.ECHO, identity, q.at(7, 2, 2), q.at(7, 2, 4), "nightly", announced)
    await history.record(Entry(maintained=(span,)))
    report = build(history.reader, parse("2026-07-02", q.ZONE, clock.time), clock.time)
    history.close()
    row = next(one for one in report["objectives"] if one["name"] == "PACS availability")
    assert (row["used_seconds"], row["decided"]["used_seconds"]) == (by_rules * MINUTE, as_said * MINUTE)
    (told,) = report["maintenance"]
    assert (told["counts"], told["counts_by"]) == ("no" if "counts: no" in key else "yes", "change 4711")
    assert sentence in html(report)
