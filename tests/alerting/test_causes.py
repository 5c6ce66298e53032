"""One cause, one page: which problems of a node are one incident."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerting.play import Play, an_estate

ORTHANC = """
nodes:
  archive:
    host: 10.0.0.5
    dicom: {port: 4242, ae_title: ARCHIVE}
    orthanc: {url: "http://10.0.0.5:8042"}
    node_exporter: {url: "http://10.0.0.5:9100"}
    checks:
      dicom_echo: {severity: critical}
      dicom_find:
      tcp: {port: 4242}
      web: {probe: http, url: "http://10.0.0.5:8042"}
      queue: {source: orthanc}
      disk: {source: node_exporter}
"""
DICOM = ("archive/dicom_echo", "archive/dicom_find", "archive/tcp")
ALL = (*DICOM, "archive/web", "archive/queue")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, ORTHANC))


def test_a_dead_archive_is_one_page_and_one_end(play: Play) -> None:
    for n, check in enumerate(ALL):
        play.move(100 + 7 * n, check, "down", "tcp_refused")
        play.move(400 + 9 * n, check, "up")
    play.until(2000)
    assert play.said() == ["140 opened unreachable:archive", "436 resolved unreachable:archive"]


def test_a_full_archive_that_answers_is_another_page_than_a_dead_one(play: Play) -> None:
    play.move(100, "archive/disk", "down", "over_limit").move(500, ALL, "down", "tcp_refused")
    play.until(2000)
    assert play.said() == ["140 opened full:archive", "540 opened unreachable:archive"]


def test_members_that_join_later_are_said_together(play: Play) -> None:
    play.move(100, "archive/dicom_find", "down", "tcp_refused")
    play.move(400, "archive/web", "down", "tcp_refused").move(420, "archive/queue", "down", "tcp_refused")
    play.until(2000)
    assert play.said() == ["140 opened unreachable:archive", "740 changed unreachable:archive"]


def test_a_more_severe_member_pages_anew_when_it_is_due(play: Play) -> None:
    play.move(100, "archive/dicom_find", "down", "tcp_refused").move(400, "archive/dicom_echo", "down", "tcp_refused")
    play.until(2000)
    assert play.said() == ["140 opened unreachable:archive", "440 changed unreachable:archive page 2"]


def test_a_check_stays_where_it_joined_and_takes_the_cause_along(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "tcp_refused")
    play.move(400, "archive/dicom_echo", "down", "acse_timeout")
    play.move(700, "archive/dicom_echo", "up").until(2000)
    assert play.said() == ["140 opened unreachable:archive", "700 resolved unresponsive:archive@10.0.0.5:4242"]


def test_a_fall_of_class_pages_anew(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "acse_timeout")
    play.move(400, "archive/dicom_echo", "down", "tcp_timeout").until(1000)
    assert play.said() == [
        "140 opened unresponsive:archive@10.0.0.5:4242",
        "400 changed unreachable:archive page 2",
    ]


def test_an_incident_of_which_nobody_heard_is_absorbed_in_silence(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "tcp_refused")
    play.move(200, "archive/dicom_find", "down", "acse_timeout", since=199)
    play.move(230, "archive/dicom_find", "down", "tcp_refused")
    play.move(900, DICOM, "up").until(2000)
    assert play.said() == [
        "140 opened unreachable:archive",
        "559 changed unreachable:archive",
        "900 resolved unreachable:archive",
    ]


def test_two_that_were_sent_before_their_cause_was_known_are_linked(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "tcp_refused").move(100, "archive/dicom_find", "down", "acse_timeout")
    play.move(300, "archive/dicom_find", "down", "tcp_refused").until(400)
    linked = {s.incident.id: s.incident.linked for s in play.timeline.situation.subjects.values()}
    first, second = linked
    assert linked == {first: (second,), second: (first,)}
    play.move(500, DICOM, "up").until(2000)
    assert [line.split()[1] for line in play.said()] == ["opened", "opened", "changed", "resolved", "resolved"]


def test_what_nobody_knows_keeps_an_incident_open_and_absence_puts_its_page_off(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "tcp_refused").move(110, "archive/dicom_echo", "unknown", "dns")
    play.until(200)
    assert play.said() == ["140 opened unreachable:archive"]
    play.move(300, "archive/dicom_echo", "up").until(400)
    assert play.said()[1:] == ["300 resolved unreachable:archive"]


def test_what_is_over_before_it_is_due_is_never_sent(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "tcp_refused").move(130, "archive/dicom_echo", "up").until(500)
    assert play.said() == []
    assert [held.why for held in play.suppressed] == ["page_after"]


def test_what_has_joined_before_the_page_is_named_by_it_and_says_nothing_more_when_its_own_time_comes(
    play: Play,
) -> None:
    play.move(100, "archive/tcp", "down", "tcp_refused").move(130, "archive/dicom_echo", "down", "tcp_refused")
    play.until(2000)
    assert play.said() == ["140 opened unreachable:archive"]
