"""What people say of an incident: acknowledged, noted, closed; and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.alerting.words import Acknowledge, Close, Kind, Refusal, Remark
from pacs_monitor.model import Event, Severity
from tests.alerting.play import HEAD, Play, an_estate, at

HOUR = 3600.0
NODES = """
nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, disk: {source: local, severity: warning}}
"""
REMIND = HEAD.replace("{channels: [hook]}", "{channels: [hook], remind: 1h}")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, NODES, REMIND))


def down(play: Play) -> str:
    """The echo fails; the id of its incident, of which the channel was notified after a minute."""
    play.move(20, "archive/dicom_echo", "down").until(100)
    return play.heard[-1].incident.id


def heard(play: Play) -> list[tuple[Event, float]]:
    return [(owed.event, (owed.at - at(0)) / 1e6) for owed in play.heard]


def refusal(play: Play) -> Refusal | None:
    return play.decided[-1].effects.refusal


def test_nobody_is_reminded_while_somebody_deals_with_it(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident, "it-duty", "vendor called", at(3 * HOUR))).until(3 * HOUR - 1)
    assert heard(play)[1:] == [(Event.ACKNOWLEDGED, 200)]
    assert {(row.why, row.detail) for row in play.suppressed} == {("acknowledgement", "it-duty")}
    play.until(3 * HOUR + 10)
    assert heard(play)[2:] == [(Event.REMINDED, 3 * HOUR)]
    play.move(4 * HOUR - 60, "archive/dicom_echo", "up").until(5 * HOUR)
    assert [event for event, _ in heard(play)[3:]] == [Event.RESOLVED]


def test_it_holds_for_eight_hours_if_nobody_says_how_long(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident, "it-duty")).until(200 + 8 * HOUR - 1)
    assert heard(play)[1:] == [(Event.ACKNOWLEDGED, 200)]
    play.until(200 + 8 * HOUR)
    assert heard(play)[2:] == [(Event.REMINDED, 200 + 8 * HOUR)]


def test_what_gets_worse_takes_it_back(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, REMIND))
    play.move(20, "archive/disk", "degraded", "over_limit").until(100)
    incident = play.heard[-1].incident.id
    play.tell(200, Acknowledge(incident, "it-duty", "", at(8 * HOUR)))
    play.move(300, "archive/disk", "down", "over_limit").until(2 * HOUR)
    known = play.timeline.situation.subjects[incident].incident
    assert known.severity is Severity.WARNING
    assert known.acknowledgement is not None  # degraded is a warning, too


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (Acknowledge("01JD", "it-duty"), Kind.MISSING),
        (Remark("01JD", "it-duty", "a"), Kind.MISSING),
        (Close("01JD", "it-duty"), Kind.MISSING),
    ],
)
def test_of_what_is_not_open_nothing_can_be_said(play: Play, word: Acknowledge | Remark | Close, kind: Kind) -> None:
    play.tell(20, word).until(30)
    said = refusal(play)
    assert said is not None
    assert said.kind is kind


def test_beyond_a_day_it_needs_a_ticket(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident, "it-duty", "detector on order", at(25 * HOUR))).until(210)
    assert refusal(play) == (
        Kind.INVALID,
        "give the number of the ticket: an acknowledgement of more than 24 hours needs one",
    )
    play.tell(220, Acknowledge(incident, "it-duty", "detector on order", at(500 * HOUR), "4711")).until(499 * HOUR)
    assert heard(play)[1:] == [(Event.ACKNOWLEDGED, 220)]


def test_what_fails_cannot_be_closed(play: Play) -> None:
    incident = down(play)
    play.tell(200, Close(incident, "it-duty", "a mistake")).until(210)
    said = refusal(play)
    assert said is not None
    assert said.kind is Kind.CONFLICT
    play.move(300, "archive/dicom_echo", "unknown", "not_measured")
    play.tell(400, Close(incident, "it-duty", "decommissioned")).until(500)
    assert heard(play)[-1] == (Event.CLOSED, 400)
    play.move(600, "archive/dicom_echo", "down").until(800)
    assert play.heard[-1].event is Event.OPENED
    assert play.heard[-1].incident.id != incident
