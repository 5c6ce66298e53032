"""Reports over a real history: they add up, bracket, and can be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from pacs_monitor.format.human import duration, percentage
from pacs_monitor.history import HeartbeatBatch, History, Revision, Runs
from pacs_monitor.model import SECOND, Entry, Micros, Reason, State, Unreachable
from pacs_monitor.reports import build, parse, table
from tests.history.conftest import HandClock
from tests.history.things import ECHO, STORE, incident, went

HOUR = 3600 * SECOND


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> Micros:
    return round(datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND


async def live(history: History, clock: HandClock, until: Micros, step: Micros = HOUR) -> None:
    """Heartbeats up to a time; the gaps between them are bridged by records of nothing."""
    while clock.time < until:
        clock.time = min(clock.time + step, until)
        await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.time)))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[tuple[History, HandClock]]:
    """A record of October 2026: three hours of outage in the night of the 25th, and a day without the monitor."""
    clock = HandClock()
    clock.time = at(10, 1)
    url = f"sqlite:///{tmp_path}/pacs-monitor.db"
    history = History.open(url, "east", clock, gap=2 * HOUR)
    await history.adopt([ECHO, STORE], Revision("abc", "Ada"))
    await history.record(Entry((went(State.UP, at(10, 1), before=State.UNKNOWN, reason=None),)))
    down, up = at(10, 25, 1), at(10, 25, 3)
    await live(history, clock, down)
    about = incident(down, last_good=down - SECOND)
    await history.record(Entry((went(State.DOWN, down, last_before=down - SECOND),), (about,)))
    await live(history, clock, up)
    await history.record(Entry((went(State.UP, up, before=State.DOWN, last_before=up - 2 * SECOND, reason=None),)))
    await asyncio.wrap_future(history.beat(HeartbeatBatch(up, runs={ECHO: Runs(ok=100, fail=7, brief=2)})))
    await live(history, clock, at(10, 30))
    history.close()
    clock.time = at(10, 31)
    history = History.open(url, "east", clock, gap=2 * HOUR)
    await live(history, clock, at(11, 1))
    yield history, clock
    history.close()


async def test_a_quarter_over_daylight_saving_sums_exactly(history: tuple[History, HandClock]) -> None:
    opened, clock = history
    period = parse("2026-Q4", "Europe/Berlin", clock.time)
    report = build(opened.reader, period, clock.time)
    assert json.loads(json.dumps(report)) == report
    assert report["period"] == {
        "name": "2026-Q4",
        "from": "2026-10-01T00:00:00+02:00",
        "to": "2027-01-01T00:00:00+01:00",
        "timezone": "Europe/Berlin",
        "so_far": True,
        "accounted_until": "2026-11-01T00:00:00+01:00",
    }
    assert report["revision"] == {"hash": "abc", "since": "2026-09-30T22:00:00.000000Z", "who": "Ada"}
    assert report["coverage"] == (31 * 24 + 1 - 24) / (31 * 24 + 1)
    echo, store = report["checks"]
    hours = {name: seconds / 3600 for name, seconds in echo["seconds"].items() if seconds}
    assert hours == {"up": 31 * 24 + 1 - 3 - 24, "down": 3, "unknown": 24}
    assert {cause: s for cause, s in echo["unknown_by_cause"].items() if s} == {"monitor_not_running": 24 * 3600}
    assert (echo["runs"], echo["brief_failures"]) == (107, 2)
    assert echo["availability"] == echo["availability_attributable"] == 718 / 721
    assert (store["availability"], store["incidents"], store["runs"]) == (None, [], 0)
    assert sum(store["seconds"].values()) == store["seconds"]["unknown"] == (31 * 24 + 1) * 3600


async def test_an_outage_has_its_bounds_and_its_incident(history: tuple[History, HandClock]) -> None:
    opened, clock = history
    report = build(opened.reader, parse("2026-10", "Europe/Berlin", clock.time), clock.time, checks={ECHO})
    (outage,) = report["incidents"]
    assert outage == {
        "node": "archive",
        "check": "dicom_echo",
        "id": opened.reader.incidents()[0].id,
        "at_least_seconds": 3 * 3600 - 2.0,
        "at_most_seconds": 3 * 3600 + 1.0,
        "down_seconds": 3 * 3600.0,
        "planned_seconds": 0.0,
        "planned": None,
        "last_good": "2026-10-24T22:59:59.000000Z",
        "since": "2026-10-24T23:00:00.000000Z",
        "noticed": "2026-10-24T23:00:00.000010Z",
        "ended": "2026-10-25T02:00:00.000000Z",
        "reason": Reason.TCP_REFUSED,
        "last_failed": "2026-10-25T01:59:58.000000Z",
        "unreachable_seconds": 0.0,
    }
    assert [row["check"] for row in report["checks"]] == ["dicom_echo"]
    assert report["period"]["so_far"] is False


async def test_what_stood_behind_a_dead_parent_is_not_charged_to_the_check(
    history: tuple[History, HandClock],
) -> None:
    opened, clock = history
    down, up = at(10, 25, 1), at(10, 25, 3)
    moves = (
        went(State.UP, at(10, 1), before=State.UNKNOWN, check=STORE, reason=None),
        went(State.DOWN, down, check=STORE, reason=Reason.TCP_TIMEOUT),
        went(State.UP, up, before=State.DOWN, check=STORE, reason=None),
    )
    behind = Unreachable(STORE, "fw-1", down - SECOND, None)
    await opened.record(Entry(moves, unreachable=(behind,)))
    await opened.record(Entry(unreachable=(behind._replace(until=up - HOUR),)))
    report = build(opened.reader, parse("2026-10", "Europe/Berlin", clock.time), clock.time, checks={STORE})
    (store,) = report["checks"]
    assert (store["seconds"]["unreachable"], store["seconds"]["down"]) == (2 * 3600, 3600)


async def test_a_period_before_anything_was_watched_has_no_checks(history: tuple[History, HandClock]) -> None:
    opened, clock = history
    report = build(opened.reader, parse("2026-09", "Europe/Berlin", clock.time), clock.time)
    assert (report["checks"], report["incidents"], report["coverage"]) == ([], [], 0.0)
    assert report["revision"] is None


async def test_the_tables_show_every_check_and_every_outage(history: tuple[History, HandClock]) -> None:
    opened, clock = history
    console = Console(width=200, record=True, file=StringIO())
    console.print(table(build(opened.reader, parse("2026-Q4", "Europe/Berlin", clock.time), clock.time)))
    text = console.export_text()
    assert "2026-Q4  2026-10-01 00:00:00 to 2027-01-01 00:00:00, accounted until" in text
    assert "times in Europe/Berlin" in text
    assert "The monitor ran for 96.778 % of it." in text
    rows = {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.startswith("archive/")}
    assert rows["archive/dicom_store"] == "archive/dicom_store not measured not measured 0 s 0 s 31 d 1 h 0 0"
    assert "tcp_refused" in rows["archive/dicom_echo"]
    assert "2 h 59 min 58 s 3 h 1 s" in rows["archive/dicom_echo"]


async def test_what_has_never_worked_is_named_and_charged_to_nobody(tmp_path: Path, clock: HandClock) -> None:
    history = History.open(f"sqlite:///{tmp_path}/pacs-monitor.db", "east", clock)
    began = clock.now()
    await history.adopt([ECHO, STORE], Revision("abc"), {ECHO: "one", STORE: "two"})
    await history.record(Entry((went(State.DOWN, began, before=State.UNKNOWN), went(State.UP, began, check=STORE))))
    await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.move(20))))
    report = build(history.reader, parse("2027", "UTC", clock.time), clock.time)
    history.close()
    (echo, store), console = report["checks"], Console(width=200, record=True, file=StringIO())
    console.print(table(report))
    text = console.export_text()
    assert (echo["unknown_by_cause"]["unproven"], store["unknown_by_cause"]["unproven"]) == (20.0, 0.0)
    assert (echo["seconds"]["down"], echo["availability"], report["incidents"]) == (0.0, None, [])
    assert "are they configured correctly?\n  archive/dicom_echo, for 20 s\n" in text
    assert "archive/dicom_store, for" not in text


async def test_a_narrow_terminal_folds_what_it_cannot_show_and_cuts_nothing(
    history: tuple[History, HandClock],
) -> None:
    opened, clock = history
    report = build(opened.reader, parse("2026-Q4", "Europe/Berlin", clock.time), clock.time)
    console = Console(width=80, record=True, file=StringIO())
    console.print(table(report))
    text = console.export_text()
    assert report["incidents"]
    assert "…" not in text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (0.0412, "41.2 ms"), (59.5, "59.5 s"), (60, "1 min"), (90061, "1 d 1 h 1 min 1 s")],
)
def test_durations_are_written_for_people(seconds: float, shown: str) -> None:
    assert duration(seconds, exact=True) == shown


def test_a_percentage_never_rounds_up_to_all_of_it() -> None:
    assert [percentage(r, decimals=3) for r in (1.0, 0.9999999, 0.9993, 0.0)] == [
        "100.000 %",
        "99.999 %",
        "99.930 %",
        "0.000 %",
    ]
