"""A site that cannot be reached from ours: it pages as one, says where the fault is, and its nodes are not charged."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pacs_monitor.alerting.events import ClockSet, SiteCut, SiteReached
from pacs_monitor.messages import page
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import SECOND, CheckId, Unreachable
from tests.alerting.play import HEAD, Play, an_estate, at
from tests.alerting.tables import Restarting

HERE = HEAD.replace("{name: east-campus,", "{name: east-campus, site: east,") + (
    "sites: {east: {title: East, reference: ['10.0.0.1:443']}, west: {title: West, reference: ['10.1.0.1:443']}}\n"
)
NODES = "".join(
    f"  n{n}: {{site: west, host: 10.1.0.{n}, depends_on: [sw], checks: {{ping: }}}}\n" for n in range(1, 6)
)
WEST = "  sw: {site: west, host: 10.1.0.99, checks: {ping: }}\n"
OURS = "  fw: {site: east, host: 10.0.0.99, checks: {ping: }}\n"
ALL = [f"n{n}/ping" for n in range(1, 6)]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, f"nodes:\n{NODES}{WEST}{OURS}", HERE))


def spans(play: Play) -> dict[str, list[Unreachable]]:
    """What was recorded, by check."""
    rows: dict[str, list[Unreachable]] = {}
    for decided in play.decided:
        for span in decided.effects.unreachable:
            rows.setdefault(str(span.check), []).append(span)
    return rows


def test_all_of_it_is_one_page_that_says_where_the_fault_is_also_behind_a_switch_of_its_own(play: Play) -> None:
    play.tell(100, SiteCut("west", at(100))).move(110, "sw/ping", "down").move(112, ALL, "down").until(500)
    assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened west"]
    (owed,) = play.heard
    assert len(owed.incident.members) == 6
    scene = Scene("m", play.estate.monitor, play.estate.checks, {}, play.now, titles={"east": "East", "west": "West"})
    data = page.data(owed.incident, owed.event, scene)
    assert data["title"] == "West"
    since = "16:01:40 UTC"
    assert data["summary"] == (
        f"West cannot be reached from East since {since}: priors and sending from there are probably down"
    )
    assert data["next_step"].startswith("Check the link to West first")


def test_its_time_is_unreachable_until_the_first_result_after_it(play: Play) -> None:
    play.tell(100, SiteCut("west", at(100))).move(110, ALL, "down")
    play.tell(600, SiteReached("west")).move(602, ALL[1:], "up").until(900)
    n1, n2 = spans(play)["n1/ping"], spans(play)["n2/ping"]
    begun = Unreachable(CheckId("n1", "ping"), "site west", at(100), None)
    assert n1 == [begun, begun._replace(until=at(601))]
    assert [span.until for span in n2] == [None, at(602)]  # it is sure by then
    assert not play.timeline.situation.behind
    said = [line.split(" ", 1)[1] for line in play.said()]
    assert said == ["group opened west", "group resolved west", "opened unreachable:n1"]


def test_what_failed_before_is_not_charged_while_it_lasts(play: Play) -> None:
    play.move(100, "n1/ping", "down").tell(500, SiteCut("west", at(500))).until(600)
    assert spans(play) == {"n1/ping": [Unreachable(CheckId("n1", "ping"), "site west", at(500), None)]}


def test_what_refuses_there_is_charged(play: Play) -> None:
    play.tell(100, SiteCut("west", at(100))).move(110, ALL, "down", "tcp_refused").until(600)
    assert spans(play) == {}


def test_a_dead_parent_at_our_own_site_explains_it_alone(tmp_path: Path) -> None:
    nodes = (NODES + WEST).replace("depends_on: [sw]", "depends_on: [fw]")
    nodes = nodes.replace("sw: {site: west,", "sw: {site: west, depends_on: [fw],")
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}{OURS}", HERE))
    play.tell(100, SiteCut("west", at(100))).move(110, "fw/ping", "down").move(112, [*ALL, "sw/ping"], "down").until(
        900
    )
    assert [line.split(" ", 1)[1] for line in play.said()] == ["opened unreachable:fw"]


def test_two_nodes_are_no_group_and_page_for_themselves(tmp_path: Path) -> None:
    nodes = "".join(f"  n{n}: {{site: west, host: 10.1.0.{n}, checks: {{ping: }}}}\n" for n in (1, 2))
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}", HERE))
    play.tell(100, SiteCut("west", at(100))).move(110, ["n1/ping", "n2/ping"], "down").until(900)
    assert sorted(line.split(" ", 1)[1] for line in play.said()) == ["opened unreachable:n1", "opened unreachable:n2"]
    assert set(spans(play)) == {"n1/ping", "n2/ping"}


def test_a_cut_that_is_known_while_the_group_is_open_is_in_its_next_words_and_no_longer_when_it_is_over(
    play: Play,
) -> None:
    play.move(100, ["sw/ping", *ALL], "down", "tcp_refused").until(300)
    play.tell(400, SiteCut("west", at(400))).until(500)
    (group,) = [s.incident for s in play.timeline.situation.subjects.values() if s.incident.kind == "group"]
    assert group.detail == "West cannot be reached from East"
    play.tell(600, SiteReached("west")).until(700)
    (group,) = [s.incident for s in play.timeline.situation.subjects.values() if s.incident.kind == "group"]
    assert group.detail == ""
    assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened west"]


def test_it_outlasts_a_reload_and_a_clock_that_is_set(play: Play, tmp_path: Path) -> None:
    play.tell(100, SiteCut("west", at(100))).move(110, "n1/ping", "down").until(200)
    play.reload(300, replace(play.estate, revision="1" * 64)).until(400)
    assert play.timeline.situation.sites["west"].cut == at(100)
    play.tell(410, ClockSet(3600 * SECOND)).until(411)
    assert play.timeline.situation.sites["west"].cut == at(3700)


def test_a_site_of_which_nothing_is_configured_any_more_is_no_trouble(play: Play) -> None:
    play.tell(100, SiteCut("north", at(100))).tell(200, SiteReached("north")).tell(300, SiteReached("west")).until(400)
    assert play.said() == []
    assert play.timeline.situation.sites["north"].cut is None


def test_it_outlasts_a_restart(tmp_path: Path) -> None:
    play = Restarting(an_estate(tmp_path, f"nodes:\n{NODES}{WEST}{OURS}", HERE), tmp_path)
    with closing(play.tables):
        play.tell(100, SiteCut("west", at(100))).move(110, ["sw/ping", *ALL], "down").restart(120).until(300)
        assert play.timeline.situation.sites["west"].cut == at(100)
        play.tell(600, SiteReached("west")).move(601, ["sw/ping", *ALL], "up").until(601)
        play.restart(610).until(700)
        assert play.timeline.situation.sites["west"].cut is None
        assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened west", "group resolved west"]
        assert play.tables.open_spans() == {}
