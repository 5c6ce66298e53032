"""Codes by which people answer pages: unique among what is open, used once, and kept over restarts."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.alerting import codes
from pacs_monitor.alerting.words import Acknowledge, Kind
from pacs_monitor.model import Event, Incident
from tests.alerting.play import Play, an_estate, at
from tests.alerting.tables import Restarting

HOUR = 3600.0
HEAD = """
monitor: {name: east-campus, paging: on}
channels:
  phone: {type: sms, url: "http://127.0.0.1:1/", to: "+49 170 1234567", parameters: {t: "{{ text }}"}, replies: {}}
  hook: {type: webhook, url: "http://127.0.0.1:1/"}
default_route: {channels: [phone, hook], remind: 1h}
defaults: {page_after: 1m, interval: 60s}
"""
NODES = """
nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, disk: {source: local}}
  ris: {host: 10.0.0.2, dicom: {port: 104, ae_title: RIS}, checks: {dicom_echo: }}
"""


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, NODES, HEAD))


def down(play: Play) -> Incident:
    play.move(20, "archive/dicom_echo", "down").until(100)
    return play.heard[-1].incident


def on_page(play: Play, channel: str) -> str:
    """The code on the last page of a channel."""
    (*_, owed) = (owed for owed in play.heard if owed.channel == channel)
    return codes.on_page(owed.incident, play.estate.channels[channel]).get("code", "")


def test_a_page_to_a_phone_that_may_answer_has_a_code_and_no_other_page_has(play: Play) -> None:
    code = down(play).code
    assert code.isdecimal()
    assert len(code) == codes.DIGITS
    assert (on_page(play, "phone"), on_page(play, "hook")) == (code, "")
    play.until(100 + 2 * HOUR)
    assert on_page(play, "phone") == code


def test_without_phones_that_may_answer_there_are_none(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, HEAD.replace(", replies: {}", "")))
    assert down(play).code == ""


def test_a_page_of_what_somebody_deals_with_or_what_is_over_has_none(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident.id, "it-duty")).until(300)
    assert play.heard[-1].event is Event.ACKNOWLEDGED
    assert on_page(play, "phone") == ""
    play.move(HOUR, "archive/dicom_echo", "up").until(HOUR + 100)
    assert (play.heard[-1].event, play.heard[-1].incident.code) == (Event.RESOLVED, "")


def test_a_reply_does_not_replace_what_somebody_has_said_before(play: Play) -> None:
    incident = down(play)
    play.tell(200, Acknowledge(incident.id, "it-duty"))
    play.tell(300, Acknowledge(incident.id, "second", only_first=True)).until(400)
    refusal = play.decided[-1].effects.refusal
    assert refusal is not None
    assert (refusal.kind, refusal.why) == (Kind.CONFLICT, "nothing to do: it-duty has acknowledged it already")
    said = play.timeline.situation.subjects[incident.id].incident.acknowledgement
    assert said is not None
    assert said.by == "it-duty"


def test_what_takes_an_acknowledgement_back_takes_the_code_along(play: Play) -> None:
    code = down(play).code
    play.tell(200, Acknowledge(play.heard[-1].incident.id, "it-duty", until=at(HOUR))).until(2 * HOUR)
    assert play.heard[-1].event is Event.REMINDED
    assert on_page(play, "phone") not in ("", code)


def test_no_two_open_incidents_have_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"ct-{n}" for n in range(15)]
    nodes = "".join(
        f"  {n}: {{host: {n}, dicom: {{port: 104, ae_title: A}}, checks: {{dicom_echo: }}}}\n" for n in names
    )
    monkeypatch.setattr(codes, "_FIRST", 2)  # room for 18
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}", HEAD))
    for n, name in enumerate(names):
        play.move(20 + 120 * n, f"{name}/dicom_echo", "down")
    play.until(3000)
    given = [subject.incident.code for subject in play.timeline.situation.subjects.values()]
    assert len(set(given)) == len(given) == len(names)
    assert "" not in given


def test_where_every_code_is_taken_a_page_goes_out_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["ct-1", "ct-2"]
    nodes = "".join(
        f"  {n}: {{host: {n}, dicom: {{port: 104, ae_title: A}}, checks: {{dicom_echo: }}}}\n" for n in names
    )
    play = Play(an_estate(tmp_path, f"nodes:\n{nodes}", HEAD))
    monkeypatch.setattr(codes, "_FIRST", 1 / 9)  # room for one
    play.move(20, [f"{name}/dicom_echo" for name in names], "down").until(200)
    assert sorted(bool(owed.incident.code) for owed in play.heard if owed.channel == "phone") == [False, True]


def test_another_process_knows_the_codes_that_were_sent(tmp_path: Path) -> None:
    play = Restarting(an_estate(tmp_path, NODES, HEAD), tmp_path)
    with closing(play.tables):
        play.move(20, "archive/dicom_echo", "down").until(100)
        (code,) = {owed.incident.code for owed in play.heard}
        play.restart(200)
        assert [subject.incident.code for subject in play.timeline.situation.subjects.values()] == [code]
        play.until(100 + 2 * HOUR)
        assert {owed.incident.code for owed in play.heard} == {code}
