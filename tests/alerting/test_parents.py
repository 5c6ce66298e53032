"""What a dead network parent explains, and what it does not; what outlasts it pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.model import CheckId, Unreachable
from tests.alerting.play import HEAD, Play, an_estate, at

NETWORK = """
nodes:
  core-a: {host: 10.0.0.2, role: network, checks: {ping: {failures: 3, retry_interval: 5s, timeout: 2s}}}
  core-b: {host: 10.0.0.3, role: network, checks: {ping: }}
  fw: {host: 10.0.0.1, role: network, checks: {ping: }}
  archive:
    host: 10.0.0.5
    dicom: {port: 4242, ae_title: ARCHIVE}
    depends_on: [fw, {any: [core-a, core-b]}]
    checks: {dicom_echo: {severity: critical}, tcp: {port: 4242}}
"""
ARCHIVE = ("archive/dicom_echo", "archive/tcp")
BOTH = ("core-a/ping", "core-b/ping")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, NETWORK))


def test_a_dead_parent_explains_its_child_which_never_pages(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ARCHIVE, "down")
    play.move(500, "fw/ping", "up").move(501, ARCHIVE, "up").until(2000)
    assert play.said() == ["140 opened unreachable:fw", "500 resolved unreachable:fw"]
    assert play.whys() == ["dependency fw"]


def test_a_parent_that_is_confirmed_dead_after_its_child_does_so_too(play: Play) -> None:
    play.world.answers = False
    play.move(100, ARCHIVE, "down", since=30).move(106, "fw/ping", "down").until(2000)
    assert play.said() == ["146 opened unreachable:fw"]


def test_a_page_waits_for_a_suspect_parent_only_so_long(play: Play) -> None:
    play.world.answers = False
    play.move(100, ARCHIVE, "down", since=30).until(2000)
    fw = play.estate.checks[CheckId("fw", "ping")]
    longest = fw.thresholds.failures * fw.retry_interval + fw.timeout
    assert play.said() == [f"{100 + longest:.0f} opened unreachable:archive"]


def test_a_parent_that_answers_lets_the_page_go_at_once(play: Play) -> None:
    play.move(100, ARCHIVE, "down", since=30).until(2000)
    assert play.said() == ["101 opened unreachable:archive"]


def test_of_any_all_must_be_dead(play: Play) -> None:
    play.move(100, "core-a/ping", "down").move(200, ARCHIVE, "down").until(400)
    assert play.said() == ["140 opened unreachable:core-a", "240 opened unreachable:archive"]


def test_both_switches_dead_are_what_the_archive_hangs_on(play: Play) -> None:
    play.move(100, BOTH, "down").move(105, ARCHIVE, "down").until(400)
    assert play.said() == ["140 opened unreachable:core-a", "140 opened unreachable:core-b"]


@pytest.mark.parametrize("reason", ["tcp_refused", "tcp_reset", "acse_timeout", "called_aet_unknown"])
def test_an_answer_proves_that_the_path_works(play: Play, reason: str) -> None:
    play.move(100, "fw/ping", "down").move(105, "archive/dicom_echo", "down", reason).until(400)
    assert [line.split()[1] for line in play.said()] == ["opened", "opened"]


def test_what_outlasts_its_parent_pages_then(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ARCHIVE, "down").move(500, "fw/ping", "up").until(2000)
    assert play.said() == [
        "140 opened unreachable:fw",
        "500 resolved unreachable:fw",
        "501 opened unreachable:archive",
    ]


def test_a_child_that_hangs_once_its_parent_is_back_is_no_longer_explained(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, "archive/dicom_echo", "down")
    play.move(300, "archive/dicom_echo", "down", "acse_timeout").until(2000)
    assert play.said() == ["140 opened unreachable:fw", "300 opened unresponsive:archive@10.0.0.5:4242"]


def test_the_time_behind_a_parent_is_recorded_from_its_last_good_result_to_the_childs_first(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, "archive/tcp", "down").move(500, "fw/ping", "up").until(2000)
    spans = [span for decided in play.decided for span in decided.effects.unreachable]
    check = CheckId("archive", "tcp")
    assert spans == [Unreachable(check, "fw", at(20), None), Unreachable(check, "fw", at(20), at(501))]


def test_a_page_that_went_out_before_the_parent_died_has_its_end(play: Play) -> None:
    play.move(100, ARCHIVE, "down").move(300, "fw/ping", "down").move(600, "fw/ping", "up").move(610, ARCHIVE, "up")
    play.until(2000)
    assert play.said() == [
        "140 opened unreachable:archive",
        "340 opened unreachable:fw",
        "600 resolved unreachable:fw",
        "610 resolved unreachable:archive",
    ]


def test_a_child_of_which_nothing_is_known_any_more_is_still_explained(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ARCHIVE, "down").move(300, ARCHIVE, "unknown", "dns")
    play.move(500, "fw/ping", "up").move(600, ARCHIVE, "up").until(2000)
    assert play.said() == ["140 opened unreachable:fw", "500 resolved unreachable:fw"]


def test_a_child_that_is_known_to_be_down_again_without_its_parent_pages(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ARCHIVE, "down").move(300, ARCHIVE, "unknown", "dns")
    play.move(500, "fw/ping", "up").move(600, ARCHIVE, "down", "tcp_timeout").until(2000)
    assert [line.split(" ", 1)[1] for line in play.said()][2:] == ["opened unreachable:archive"]


def test_what_is_suppressed_on_a_channel_ends_when_it_is_no_longer_routed_there(tmp_path: Path) -> None:
    routes = "\nroutes: [{match: {severity: critical}, channels: [desk]}]\n"
    play = Play(an_estate(tmp_path, NETWORK, HEAD + routes))
    play.move(100, "fw/ping", "down").move(105, "archive/dicom_echo", "down").move(300, "archive/tcp", "down")
    play.move(400, "archive/dicom_echo", "degraded", "slow").until(1000)
    (subject,) = [s for s in play.timeline.situation.subjects.values() if "fw" not in s.incident.cause]
    assert {channel for _, channel in subject.suppressed} <= {"hook"}


def test_more_children_that_fail_do_not_make_a_page_wait_longer_for_their_parent(play: Play) -> None:
    play.answers = False
    play.move(100, ARCHIVE[0], "down", since=30).move(103, ARCHIVE[1], "down", since=30).until(2000)
    fw = play.estate.checks[CheckId("fw", "ping")]
    longest = fw.thresholds.failures * fw.retry_interval + fw.timeout
    assert play.said()[:1] == [f"{100 + longest:.0f} opened unreachable:archive"]


def test_what_was_told_as_slow_and_outlasts_its_parent_dead_pages_anew_then(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "degraded", "slow").until(200)
    play.move(300, "fw/ping", "down").move(305, ARCHIVE, "down").move(900, "fw/ping", "up").until(3000)
    assert play.said() == [
        "140 opened archive/dicom_echo",
        "340 opened unreachable:fw",
        "900 resolved unreachable:fw",
        "901 changed unreachable:archive page 2",
    ]
    assert play.heard[-1].worse
    assert [row.ended for row in play.suppressed if row.why == "dependency"][-1] == at(901)


def test_what_was_told_as_slow_and_is_slow_again_after_its_parent_needs_no_word(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "degraded", "slow").until(200)
    play.move(300, "fw/ping", "down").move(305, "archive/dicom_echo", "down").move(900, "fw/ping", "up")
    play.move(900, "archive/dicom_echo", "degraded", "slow").until(3000)
    assert [line for line in play.said() if "archive" in line] == ["140 opened archive/dicom_echo"]
    assert [row.ended for row in play.suppressed if row.why == "dependency"][-1] is not None


def test_a_reminder_does_not_take_the_place_of_a_page_that_waits_for_a_fresh_result(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NETWORK, HEAD.replace("{channels: [hook]}", "{channels: [hook], remind: 1h}")))
    play.world.answers = False
    play.move(100, "archive/dicom_echo", "degraded", "slow").move(3738, "archive/dicom_echo", "down").until(7000)
    assert play.said() == ["140 opened archive/dicom_echo", "3773 changed unreachable:archive page 2"]
