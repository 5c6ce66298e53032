"""How objectives fare so far: the figures of the report, and none that is too old."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pacs_monitor.model import SECOND
from pacs_monitor.reports import build, parse, so_far
from pacs_monitor.reports.so_far import ObjectivesSoFar, account
from tests.reports import quarter as q
from tests.support.estates import loaded
from tests.support.timing import until

NOW = q.at(8, 20, 12)


async def test_it_has_the_figures_of_the_report(tmp_path: Path) -> None:
    history, _ = await q.recorded(tmp_path, NOW)
    try:
        made = account(history.reader, q.ZONE, NOW)
        rows = build(history.reader, parse("2026-08-20", q.ZONE, NOW), NOW)["objectives"]
    finally:
        history.close()
    told = {(one.objective, one.service or one.node): one for one in made.objectives}
    assert told.keys() == {(row["name"], row["of"]) for row in rows}
    for row in rows:
        one = told[row["name"], row["of"]]
        figure = row["availability_attributable"] if row["counts"] == "attributable" else row["availability"]
        assert (one.availability, one.allowed / SECOND, one.used / SECOND) == (
            figure,
            row["budget_seconds"],
            row["used_seconds"],
        )
        assert one.measured == row["measured_seconds"] / row["to_measure_seconds"]
        assert parse("2026-08", q.ZONE, NOW).interval.end <= one.period.end
    assert told["Modalities", "ct-1"].used == 5 * q.HOUR, "down since 07:00"


async def test_what_cannot_be_renewed_is_soon_not_told_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(so_far, "EVERY", 0.01)
    monkeypatch.setattr(so_far, "AFTER_START", 0.0)
    history, clock = await q.recorded(tmp_path, NOW)
    without, estate = loaded(tmp_path, q.ESTATE.split("objectives:")[0]), loaded(tmp_path, q.ESTATE)
    kept = ObjectivesSoFar(clock, history, lambda: estate)
    assert kept.account is None
    keeping = asyncio.create_task(kept.keep())
    try:
        await until(lambda: kept.account is not None and bool(kept.account.objectives))
        history.close()
        (tmp_path / "pacs-monitor.db").unlink()
        (tmp_path / "pacs-monitor.db").mkdir()
        await until(lambda: "objectives are not accounted for" in caplog.text)
        assert kept.account is not None
        assert kept.account.objectives
        clock.move(so_far.FRESH_FOR + 1)
        assert kept.account is not None
        assert (kept.account.at, kept.account.objectives) == (NOW, ())
        estate = without
        kept.look_again()
        await until(lambda: kept.account is None)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert caplog.text.count("objectives are not accounted for") == 1
