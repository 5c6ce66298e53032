"""Fallback channels: who is paged while another channel does not deliver, and who hears of the end."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pacs_monitor.alerting.events import LateDelivered, OpenedRefused, PageLate
from pacs_monitor.alerting.words import Acknowledge
from pacs_monitor.config import Estate
from tests.alerting.play import Play, an_estate
from tests.alerting.tables import Restarting

HEAD = """
monitor: {name: east-campus, paging: on}
channels:
  hook: {type: webhook, url: "http://127.0.0.1:1/", fallback: {channel: second, after: 2m}}
  second: {type: webhook, url: "http://127.0.0.1:1/", fallback: {channel: third, after: 5m}, openings_per_minute: 2}
  third: {type: webhook, url: "http://127.0.0.1:1/"}
  boss: {type: pagerduty, routing_key: "0123", fallback: {channel: third}}
routes:
  - {match: {node: ris}, channels: [hook, second], remind: 1h}
  - {match: {node: boss}, channels: [boss], escalate: [{after: 10m, channels: [second]}]}
  - {match: {site: west}, channels: [boss]}
default_route: {channels: [hook], remind: 30m, escalate: [{after: 15m, channels: [boss]}]}
defaults: {page_after: 1m, interval: 60s}
"""
NODES = """nodes:
  archive:
    host: 10.0.0.5
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, tcp: {port: 104}}
  ris: {host: 10.0.0.6, checks: {ping: }}
  boss: {host: 10.0.0.7, checks: {ping: }}
"""
MANY = "".join(f"  n{n}: {{host: 10.1.0.{n}, checks: {{ping: }}}}\n" for n in range(1, 8))
ECHO, RIS, BOSS = "archive/dicom_echo", "ris/ping", "boss/ping"
MINUTE = 60.0


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return an_estate(tmp_path, NODES + MANY, HEAD)


@pytest.fixture
def play(estate: Estate) -> Play:
    return Play(estate)


def known(play: Play) -> str:
    return play.heard[-1].incident.id


def told(play: Play, channel: str) -> list[str]:
    """When, what, and in whose place."""
    return [
        f"{round((owed.at - play.decided[0].event.at) / 1e6)} {owed.event.removeprefix('incident.')}"
        + (f" for {owed.instead_of}" if owed.instead_of else "")
        for owed in play.heard
        if owed.channel == channel and owed.status == "pending"
    ]


def test_the_fallback_has_the_page_and_the_end_and_the_primary_has_its_own(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).move(600, ECHO, "up").until(3600)
    assert told(play, "hook") == ["120 opened", "600 resolved"]
    assert told(play, "second") == ["240 opened for hook", "600 resolved for hook"]
    assert told(play, "third") == []


def test_said_twice_it_is_sent_once(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).tell(250, PageLate(known(play), "hook")).until(300)
    assert told(play, "second") == ["240 opened for hook"]


def test_what_is_over_pages_no_fallback(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.move(200, ECHO, "up").tell(240, PageLate(known(play), "hook")).until(900)
    assert told(play, "second") == []


def test_a_fallback_that_is_routed_to_anyway_has_no_second_page(play: Play) -> None:
    play.move(60, RIS, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).move(600, RIS, "up").until(900)
    assert told(play, "second") == ["120 opened", "600 resolved"]


def test_a_fallback_that_is_late_has_its_own_in_its_place(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).until(240)
    play.tell(540, PageLate(known(play), "second")).move(900, ECHO, "up").until(1000)
    assert told(play, "second") == ["240 opened for hook", "900 resolved for hook"]
    assert told(play, "third") == ["540 opened for second", "900 resolved for second"]


def test_a_primary_that_works_again_ends_the_reminders_of_its_fallback_and_both_have_the_end(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).tell(2700, LateDelivered(known(play), "hook"))
    play.move(5 * 3600, ECHO, "up").until(6 * 3600)
    assert told(play, "second") == [
        "240 opened for hook",
        "2040 reminded for hook",
        "18000 resolved for hook",
    ]
    assert told(play, "hook")[-1] == "18000 resolved"


def test_what_gets_worse_on_a_primary_that_is_lost_pages_the_fallback_at_once_when_it_knows(play: Play) -> None:
    play.move(60, "archive/tcp", "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).move(300, ECHO, "down").until(600)
    assert told(play, "second")[0] == "240 opened for hook"
    pages = [owed for owed in play.heard if owed.channel == "second" and owed.worse]
    assert [(owed.page, owed.instead_of) for owed in pages] == [(2, "hook")]


def test_who_acknowledges_is_not_paged_through_the_fallback(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(200, Acknowledge(known(play), "jo", "on it")).tell(240, PageLate(known(play), "hook"))
    play.move(900, ECHO, "up").until(1200)
    assert told(play, "second") == []
    assert "acknowledgement jo" in play.whys()


def test_an_opened_that_cannot_be_sent_at_all_goes_to_the_fallback_at_once(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(121, OpenedRefused(known(play), "hook")).move(900, ECHO, "up").until(1000)
    assert told(play, "second") == ["121 opened for hook", "900 resolved for hook"]


def test_what_a_channel_does_not_deliver_it_does_not_escalate_either(play: Play) -> None:
    play.move(60, BOSS, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "boss")).until(900)
    assert told(play, "boss") == ["120 opened"]
    assert told(play, "third") == ["240 opened for boss"]
    assert told(play, "second") == ["720 escalated"]


def test_an_escalation_that_is_late_has_a_fallback_too(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(1100)
    play.tell(1200, PageLate(known(play), "boss")).move(1500, ECHO, "up").until(1600)
    assert told(play, "boss") == ["1020 escalated", "1500 resolved"]
    assert told(play, "third") == ["1200 opened for boss", "1500 resolved for boss"]


def test_a_fallback_has_its_own_limit_of_pages_per_minute_and_a_summary_of_the_rest(play: Play) -> None:
    nodes = [f"n{n}/ping" for n in range(1, 8)]
    play.move(60, nodes, "down", since=60).until(140)
    for incident in dict.fromkeys(owed.incident.id for owed in play.heard if owed.channel == "hook"):
        play.tell(240, PageLate(incident, "hook"))
    play.until(400).move(900, nodes, "up").until(1000)
    opened = [owed for owed in play.heard if owed.channel == "second" and owed.event == "incident.opened"]
    assert [owed.incident.kind for owed in opened] == ["node", "node", "summary"]
    ends = [owed for owed in play.heard if owed.channel == "second" and owed.event == "incident.resolved"]
    assert sorted(owed.incident.id for owed in ends) == sorted(owed.incident.id for owed in opened)


def test_a_fallback_that_a_reload_removes_gets_the_end_of_what_it_has(play: Play, estate: Estate) -> None:
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).reload(300, replace(estate, fallbacks={}))
    play.move(4000, ECHO, "up").until(4100)
    assert told(play, "second") == ["240 opened for hook", "4000 resolved for hook"]


def test_a_reload_that_brings_the_fallback_pages_it(play: Play, estate: Estate) -> None:
    play.reload(1, replace(estate, fallbacks={}))
    play.move(60, ECHO, "down", since=60).until(120)
    play.tell(240, PageLate(known(play), "hook")).reload(300, estate).until(400)
    assert told(play, "second") == ["300 opened for hook"]


def test_another_process_pages_no_fallback_twice_and_knows_in_whose_place_it_was(
    estate: Estate, tmp_path: Path
) -> None:
    play = Restarting(estate, tmp_path)
    with closing(play.tables):
        play.move(60, ECHO, "down", since=60).until(120)
        play.tell(240, PageLate(known(play), "hook")).restart(250).tell(260, PageLate(known(play), "hook"))
        play.restart(2100).move(3000, ECHO, "up").until(3100)
    assert told(play, "second") == ["240 opened for hook", "2040 reminded for hook", "3000 resolved for hook"]
    assert told(play, "hook") == ["120 opened", "1920 reminded", "3000 resolved"]


def test_pages_to_others_say_where_an_acknowledgement_is_kept(play: Play) -> None:
    play.move(60, BOSS, "down", since=60).until(800)
    kept = {owed.channel: owed.kept_in for owed in play.heard}
    assert kept == {"boss": ""}
    play.tell(900, PageLate(known(play), "boss")).until(1000)
    assert {owed.channel: owed.kept_in for owed in play.heard} == {
        "boss": "",
        "second": "PagerDuty",
        "third": "PagerDuty",
    }
