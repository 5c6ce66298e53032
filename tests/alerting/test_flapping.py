"""Checks that come and go: one incident, told once, which ends when it is over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.alerting import flapping
from pacs_monitor.alerting.events import ClockSet
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.model import SECOND, Ending, State
from tests.alerting.play import HEAD, Play, an_estate
from tests.alerting.tables import Restarting

NODES = """nodes:
  a: {host: 10.0.0.1, checks: {ping: , tcp: {port: 104}}}
"""
AT_ONCE = HEAD.replace("page_after: 1m", "page_after: 0s")
PING = "a/ping"


def flap(play: Play, first: float, times: int, every: float = 300.0, down: float = 100.0) -> None:
    """It fails so often, for so long each time."""
    for n in range(times):
        play.move(first + n * every, PING, "down", since=first + n * every)
        play.move(first + n * every + down, PING, "up")


def flags(play: Play) -> list[str]:
    """What was said of flapping, with each notification."""
    return [f"{owed.event.removeprefix('incident.')} {owed.incident.is_flapping}" for owed in play.heard]


def test_from_the_fifth_failure_on_it_is_one_incident(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 9)
    play.until(10_000)
    said = play.said()
    assert said[:8] == [
        f"{100 + n * 300 + more} {what} unreachable:a"
        for n in range(4)
        for more, what in ((0, "opened"), (100, "resolved"))
    ]
    assert said[8:] == ["1300 opened unreachable:a", "4400 resolved unreachable:a"]
    assert flags(play)[-2:] == ["opened True", "resolved False"]


def test_it_is_over_after_half_an_hour_without_a_change_and_then_a_failure_pages_as_any_other(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES))
    flap(play, 100, 5)
    play.move(3300, PING, "down", since=3300).move(3500, PING, "up").until(10_000)
    assert play.said()[8:] == [
        "1360 opened unreachable:a",
        "3200 resolved unreachable:a",
        "3360 opened unreachable:a",
        "3500 resolved unreachable:a",
    ]


def test_four_failures_within_an_hour_are_no_flapping_nor_are_five_in_more(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 8, every=901.0)
    play.until(20_000)
    assert [line.split()[1] for line in play.said()] == ["opened", "resolved"] * 8


def test_spells_that_are_shorter_than_page_after_page_once_it_flaps(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES))
    flap(play, 100, 7, down=30.0)
    play.until(10_000)
    assert play.said() == ["1600 opened unreachable:a", "3730 resolved unreachable:a"]


def test_one_that_nobody_was_notified_of_ends_without_a_word(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES))
    flap(play, 100, 5, down=30.0)
    play.until(10_000)
    assert play.said() == []
    assert play.open() == []


def test_what_it_comes_to_is_said_where_it_stays_down(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 5)
    play.move(1600, PING, "down", since=1600).until(10_000)
    assert play.said()[8:] == ["1300 opened unreachable:a", "3400 changed unreachable:a"]
    assert flags(play)[-2:] == ["opened True", "changed False"]


def test_a_higher_class_of_failure_pages_anew_while_it_flaps(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    for n in range(5):
        play.move(100 + n * 300, PING, "down", "acse_timeout").move(200 + n * 300, PING, "up")
    play.move(1600, PING, "down", "tcp_timeout").move(1700, PING, "up").until(10_000)
    assert play.said()[8:] == [
        "1300 opened unresponsive:a@10.0.0.1:ping",
        "1600 changed unreachable:a page 2",
        "3500 resolved unreachable:a page 2",
    ]


def test_a_member_that_flaps_beside_one_that_is_down_is_told_once(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    play.move(50, "a/tcp", "down")
    flap(play, 100, 7)
    play.until(2600)
    assert play.said() == ["50 opened unreachable:a", "1360 changed unreachable:a"]
    play.move(3000, "a/tcp", "up").until(10_000)
    assert play.said()[2:] == ["3800 resolved unreachable:a"]


def test_while_it_is_up_the_incident_is_open_and_says_so(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 5)
    play.until(1500)
    (subject,) = play.timeline.situation.subjects.values()
    assert (subject.incident.state, subject.incident.is_flapping) == (State.UP, True)
    play.until(4000)
    last = [one for decided in play.decided for one in decided.effects.incidents.values()][-1]
    assert (last.ending, last.is_flapping, last.state) == (Ending.RESOLVED, False, State.UP)


def test_a_check_that_leaves_the_estate_flaps_no_longer(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 5)
    play.until(1500)
    play.reload(1600, an_estate(tmp_path, "nodes:\n  a: {host: 10.0.0.1, checks: {tcp: {port: 104}}}\n", AT_ONCE))
    play.until(1700)
    assert play.said()[-1] == "1600 withdrawn unreachable:a"
    assert not play.timeline.situation.flaps


def test_the_clock_is_set_and_half_an_hour_is_half_an_hour(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, AT_ONCE))
    flap(play, 100, 5)
    play.until(1500)
    step = 3600 * SECOND
    decided = play.timeline.clock_set(play.now + step, ClockSet(step))
    assert decided.failure is None
    play.until(3600 + 3190)
    assert play.open()
    play.until(3600 + 3201)
    assert play.said()[-1] == "6800 resolved unreachable:a"


class Cut(Restarting):
    """Another process takes over after every single decision."""

    def _sort(self, decided: Decided) -> None:
        super()._sort(decided)
        self.tables.write(self.unwritten, self.now)
        self.unwritten = []

    def cut_often(self, seconds: float) -> Self:
        for moment in range(0, round(seconds), 157):
            self.restart(moment)
        return self


@pytest.mark.parametrize("head", [HEAD, AT_ONCE], ids=["page_after", "at once"])
def test_restarts_change_nothing(tmp_path: Path, head: str) -> None:
    whole, cut = Play(an_estate(tmp_path, NODES, head)), Cut(an_estate(tmp_path, NODES, head), tmp_path)
    with closing(cut.tables):
        for play in (whole, cut.cut_often(8000)):
            flap(play, 100, 6)
            play.move(2000, PING, "down", since=2000).until(9000)
        assert cut.said() == whole.said()
        assert cut.whys() == whole.whys()


MOVES = st.lists(
    st.tuples(
        st.integers(1, 900), st.sampled_from(["up", "down", "degraded", "unknown"]), st.sampled_from([PING, "a/tcp"])
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(MOVES)
def test_whatever_comes_and_goes_every_opened_has_one_end_and_nothing_stays_open(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, str, str]]
) -> None:
    play, now = Play(an_estate(tmp_path_factory.mktemp("flap"), NODES, AT_ONCE)), 100
    for seconds, state, check in moves:
        now += seconds
        play.move(now, check, state, "dns" if state == "unknown" else "slow" if state == "degraded" else "", since=now)
    play.move(now + 1, ("a/ping", "a/tcp"), "up").until(now + 10_000)
    assert play.open() == []
    assert not any(flaps.since for flaps in play.timeline.situation.flaps.values())
    lanes: dict[str, list[str]] = {}
    for owed in play.heard:
        lanes.setdefault(owed.incident.id, []).append(owed.event.removeprefix("incident."))
    for told in lanes.values():
        assert (told[0], told[-1]) == ("opened", "resolved")
        assert told.count("opened") == told.count("resolved") == 1
    opened = [owed.at for owed in play.heard if owed.event.endswith("opened")]
    for first in opened:  # of each check four before it flaps, and the one of it
        within = [moment for moment in opened if first <= moment < first + flapping.WITHIN]
        assert len(within) <= 2 * flapping.FAILURES
