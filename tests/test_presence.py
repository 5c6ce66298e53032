"""Intermittent nodes: off is no outage, but who should be on and is not is degraded."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor import states
from pacs_monitor.calendars import Calendar, Days, Hours
from pacs_monitor.config import canonical, of_record
from pacs_monitor.history import History, Revision
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Entry,
    Micros,
    Outcome,
    Presence,
    Reason,
    Result,
    Standing,
    State,
    Status,
    Thresholds,
    Transition,
)
from tests.history.conftest import HandClock
from tests.support.estates import loaded, messages

BERLIN = ZoneInfo("Europe/Berlin")
CT = CheckId("ct-2", "ping")
HOLIDAY = date(2026, 11, 25)
CORE = Calendar("core", Hours.parse("Mon-Fri 07:00-17:00"), BERLIN, (Days(HOLIDAY, HOLIDAY),))
THRESHOLDS = Thresholds(3, 2, Presence.INTERMITTENT, expected=CORE, absent_for=7200.0)
GONE, THERE = Outcome.of(Reason.TCP_TIMEOUT), Outcome(Status.OK)
SINCE_NOON = Standing(State.UP, 0, None)
"""Up, whenever that was."""


def at(text: str) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * SECOND


def watch(
    start: str, end: str, standing: Standing = SINCE_NOON, outcome: Outcome = GONE, thresholds: Thresholds = THRESHOLDS
) -> tuple[Standing, list[Transition]]:
    """Every five minutes the same result."""
    moves, moment = [], at(start)
    while moment < at(end):
        standing, moved = states.advance(standing, Result(CT, "ping", outcome, moment, 1.0), thresholds)
        moves += [moved] if moved else []
        moment += 300 * SECOND
    return standing, moves


def said(moves: list[Transition]) -> list[str]:
    return [f"{datetime.fromtimestamp(m.noticed // SECOND, BERLIN):%a %H:%M} {m.before} {m.after}" for m in moves]


def test_who_should_be_on_and_is_not_is_degraded() -> None:
    """Monday, 23 November 2026: last seen at 18:12."""
    seen, _ = watch("2026-11-23T18:07", "2026-11-23T18:13", outcome=THERE)
    off, moves = watch("2026-11-23T18:17", "2026-11-24T08:58", seen)
    assert (off.state, said(moves)) == (State.ABSENT, ["Mon 18:27 up absent"])
    missed, (degraded,) = watch("2026-11-24T09:00", "2026-11-24T12:00", off)
    assert (missed.state, degraded.reason) == (State.DEGRADED, Reason.ABSENT)
    assert degraded.detail == "should be on Mon-Fri 07:00-17:00; last seen Mon 2026-11-23 18:12"
    assert (degraded.since, degraded.noticed) == (at("2026-11-24T09:00"), at("2026-11-24T09:00") + SECOND)


def test_it_is_absent_again_at_closing_time_and_missed_again_two_hours_after_the_next_opening() -> None:
    standing, _ = watch("2026-11-23T12:00", "2026-11-23T16:55")
    assert standing.state is State.DEGRADED
    _, moves = watch("2026-11-23T16:55", "2026-11-26T12:00", standing)
    assert said(moves) == [
        "Mon 17:10 degraded absent",
        "Tue 09:00 absent degraded",
        "Tue 17:10 degraded absent",
        "Thu 09:00 absent degraded",
    ], "Wednesday is a holiday"
    assert [move.reason for move in moves[:2]] == [Reason.TCP_TIMEOUT, Reason.ABSENT]


def test_it_recovers_like_any_other() -> None:
    standing, _ = watch("2026-11-24T07:00", "2026-11-24T10:00")
    assert standing.state is State.DEGRADED
    _, moves = watch("2026-11-24T10:00", "2026-11-24T10:30", standing, THERE)
    assert said(moves) == ["Tue 10:05 degraded up"]


def test_brief_absences_and_nodes_without_expectation_stay_absent() -> None:
    assert watch("2026-11-24T08:00", "2026-11-24T10:00")[0].state is State.ABSENT
    never = replace(THRESHOLDS, expected=None)
    assert watch("2026-11-24T07:00", "2026-11-24T17:00", thresholds=never)[0].state is State.ABSENT


def test_a_restart_changes_nothing_but_when_it_was_seen() -> None:
    """The streaks are lost, the state and its reason are not."""
    standing, _ = watch("2026-11-24T07:00", "2026-11-24T10:00")
    again = Standing(standing.state, standing.since, standing.reason, troubled=True, last=standing.last)
    for one in (standing, again):
        assert said(watch("2026-11-24T10:00", "2026-11-24T18:00", one)[1]) == ["Tue 17:10 degraded absent"]


def test_status_says_that_it_is_off_as_expected_or_should_be_on() -> None:
    standing, _ = watch("2026-11-24T17:30", "2026-11-24T18:30")
    sentence = states.absence(standing, at("2026-11-24T20:00"), THRESHOLDS)
    assert sentence == "off, as expected outside of Mon-Fri 07:00-17:00"
    assert states.absence(standing, at("2026-11-26T08:00"), THRESHOLDS).startswith("should be on Mon-Fri 07:00-17:00; ")
    assert states.absence(SINCE_NOON, at("2026-11-26T08:00"), THRESHOLDS) == ""
    assert states.absence(standing, at("2026-11-26T08:00"), replace(THRESHOLDS, expected=None)) == ""


kinds = st.lists(st.tuples(st.sampled_from([GONE, THERE]), st.integers(1, 40)), min_size=1, max_size=12)


@given(kinds, st.integers(0, 6 * 24 * 12))
def test_nobody_is_missed_who_was_there_within_absent_for_or_outside_of_hours(
    runs: list[tuple[Outcome, int]], first: int
) -> None:
    standing, moment, seen = SINCE_NOON, at("2026-11-23T00:00") + first * 300 * SECOND, 0
    for outcome, times in runs:
        for _ in range(times):
            before = standing.state
            standing, moved = states.advance(standing, Result(CT, "ping", outcome, moment, 1.0), THRESHOLDS)
            seen = moment if outcome is THERE else seen
            if moved and moved.reason is Reason.ABSENT:
                assert before is State.ABSENT
                assert CORE.is_open(moved.noticed)
                assert moved.noticed - seen >= 7200 * SECOND
                assert moved.last_before is None or moved.since >= moved.last_before
                span = (moved.noticed - 7200 * SECOND, moved.noticed)
                assert CORE.intervals(span) == [span]
            moment += 300 * SECOND


HEAD = "monitor: {name: east, timezone: Europe/Berlin}\ndefault_route: {channels: []}\n"
HEAD += 'calendars: {core: {hours: "Mon-Fri 07:00-17:00"}}\nsites: {east: {calendar: core}, west: {}}\nnodes:\n'


@pytest.mark.parametrize(
    ("node", "expected", "absent_for"),
    [
        ("presence: intermittent, expected: core, absent_for: 4h", "core", 4 * 3600.0),
        ("presence: intermittent, expected: core", "core", 7200.0),
        ("presence: intermittent, site: east, absent_for: 1h", "core", 3600.0),
        ("presence: intermittent, site: east", None, 7200.0),
    ],
)
def test_the_configuration_says_when_and_how_long(
    node: str, expected: str | None, absent_for: float, tmp_path: Path
) -> None:
    estate = loaded(tmp_path, f"{HEAD}  ct-2: {{host: h, {node}, checks: {{ping: }}}}\n")
    thresholds = estate.checks[CT].thresholds
    assert (thresholds.expected and thresholds.expected.name, thresholds.absent_for) == (expected, absent_for)
    again = of_record(json.loads(canonical(estate)), estate.file, estate.revision)
    assert again.checks[CT].thresholds == thresholds


@pytest.mark.parametrize(
    ("node", "wrong"),
    [
        ("presence: intermittent, expected: cor", "nodes.ct-2.expected: unknown calendar 'cor'; did you mean 'core'?"),
        (
            "expected: core",
            "nodes.ct-2.expected: is for presence: intermittent; a node that is always on fails at once",
        ),
        (
            "presence: intermittent, site: west, absent_for: 2h",
            "nodes.ct-2.absent_for: needs expected: CALENDAR, or a site with a calendar",
        ),
    ],
)
def test_what_cannot_be_is_told(node: str, wrong: str, tmp_path: Path) -> None:
    (message,) = messages(tmp_path, f"{HEAD}  ct-2: {{host: h, {node}, checks: {{ping: }}}}\n")
    assert message.endswith(wrong)


def test_another_process_knows_when_it_was_last_seen(tmp_path: Path) -> None:
    """After a night: absent, missed, absent again at closing time."""
    standing, moves = watch("2026-11-23T12:00", "2026-11-23T20:00")
    estate = loaded(
        tmp_path, f"{HEAD}  ct-2: {{host: h, presence: intermittent, expected: core, checks: {{ping: }}}}\n"
    )
    clock = HandClock()
    clock.time = at("2026-11-23T11:00")
    with closing(History.open(f"sqlite:///{tmp_path}/a.db", "east", clock)) as history, asyncio.Runner() as runner:
        runner.run(history.adopt(estate.checks, Revision(estate.revision)))
        clock.time = at("2026-11-23T20:00")
        first = Transition(CT, State.UNKNOWN, State.UP, None, at("2026-11-23T11:00"), at("2026-11-23T11:00"))
        seen = [replace(moves[0], last_before=at("2026-11-23T11:55")), *moves[1:]]
        for count, gone in ((1, State.ABSENT), (2, State.DEGRADED), (3, State.ABSENT)):
            transitions = (first, *seen[:1]) if count == 1 else (seen[count - 1],)
            runner.run(history.record(Entry(transitions=transitions)))
            again = runner.run(history.restore()).standings[CT]
            assert (again.state, again.seen) == (gone, at("2026-11-23T11:55"))
    assert standing.state is State.ABSENT
