"""A restart, or a clock that is set, changes nothing about who is notified when: what is held, due, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from pacs_monitor.alerting.events import ClockSet
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Incident,
    IncidentKind,
    Note,
    Reason,
    Severity,
    State,
    Unreachable,
)
from tests.alerting.play import an_estate, at
from tests.alerting.tables import Restarting
from tests.alerting.test_causes import DICOM, ORTHANC
from tests.alerting.test_parents import ARCHIVE, NETWORK
from tests.alerting.test_sites import ALL, MODALITIES, NODES

WEST = f"nodes:\n{NODES}"
VANISHED = f"nodes:\n{MODALITIES}"
Plays = Callable[[str], Restarting]


@pytest.fixture
def plays(tmp_path: Path) -> Iterator[Plays]:
    with ExitStack() as stack:

        def begin(nodes: str) -> Restarting:
            play = Restarting(an_estate(tmp_path, nodes), folder=tmp_path)
            stack.enter_context(closing(play.tables))
            return play

        yield begin


def test_a_group_is_due_when_it_was_due(plays: Plays) -> None:
    play = plays(WEST).move(100, ALL, "down").restart(110).restart(130)
    assert play.until(500).said() == ["140 group opened west"]


def test_modalities_that_vanished_are_due_when_they_were(plays: Plays) -> None:
    play = plays(VANISHED).move(100, [f"ct{n}/ping" for n in range(1, 8)], "absent", "tcp_timeout").restart(150)
    assert play.until(500).said() == ["220 group opened absent:west"]


def test_modalities_that_vanish_before_and_after_a_restart_vanish_together(plays: Plays) -> None:
    play = plays(VANISHED)
    for n in range(1, 7):
        play.move(100 + 10 * n, f"ct{n}/ping", "absent", "tcp_timeout")
    play.restart(135)
    assert play.until(500).said() == ["230 group opened absent:west"]


@pytest.mark.parametrize("answers", [True, False])
def test_what_was_held_is_asked_anew_and_held_no_longer_nor_shorter(plays: Plays, answers: bool) -> None:
    play = plays(WEST)
    play.answers = False
    play.move(100, ALL[:2], "down", since=41).restart(120).until(119)
    play.answers = answers
    seconds = 121 if answers else 160
    assert play.until(500).said() == [f"{seconds} opened unreachable:n{n}" for n in (1, 2)]


def test_a_page_waits_for_a_suspect_parent_over_a_restart(plays: Plays) -> None:
    play = plays(NETWORK)
    play.answers = False
    play.move(100, ARCHIVE, "down", since=30).restart(101).move(106, "fw/ping", "down").until(2000)
    assert play.said() == ["146 opened unreachable:fw"]


def test_the_time_behind_a_parent_begins_with_its_last_good_result_also_after_a_restart(plays: Plays) -> None:
    play = plays(NETWORK).move(100, "fw/ping", "down").restart(101).move(105, "archive/tcp", "down").until(200)
    spans = [span for decided in play.decided for span in decided.effects.unreachable]
    assert spans == [Unreachable(CheckId("archive", "tcp"), "fw", at(20), None)]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("ends", [0, 1])
def test_when_one_of_two_linked_incidents_ends_the_other_owns_their_cause(
    plays: Plays, restarts: bool, ends: int
) -> None:
    play = plays(ORTHANC)
    play.move(100, DICOM[0], "down", "tcp_refused").move(100, DICOM[1], "down", "acse_timeout")
    play.move(300, DICOM[1], "down", "tcp_refused").move(500, DICOM[ends], "up")
    play.move(600, "archive/web", "down", "tcp_refused").move(700, DICOM[1 - ends], "up").move(800, "archive/web", "up")
    if restarts:
        play.restart(550)
    play.until(2000)
    assert [line.split()[1] for line in play.said()] == ["opened", "opened", "changed", "resolved", "resolved"]


@pytest.mark.parametrize("restarts", [False, True])
def test_the_older_of_two_linked_incidents_owns_their_cause(plays: Plays, restarts: bool) -> None:
    play = plays(ORTHANC)
    play.move(100, DICOM[0], "down", "tcp_refused").move(101, DICOM[1], "down", "acse_timeout")
    play.move(300, DICOM[1], "down", "tcp_refused").move(600, "archive/web", "down", "tcp_refused")
    if restarts:
        play.restart(550)
    play.until(700)
    oldest = min(play.timeline.situation.subjects)
    assert play.timeline.situation.by_check[CheckId("archive", "web")] == oldest


def test_an_incident_of_the_first_schema_is_joined_by_more_of_its_cause(plays: Plays) -> None:
    play = plays(ORTHANC)
    first = CheckId.parse(DICOM[0])
    incident = Incident(
        "01J00000000000000000000000",
        IncidentKind.NODE,
        str(first),
        Severity.CRITICAL,
        State.DOWN,
        Reason.TCP_REFUSED,
        None,
        "",
        None,
        at(80),
        at(100),
        (first,),
    )
    play.tables.keep(incident, at(100))
    play.restart(120).move(200, "archive/web", "down", "tcp_refused").until(1000)
    assert play.said() == ["140 opened unreachable:archive", "540 changed unreachable:archive"]


STEPS = [3600 * SECOND, -3600 * SECOND]


@pytest.mark.parametrize("step", STEPS)
def test_the_time_behind_a_parent_has_its_end_also_when_the_clock_is_set(plays: Plays, step: int) -> None:
    play = plays(NETWORK).move(100, "fw/ping", "down").move(105, "archive/tcp", "down").until(200)
    check = CheckId("archive", "tcp")
    effects = play.timeline.clock_set(at(200) + step, ClockSet(step)).effects
    anew = min(at(20) + step, play.timeline.situation.at - step)
    assert effects.unreachable == [
        Unreachable(check, "fw", at(20), play.timeline.situation.at - step),
        Unreachable(check, "fw", anew, None),
    ]
    assert effects.notes["behind", str(check)] == Note("behind", str(check), {"parent": "fw", "since": anew})
    assert play.timeline.situation.behind[check].since == anew


@pytest.mark.parametrize("step", STEPS)
def test_what_a_site_waits_for_moves_with_the_clock(plays: Plays, step: int) -> None:
    play = plays(WEST)
    play.answers = False
    play.move(100, ALL[:2], "down", since=41).until(120)
    before = play.timeline.situation.sites["west"]
    effects = play.timeline.clock_set(at(120) + step, ClockSet(step)).effects
    site = play.timeline.situation.sites["west"]
    assert site.suspect_until == before.suspect_until + step
    assert dict(site.unreachable) == {node: since + step for node, since in before.unreachable.items()}
    assert effects.notes["site", "west"].data == {"suspect_until": site.suspect_until}
    asked = {"until": site.suspect_until, "site": "west", "since": at(100) + step}
    assert effects.notes["asked", ALL[5]].data == asked


@pytest.mark.parametrize("step", STEPS)
def test_what_differs_is_said_as_late_after_the_clock_was_set(plays: Plays, step: int) -> None:
    play = plays(ORTHANC).move(100, DICOM[0], "down", "tcp_refused").move(300, "archive/web", "down", "tcp_refused")
    play.until(400)
    ((identity, subject),) = play.timeline.situation.subjects.items()
    effects = play.timeline.clock_set(at(400) + step, ClockSet(step)).effects
    assert subject.differs is not None
    assert effects.notes["differs", identity].data == {"since": subject.differs + step}


def test_the_time_behind_a_parent_ends_when_the_check_leaves(plays: Plays) -> None:
    play = plays(NETWORK).move(100, "fw/ping", "down").move(105, "archive/tcp", "down").until(200)
    estate, check = play.estate, CheckId("archive", "tcp")
    checks = {identity: one for identity, one in estate.checks.items() if identity != check}
    play.reload(300, replace(estate, checks=checks)).until(400)
    spans = [span for decided in play.decided for span in decided.effects.unreachable]
    assert spans == [Unreachable(check, "fw", at(20), None), Unreachable(check, "fw", at(20), at(300))]
    assert not play.timeline.situation.behind
