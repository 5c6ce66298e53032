"""What people say of an incident: acknowledged, noted, closed; and what becomes of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.alerting.events import KnownAgain, UnknownSince
from pacs_monitor.alerting.words import Acknowledge, Close, Kind, Refusal, Remark
from pacs_monitor.model import CheckId, Event, Reason, Severity
from tests.alerting.play import HEAD, Play, an_estate, at
from tests.alerting.tables import Restarting

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


def test_what_was_said_before_holds_until_it_is_said_anew(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident, "it-duty", "detector on order", at(30 * HOUR), "4711"))
    play.tell(300, Acknowledge(incident, "anna", until=at(40 * HOUR))).until(400)
    known = play.timeline.situation.subjects[incident].incident.acknowledgement
    assert known is not None
    assert (known.by, known.why, known.ticket, known.until) == ("anna", "detector on order", "4711", at(40 * HOUR))


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


def blind(play: Play, seconds: float) -> str:
    """The echo has no valid result; its blind incident, which opens after 15 minutes."""
    echo = CheckId("archive", "dicom_echo")
    play.move(seconds, str(echo), "unknown", "auth")
    play.tell(seconds, UnknownSince(echo, at(seconds), Reason.AUTH)).until(seconds + 1000)
    return play.heard[-1].incident.id


def test_what_is_not_checked_can_be_closed_and_stays_so_until_it_was_checked(tmp_path: Path) -> None:
    echo, estate = CheckId("archive", "dicom_echo"), an_estate(tmp_path, NODES, REMIND)
    play = Restarting(estate, tmp_path)
    with closing(play.tables):
        incident = blind(play, 20)
        play.tell(2000, Close(incident, "it-duty", "decommissioned")).reload(2100, estate).restart(2200)
        play.tell(2201, UnknownSince(echo, at(20), Reason.AUTH)).until(6000)
        assert heard(play)[1:] == [(Event.CLOSED, 2000)]
        play.move(7000, str(echo), "up").tell(7000, KnownAgain(echo)).until(7100)
        blind(play, 8000)
        assert [event for event, _ in heard(play)[2:]] == [Event.OPENED]


def test_modalities_that_were_switched_off_together_can_be_closed(tmp_path: Path) -> None:
    rooms = "".join(
        f"  ct{n}: {{site: rooms, host: 10.2.0.{n}, presence: intermittent, checks: {{ping: }}}}\n" for n in range(7)
    )
    play = Play(an_estate(tmp_path, f"nodes:\n{rooms}"))
    play.move(20, [f"ct{n}/ping" for n in range(5)], "absent").until(140)
    play.tell(140, Close(play.heard[-1].incident.id, "it-duty", "a sale")).move(145, "ct5/ping", "absent").until(900)
    assert heard(play) == [(Event.OPENED, 140), (Event.CLOSED, 140)]


def test_a_colleague_may_note_something_and_only_a_public_note_stands_beside_it(play: Play) -> None:
    incident = down(play)
    play.tell(200, Remark(incident, "it-duty", "vendor called")).until(210)
    assert play.timeline.situation.subjects[incident].incident.public_note is None
    play.tell(220, Remark(incident, "it-duty", "Images are delayed", public=True, next_update=at(HOUR))).until(230)
    note = play.timeline.situation.subjects[incident].incident.public_note
    assert note is not None
    assert (note.text, note.next_update) == ("Images are delayed", at(HOUR))
    assert len(play.heard) == 1


def test_acknowledging_again_replaces_it(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident, "it-duty", "", at(HOUR)))
    play.tell(300, Acknowledge(incident, "second", "", at(2 * HOUR))).until(2 * HOUR - 1)
    assert heard(play)[1:] == [(Event.ACKNOWLEDGED, 200), (Event.ACKNOWLEDGED, 300)]
    play.until(2 * HOUR)
    assert heard(play)[3:] == [(Event.REMINDED, 2 * HOUR)]


def test_who_acknowledges_before_the_page_is_due_keeps_it_from_going_out(play: Play) -> None:
    play.move(20, "archive/dicom_echo", "down").until(30)
    play.tell(40, Acknowledge(next(iter(play.timeline.situation.subjects)), "it-duty", "", at(HOUR))).until(HOUR - 1)
    assert heard(play) == []
    play.until(HOUR)
    assert heard(play) == [(Event.OPENED, HOUR)]
