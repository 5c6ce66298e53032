"""Many incidents at once: so many are opened on a channel within a minute, the worst; a summary stands for the rest."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.alerting import storms
from pacs_monitor.alerting.turn import Owed
from pacs_monitor.config import Estate
from pacs_monitor.model import SECOND, DeliveryStatus, Event, IncidentKind, Severity
from tests.alerting.play import Play, an_estate
from tests.alerting.tables import Restarting

LIMIT = 6
HEAD = f"""
monitor: {{name: east-campus, paging: on}}
channels: {{hook: {{type: webhook, url: "http://127.0.0.1:1/", openings_per_minute: {LIMIT}}}}}
default_route: {{channels: [hook]}}
defaults: {{page_after: 1m, interval: 60s}}
"""
SEVERITIES = ("info", "warning", "critical")
NODES = "nodes:\n" + "".join(
    f"  n{n:02}: {{host: 10.0.0.{n + 1}, checks: {{ping: {{severity: {SEVERITIES[n % 3]}}}}}}}\n" for n in range(30)
)
EVERY = tuple(f"n{n:02}/ping" for n in range(30))
REMINDING = HEAD.replace("channels: [hook]}", "channels: [hook], remind: 30m}")


def estate_of(folder: Path, head: str = HEAD) -> Estate:
    return an_estate(folder, NODES, head)


def summaries(play: Play) -> list[tuple[int, str, int]]:
    """When, what, and of how many incidents."""
    return [
        (round((one.at - play.heard[0].at) / SECOND), one.event.removeprefix("incident."), len(one.incident.linked))
        for one in play.heard
        if one.incident.kind is IncidentKind.SUMMARY
    ]


def opened(play: Play) -> list[Owed]:
    """For themselves."""
    return [one for one in play.heard if one.event is Event.OPENED and one.incident.kind is IncidentKind.NODE]


def test_up_to_half_of_it_everything_goes_out_at_once(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path)).move(100, EVERY[:3], "down").until(1000)
    assert sorted(play.said()) == [f"140 opened unreachable:n0{n}" for n in range(3)]
    assert play.whys() == []


def test_the_worst_that_waited_go_first_and_the_rest_is_one_summary_with_one_end(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path)).move(100, EVERY, "down").until(1000)
    assert [one.incident.severity for one in opened(play)[3:]] == [Severity.CRITICAL] * 3
    assert len(opened(play)) == LIMIT
    assert summaries(play) == [(10, "opened", 24)]
    (summary,) = [one for one in play.heard if one.incident.kind is IncidentKind.SUMMARY]
    assert (summary.incident.severity, summary.incident.detail) == ("critical", "6 critical, 9 warning, 9 info")
    play.move(2000, EVERY[:29], "up").until(2500)
    assert [what for _, what, _ in summaries(play)] == ["opened"]
    play.move(3000, EVERY[29], "up").until(4000)
    assert summaries(play)[-1] == (2860, "resolved", 24)
    ends = [one for one in play.heard if one.event is Event.RESOLVED and one.incident.kind is IncidentKind.NODE]
    assert {one.incident.id for one in ends} == {one.incident.id for one in opened(play)}
    assert play.open() == []


def test_a_summary_of_one_is_not_made(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path)).move(100, EVERY[:7], "down").until(1000)
    assert len(opened(play)) == 7
    assert summaries(play) == []


def test_what_opens_a_minute_later_goes_out_at_once_again(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path)).move(100, EVERY[:20], "down").move(300, EVERY[20], "down").until(1000)
    assert play.said()[-1] == "340 opened unreachable:n20"


def test_while_it_goes_on_there_is_one_summary_a_minute(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path))
    for n, check in enumerate(EVERY):
        play.move(100 + 5 * n, check, "down")
    play.until(2000)
    times = [(one.at - play.heard[0].at) / SECOND for one in opened(play)]
    for first in times:
        assert sum(first <= other < first + 60 for other in times) <= LIMIT
    assert all(
        later[0] - earlier[0] >= 60 for earlier, later in zip(summaries(play), summaries(play)[1:], strict=False)
    )
    assert len(opened(play)) + sum(count for _, _, count in summaries(play)) == 30


def test_what_gets_worse_than_the_summary_said_has_its_own_opened_and_its_own_end(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path))
    play.move(100, EVERY, "degraded", "slow").until(400)
    told = {member.node for one in play.heard if one.event is Event.OPENED for member in one.incident.members}
    assert len(told) == 30
    mine = {str(one.incident.members[0]) for one in opened(play)}
    check = next(check for check in EVERY if check not in mine and int(check[1:3]) % 3 == 2)
    play.move(500, check, "down").until(600)
    assert play.said()[-1] == f"500 opened unreachable:{check.partition('/')[0]}"
    play.move(700, EVERY, "up").until(800)
    ends = [one.incident.cause for one in play.heard if one.event is Event.RESOLVED]
    assert len(ends) == len(set(ends)) == LIMIT + 1 + 1


def test_what_a_reminder_is_due_of_is_opened_for_itself(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path, REMINDING)).move(100, EVERY[:12], "down").move(200, EVERY[:10], "up").until(1900)
    assert summaries(play) == [(10, "opened", 6)]
    play.until(2200)
    assert summaries(play) == [(10, "opened", 6), (1810, "resolved", 6)]
    assert [owed.incident.cause for owed in opened(play)[-1:]] == ["unreachable:n10"]
    play.move(2300, EVERY, "up").until(2400)
    assert play.said()[-2:] == ["2300 resolved unreachable:n10", "2300 resolved unreachable:n11"]


def test_whoever_was_over_before_the_batch_is_in_no_summary(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path)).move(100, EVERY[:20], "down").move(145, EVERY[3:20], "up").until(1000)
    assert len(opened(play)) == 3
    assert summaries(play) == []


def test_a_channel_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    estate = estate_of(tmp_path, HEAD.replace(f", openings_per_minute: {LIMIT}", ""))
    assert estate.openings("hook") == 20
    assert len(opened(Play(estate).move(100, EVERY, "down").until(1000))) == 20


def test_a_shadow_channel_is_not_held(tmp_path: Path) -> None:
    play = Play(estate_of(tmp_path, HEAD.replace("paging: on", "paging: shadow"))).move(100, EVERY, "down").until(1000)
    assert len([one for one in play.heard if one.status is DeliveryStatus.SHADOW]) == 30


@pytest.mark.parametrize("every", [3, 7])
def test_restarts_change_nothing(tmp_path: Path, every: int) -> None:
    whole, cut = Play(estate_of(tmp_path, REMINDING)), Restarting(estate_of(tmp_path, REMINDING), tmp_path)
    with closing(cut.tables):
        for moment in range(90, 400, every):
            cut.restart(moment + 0.5)
        for play in (whole, cut):
            play.move(100, EVERY[:20], "down").move(104, EVERY[20:], "down").move(170, EVERY[:10], "up")
            play.move(300, EVERY[10:28], "up").move(2500, EVERY[28:], "up").until(5000)
        assert cut.said() == whole.said()
        assert summaries(cut) == summaries(whole)
        assert cut.open() == []


MOVES = st.lists(
    st.tuples(
        st.integers(0, 40), st.sampled_from(["down", "down", "degraded", "up"]), st.integers(0, 29), st.integers(1, 20)
    ),
    max_size=15,
)


@settings(max_examples=30, deadline=None)
@given(MOVES)
def test_whatever_opens_and_ends_everything_owed_has_one_end_and_a_minute_has_its_limit(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, str, int, int]]
) -> None:
    play, now = Play(estate_of(tmp_path_factory.mktemp("storm"))), 100
    for seconds, state, first, count in moves:
        now += seconds
        play.move(now, EVERY[first : first + count], state, "slow" if state == "degraded" else "", since=now - 60)
    play.until(now + 3000)
    open_now = {one.incident.id: one for one in play.timeline.situation.subjects.values()}
    told = {one.incident.id for one in play.heard if one.event is Event.OPENED}
    in_summaries = {
        name for one in play.heard if one.incident.kind is IncidentKind.SUMMARY for name in one.incident.linked
    }
    assert {i for i, s in open_now.items() if s.incident.kind is IncidentKind.NODE} <= told | in_summaries
    play.move(now + 3001, EVERY, "up").until(now + 9000)
    assert play.open() == []
    lanes: dict[str, list[Event]] = {}
    for owed in play.heard:
        lanes.setdefault(owed.incident.id, []).append(owed.event)
    for events in lanes.values():
        assert (events[0], events[-1]) == (Event.OPENED, Event.RESOLVED)
        assert events.count(Event.OPENED) == events.count(Event.RESOLVED) == 1
    times = [one.at for one in opened(play)]
    for moment in times:
        assert sum(moment <= other < moment + storms.MINUTE for other in times) <= LIMIT + 1
