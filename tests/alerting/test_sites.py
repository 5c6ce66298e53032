"""A site whose nodes are lost together is one group; what outlasts it pages; modalities that vanish are a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.model import IncidentKind
from tests.alerting.play import HEAD, Play, an_estate, at

NODES = "".join(f"  n{n}: {{site: west, host: 10.1.0.{n}, checks: {{ping: }}}}\n" for n in range(1, 21))
MODALITIES = "".join(
    f"  ct{n}: {{site: west, host: 10.2.0.{n}, presence: intermittent, checks: {{ping: }}}}\n" for n in range(1, 31)
)
ALL = [f"n{n}/ping" for n in range(1, 21)]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, f"nodes:\n{NODES}"))


def test_a_site_that_is_lost_is_one_page(play: Play) -> None:
    for n, check in enumerate(ALL):
        play.move(100 + 2 * n, check, "down")
    for n, check in enumerate(ALL):
        play.move(600 + n, check, "up")
    play.until(3000)
    assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened west", "group resolved west"]


def test_what_is_still_dead_when_the_site_is_back_pages_and_nothing_else(play: Play) -> None:
    play.move(100, ALL, "down").move(600, ALL[3:], "up").until(3000)
    pages = play.said()
    assert [line.split(" ", 1)[1] for line in pages[:2]] == ["group opened west", "group resolved west"]
    assert sorted(line.split(" ", 1)[1] for line in pages[2:]) == [f"opened unreachable:n{n}" for n in (1, 2, 3)]


def test_a_group_knows_its_incidents_and_each_of_them_its_group(play: Play) -> None:
    play.move(100, ALL[:15], "down").move(300, ALL[15:], "down").until(500)
    subjects = [subject.incident for subject in play.timeline.situation.subjects.values()]
    (group,) = [incident for incident in subjects if incident.kind is IncidentKind.GROUP]
    others = [incident for incident in subjects if incident is not group]
    assert sorted(group.linked) == sorted(incident.id for incident in others)
    assert {incident.group for incident in others} == {group.id}


def test_two_are_no_group_and_page_when_the_others_have_answered(play: Play) -> None:
    play.move(100, ALL[:2], "down", since=41).until(500)
    assert play.said() == ["101 opened unreachable:n1", "101 opened unreachable:n2"]


def test_pages_of_a_suspect_site_wait_a_minute_at_most(play: Play) -> None:
    play.world.answers = False
    play.move(100, ALL[:2], "down", since=41).until(500)
    assert play.said() == ["160 opened unreachable:n1", "160 opened unreachable:n2"]


def test_those_of_which_nothing_is_known_do_not_count(play: Play) -> None:
    play.move(50, ALL[5:], "unknown", "not_measured").move(100, ALL[:3], "down").until(500)
    assert play.said() == ["140 group opened west"]


def test_a_node_that_joins_the_group_later_changes_it_without_a_page(play: Play) -> None:
    play.move(100, ALL[:15], "down").move(300, ALL[15:], "down").until(1000)
    assert play.said() == ["140 group opened west", "600 group changed west"]


def test_the_group_is_as_severe_as_its_worst_member(tmp_path: Path) -> None:
    nodes = NODES.replace("ping: ", "ping: {severity: critical}", 1)
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}")).move(100, ALL, "down").until(500)
    assert [owed.incident.severity.value for owed in play.heard] == ["critical"]


def test_what_gets_worse_at_a_member_makes_its_group_worse_at_once(tmp_path: Path) -> None:
    nodes = NODES.replace("ping: ", "ping: , tcp: {port: 104, severity: critical}", 1)
    critical = "{match: {severity: critical}, channels: [desk], continue: true}"
    head = f"{HEAD}routes: [{critical}, {{channels: [hook]}}]\n"
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}", head)).move(100, ALL, "down").move(300, "n1/tcp", "down")
    play.until(1000)
    assert play.said("hook") == ["140 group opened west", "300 group changed west"]
    assert play.said("desk") == ["300 group opened west"]
    assert [owed.incident.severity.value for owed in play.heard] == ["warning", "critical", "critical"]


def test_a_node_that_was_dead_before_neither_dates_the_group_nor_makes_it_due(play: Play) -> None:
    play.move(100, ALL[0], "down").move(5000, ALL[1:], "down").until(6000)
    assert play.said() == ["140 opened unreachable:n1", "5040 group opened west"]
    group = play.heard[-1].incident
    assert (group.since, len(group.members)) == (at(4980), 20)


def test_nodes_behind_a_dead_parent_count_on_neither_side(tmp_path: Path) -> None:
    nodes = NODES.replace("{site: west, host", "{site: west, depends_on: [sw], host")
    switch = "  sw: {site: west, host: 10.1.0.99, checks: {ping: }}\n"
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}{switch}"))
    play.move(99, "sw/ping", "down").move(100, ALL, "down").until(2000)
    assert play.said() == ["139 opened unreachable:sw"]


def test_fourteen_modalities_that_vanish_together_are_one_warning(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, f"nodes:\n{MODALITIES}"))
    for n in range(1, 15):
        play.move(100 + 5 * n, f"ct{n}/ping", "absent", "tcp_timeout")
    play.until(3000)
    assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened absent:west"]
    assert len(play.heard[0].incident.members) == 14


def test_thirty_that_are_switched_off_over_an_hour_are_nothing(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, f"nodes:\n{MODALITIES}"))
    for n in range(1, 31):
        play.move(100 + 120 * n, f"ct{n}/ping", "absent", "tcp_timeout")
    assert play.until(9000).said() == []


def test_without_a_site_every_node_pages_for_itself(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, f"nodes:\n{NODES.replace('site: west, ', '')}", HEAD)).move(100, ALL, "down")
    assert len(play.until(500).said()) == 20


@pytest.mark.parametrize("switch", [99, 101])
def test_a_parent_elsewhere_that_is_confirmed_dead_before_or_after_explains_them_all(
    tmp_path: Path, switch: float
) -> None:
    nodes = NODES.replace("{site: west, host", "{site: west, depends_on: [fw], host")
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}  fw: {{host: 10.0.0.1, checks: {{ping: }}}}\n"))
    play.move(100, ALL, "down").move(switch, "fw/ping", "down").until(2000)
    assert [line.split(" ", 1)[1] for line in play.said()] == ["opened unreachable:fw"]


def test_nodes_of_which_nothing_is_known_any_more_do_not_page_when_their_group_ends(play: Play) -> None:
    play.move(100, ALL, "down").move(300, ALL, "unknown", "isolated").move(600, ALL, "up").until(3000)
    assert [line.split(" ", 1)[1] for line in play.said()] == ["group opened west", "group withdrawn west"]


def test_nodes_that_come_back_one_by_one_do_not_put_the_page_of_their_group_off(play: Play) -> None:
    play.answers = False
    play.move(100, ALL, "down")
    for n in range(8):
        play.move(110 + 20 * n, ALL[n], "up")
    play.until(250)
    assert play.said() == ["160 group opened west"]


def test_nor_do_they_put_off_what_else_pages_there(tmp_path: Path) -> None:
    nodes = NODES.replace("ping: ", "ping: {page_after: 0s}", 1)
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}"))
    play.answers = False
    play.move(100, ALL[:2], "down").move(110, "n1/ping", "unknown", "auth").move(150, ALL[2:14], "down")
    for n in range(8):
        play.move(160 + 20 * n, ALL[n + 2], "up")
    play.until(330)
    assert play.said() == ["210 opened unreachable:n1", "210 group opened west"]


def test_the_page_of_a_node_that_answers_otherwise_goes_out_when_the_others_have_answered(tmp_path: Path) -> None:
    nodes = NODES.replace("checks: {ping: }", "checks: {ping: , tcp: {port: 104}}", 1)
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}"))
    play.move(99, "n1/tcp", "down", since=39.5).move(99, ALL[1:3], "down").until(500)
    assert play.said()[0] == "100 opened unreachable:n1"
