"""Whom an incident is escalated to while nobody has acknowledged it, and how long an acknowledgement holds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from pacs_monitor.alerting.events import ChannelFailing, ClockSet, OpenedRefused
from pacs_monitor.alerting.words import Acknowledge, Close, Plan
from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.config import Estate
from pacs_monitor.fields import Match
from pacs_monitor.model import SECOND, Paging
from pacs_monitor.windows import Window
from tests.alerting.play import Play, an_estate, at
from tests.alerting.tables import Restarting

HEAD = """
monitor: {name: east-campus, paging: on}
channels:
  hook: {type: webhook, url: "http://127.0.0.1:1/"}
  second: {type: webhook, url: "http://127.0.0.1:1/"}
  boss: {type: webhook, url: "http://127.0.0.1:1/"}
routes:
  - match: {severity: critical}
    channels: [hook]
    escalate: [{after: 15m, channels: [second]}, {after: 1h, channels: [second, boss]}]
default_route: {channels: [hook], remind: 2h, escalate: [{after: 30m, channels: [hook]}]}
defaults: {page_after: 1m, interval: 60s}
"""
NODES = """nodes:
  archive:
    host: 10.0.0.5
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, tcp: {port: 104}, web: {probe: http, url: "http://10.0.0.5"}}
  ris: {host: 10.0.0.6, checks: {ping: }}
"""
WEST = "".join(
    f"  n{n}: {{site: west, host: 10.1.0.{n}, checks: {{ping: {{severity: critical}}}}}}\n" for n in range(4)
)
ECHO, RIS = "archive/dicom_echo", "ris/ping"
MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return an_estate(tmp_path, NODES + WEST, HEAD)


@pytest.fixture
def play(estate: Estate) -> Play:
    return Play(estate)


def known(play: Play) -> str:
    return play.heard[-1].incident.id


def to(play: Play, channel: str) -> list[str]:
    """Minutes and events; `shadow` where it is only recorded."""
    return [
        f"{(owed.at - at(0)) / SECOND / 60:g} {owed.event.removeprefix('incident.')}"
        + ("" if owed.status == "pending" else f" {owed.status}")
        + (f" page {owed.page}" if owed.page > 1 else "")
        for owed in play.heard
        if owed.channel == channel
    ]


def test_it_goes_on_step_by_step_while_nobody_has_acknowledged_and_all_get_the_end(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).move(120 * MINUTE, ECHO, "up").until(3 * HOUR)
    assert to(play, "hook") == ["2 opened", "120 resolved"]
    assert to(play, "second") == ["17 escalated", "62 escalated page 2", "120 resolved page 2"]
    assert to(play, "boss") == ["62 escalated", "120 resolved"]


def test_who_was_never_reached_hears_of_no_end(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).move(20 * MINUTE, ECHO, "up").until(3 * HOUR)
    assert to(play, "second") == ["17 escalated", "20 resolved"]
    assert to(play, "boss") == []


def test_a_channel_may_be_escalated_to_that_knows_of_it(play: Play) -> None:
    play.move(60, RIS, "down", since=60).move(40 * MINUTE, RIS, "up").until(3 * HOUR)
    assert to(play, "hook") == ["2 opened", "32 escalated page 2", "40 resolved page 2"]


def test_an_acknowledgement_stops_it_and_it_counts_from_zero_when_that_is_over(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
    play.tell(10 * MINUTE, Acknowledge(known(play), "it-duty", "", at(100 * MINUTE))).until(114 * MINUTE)
    assert to(play, "hook") == ["2 opened", "10 acknowledged", "100 reminded"]
    assert to(play, "second") == []
    assert {(row.event, row.channel) for row in play.suppressed} == {
        ("incident.escalated", "second"),
        ("incident.escalated", "boss"),
    }
    play.until(116 * MINUTE)
    assert to(play, "second") == ["115 escalated"]


def test_who_was_escalated_to_hears_of_the_acknowledgement(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(20 * MINUTE)
    play.tell(20 * MINUTE, Acknowledge(known(play), "it-duty")).until(HOUR)
    assert to(play, "second") == ["17 escalated", "20 acknowledged"]
    assert to(play, "boss") == []


def test_it_rests_while_nothing_is_known_to_fail(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).move(10 * MINUTE, ECHO, "unknown", "not_measured").until(30 * MINUTE)
    assert to(play, "second") == []
    play.move(31 * MINUTE, ECHO, "down").until(32 * MINUTE)
    assert to(play, "second") == ["31 escalated"]


def test_what_gets_worse_pages_anew_takes_the_acknowledgement_back_and_counts_from_zero(play: Play) -> None:
    play.move(60, "archive/tcp", "down", "tcp_refused", since=60).until(5 * MINUTE)
    incident = known(play)
    play.tell(6 * MINUTE, Acknowledge(incident, "it-duty"))
    play.move(10 * MINUTE, ECHO, "down", "tcp_refused").until(10.1 * MINUTE)
    subject = play.timeline.situation.subjects[incident]
    assert subject.incident.acknowledgement is not None  # the critical member may be good again before it pages
    play.until(HOUR)
    assert to(play, "hook") == ["2 opened", "6 acknowledged", f"{10 + 40 / 60:g} changed page 2"]
    assert to(play, "second") == [f"{25 + 40 / 60:g} escalated"]
    assert play.timeline.situation.subjects[incident].incident.acknowledgement is None


def test_a_worse_class_of_failure_is_told_and_pages_nobody_who_has_acknowledged(play: Play) -> None:
    play.move(60, ECHO, "down", "acse_timeout", since=60).until(5 * MINUTE)
    incident = known(play)
    play.tell(6 * MINUTE, Acknowledge(incident, "it-duty", "vendor reboots it"))
    play.move(10 * MINUTE, ECHO, "down", "tcp_timeout").until(HOUR)
    assert to(play, "hook") == ["2 opened", "6 acknowledged", "10 changed"]
    assert play.timeline.situation.subjects[incident].incident.acknowledgement is not None
    assert to(play, "second") == []


def test_it_holds_over_a_brief_recovery(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
    play.tell(5 * MINUTE, Acknowledge(known(play), "it-duty", "", at(2 * HOUR)))
    play.move(30 * MINUTE, ECHO, "up").move(39 * MINUTE, ECHO, "down").until(110 * MINUTE)
    assert to(play, "hook") == ["2 opened", "5 acknowledged", "30 resolved"]
    assert "acknowledgement it-duty" in play.whys()
    play.until(121 * MINUTE)
    assert to(play, "hook")[3:] == ["120 opened"]


def test_but_not_over_a_long_one_nor_for_another_cause(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
    play.tell(5 * MINUTE, Acknowledge(known(play), "it-duty", "", at(3 * HOUR)))
    play.move(30 * MINUTE, ECHO, "up").move(31 * MINUTE, RIS, "down", since=31 * MINUTE)
    play.move(41 * MINUTE, ECHO, "down", since=41 * MINUTE).until(HOUR)
    assert to(play, "hook")[2:] == ["30 resolved", "32 opened", "42 opened"]


def test_where_nothing_fails_when_it_is_over_people_are_reminded_when_it_fails_again(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
    play.tell(5 * MINUTE, Acknowledge(known(play), "it-duty", "", at(HOUR)))
    play.move(50 * MINUTE, ECHO, "unknown", "not_measured").move(70 * MINUTE, ECHO, "down").until(80 * MINUTE)
    assert to(play, "hook") == ["2 opened", "5 acknowledged", "50 changed", "70 changed", "70 reminded"]


def test_the_clock_moves_the_steps_and_no_promised_end(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
    for decided in [play.timeline.clock_set(at(5 * MINUTE + HOUR), ClockSet(round(HOUR * SECOND)))]:
        play.heard += decided.effects.owed
    play.until(HOUR + 16 * MINUTE)
    assert to(play, "second") == []
    play.tell(HOUR + 16 * MINUTE, Acknowledge(known(play), "it-duty", "", at(HOUR + 30 * MINUTE)))
    play.until(HOUR + 31 * MINUTE)
    assert to(play, "hook")[-1] == "90 reminded"


def test_that_a_step_waits_for_a_window_is_on_record_until_the_check_is_up(play: Play) -> None:
    window = Window("01JDWINDOW0000000000000000", "patching", Match(node=("archive",)), at(300), at(5 * HOUR))
    for n in range(5):
        play.move(60 + 20 * n, ECHO, "down", since=60 + 20 * n).move(70 + 20 * n, ECHO, "up")
    play.move(180, ECHO, "down", since=180).tell(310, Plan(window)).move(30 * MINUTE, ECHO, "up").until(40 * MINUTE)
    (begun, over) = [row for row in play.suppressed if row.event == "incident.escalated"]
    assert (begun.why, begun.channel, begun.ended) == ("maintenance", "second", None)
    assert (over.at, over.ended) == (begun.at, at(30 * MINUTE))
    assert play.open()  # it flaps


class Rings(Webhook):
    """A receiver that escalates by itself."""

    owns_escalation: ClassVar[bool] = True


def test_what_a_channel_has_that_escalates_by_itself_is_not_escalated(estate: Estate) -> None:
    rings = Rings("hook", WebhookSettings.model_validate({"url": "http://127.0.0.1:1/"}))
    play = Play(replace(estate, channels={**estate.channels, "hook": rings}))
    play.move(60, ECHO, "down", since=60).until(2 * HOUR)
    assert to(play, "second") == []
    play.tell(2 * HOUR, ChannelFailing("hook", at(2 * HOUR), "http_401"))
    play.move(2 * HOUR + 60, "archive/tcp", "down").until(2 * HOUR + 600)
    assert to(play, "second")  # it delivers nothing, so nobody escalates


def test_shadow_is_recorded_and_off_is_not(estate: Estate, tmp_path: Path) -> None:
    def paging(mode: Paging) -> Estate:
        return replace(estate, checks={i: replace(check, paging=mode) for i, check in estate.checks.items()})

    play = Play(paging(Paging.SHADOW))
    play.move(60, ECHO, "down", since=60).until(20 * MINUTE)
    assert to(play, "second") == ["17 escalated shadow"]
    play.reload(30 * MINUTE, paging(Paging.ON)).until(44 * MINUTE)
    assert to(play, "hook") == ["2 opened shadow", "30 opened"]
    play.until(46 * MINUTE)
    assert to(play, "second")[1:] == ["45 escalated"]
    play.reload(50 * MINUTE, paging(Paging.OFF)).until(100 * MINUTE)
    assert to(play, "boss") == []
    play.move(101 * MINUTE, ECHO, "up").until(102 * MINUTE)
    assert to(play, "second")[2:] == ["101 resolved"]


def test_who_cannot_be_sent_the_escalation_hears_of_no_end(play: Play) -> None:
    play.move(60, ECHO, "down", since=60).until(18 * MINUTE)
    play.tell(18 * MINUTE, OpenedRefused(known(play), "second"))
    play.move(90 * MINUTE, ECHO, "up").until(100 * MINUTE)
    assert to(play, "second") == ["17 escalated", "90 resolved dropped"]


def lost(play: Play) -> Play:
    """All of west but one node."""
    return play.move(60, [f"n{n}/ping" for n in range(3)], "down", since=60)


def test_a_group_is_acknowledged_for_its_incidents_and_what_outlasts_it_pages(play: Play) -> None:
    lost(play).until(5 * MINUTE)
    (group,) = {owed.incident.id for owed in play.heard}
    play.tell(6 * MINUTE, Acknowledge(group, "it-duty"))
    play.move(10 * MINUTE, "n3/ping", "down", since=10 * MINUTE).until(HOUR)
    assert play.said("second") == []
    assert [line.split()[1:] for line in play.said("hook")][-1] == ["group", "changed", "west"]
    play.move(61 * MINUTE, ["n0/ping", "n1/ping"], "up").until(2 * HOUR)
    heard = [" ".join(line.split()[1:]) for line in play.said("hook")]
    assert heard[-3:] == ["group resolved west", "opened unreachable:n2", "opened unreachable:n3"]
    assert "opened unreachable:n2" not in [" ".join(line.split()[1:]) for line in play.said("second")]
    assert [" ".join(line.split()[1:]) for line in play.said("second")][:1] == ["escalated unreachable:n2"]


def test_who_knew_of_an_incident_before_its_group_hears_of_both(play: Play) -> None:
    play.move(60, "n0/ping", "down", since=60).until(3 * MINUTE)
    play.move(5 * MINUTE, ["n1/ping", "n2/ping"], "down", since=5 * MINUTE).until(8 * MINUTE)
    group = next(owed.incident.id for owed in play.heard if owed.incident.kind == "group")
    play.tell(9 * MINUTE, Acknowledge(group, "it-duty")).until(10 * MINUTE)
    assert play.said("hook")[-2:] == ["540 group acknowledged west", "540 acknowledged unreachable:n0"]
    play.move(40 * MINUTE, ["n1/ping", "n2/ping"], "up").until(HOUR)
    assert play.said("hook")[-1].split()[1:] == ["reminded", "unreachable:n0"]


def test_a_restart_changes_nothing_of_it(estate: Estate, tmp_path: Path) -> None:
    def story(play: Restarting, *restarts: float) -> list[str]:
        with closing(play.tables):
            play.move(60, ECHO, "down", since=60).until(5 * MINUTE)
            incident = next(iter(play.timeline.situation.subjects))
            play.tell(25 * MINUTE, Acknowledge(incident, "it-duty", "", at(100 * MINUTE)))
            play.move(30 * MINUTE, ECHO, "up").move(35 * MINUTE, ECHO, "down")
            for moment in restarts:
                play.restart(moment)
            play.move(190 * MINUTE, ECHO, "up").until(5 * HOUR)
            return [f"{channel} {line}" for channel in ("hook", "second", "boss") for line in to(play, channel)]

    folders = [tmp_path / "whole", tmp_path / "cut"]
    for folder in folders:
        folder.mkdir()
    whole = story(Restarting(estate, folders[0]))
    cut = story(Restarting(estate, folders[1]), *(n * 7.5 * MINUTE for n in range(1, 30)))
    assert cut == whole
    assert whole == [
        "hook 2 opened",
        "hook 25 acknowledged",
        "hook 30 resolved",
        "hook 100 opened",
        "hook 190 resolved",
        "second 17 escalated",
        "second 25 acknowledged",
        "second 30 resolved",
        "second 115 escalated",
        "second 160 escalated page 2",
        "second 190 resolved page 2",
        "boss 160 escalated",
        "boss 190 resolved",
    ]


def test_an_incident_of_the_monitor_or_a_group_is_closed_only_where_nothing_is_measured_to_fail(play: Play) -> None:
    play.tell(10, ChannelFailing("hook", at(10), "http_401")).until(20)
    play.tell(30, Close(next(iter(play.timeline.situation.subjects)), "it-duty")).until(40)
    refused = play.decided[-1].effects.refusal
    assert refused is not None
    assert refused.why.startswith("repair channel hook, then run notify-test hook")
    lost(play).until(5 * MINUTE)
    group = next(i for i, one in play.timeline.situation.subjects.items() if one.incident.kind == "group")
    play.tell(5 * MINUTE, Close(group, "it-duty")).until(6 * MINUTE)
    assert group in play.timeline.situation.subjects


HOURS = HEAD.replace("default_route:", "calendars: {core: {hours: 'Mon-Fri 06:00-20:00'}}\ndefault_route:").replace(
    "remind: 2h", "remind: 2h, calendar: core"
)


@pytest.mark.parametrize(
    ("check", "hours"),
    [(ECHO, 8), (RIS, 14)],
    ids=["critical", "next-opening"],
)
def test_it_holds_until_the_next_opening_unless_it_is_critical(tmp_path: Path, check: str, hours: float) -> None:
    play = Play(an_estate(tmp_path, NODES, HOURS))  # it is Monday, 16:00 UTC
    play.move(60, check, "down", since=60).until(5 * MINUTE)
    incident = next(iter(play.timeline.situation.subjects))
    play.tell(HOUR, Acknowledge(incident, "it-duty")).until(2 * HOUR)
    said = play.timeline.situation.subjects[incident].incident.acknowledgement
    assert said is not None
    assert said.until == at((HOUR if hours == 8 else 0) + hours * HOUR)


def test_over_a_weekend_it_holds_for_a_day(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES, HOURS))
    friday = 4 * 24 * HOUR + 10 * HOUR  # Saturday, 02:00 UTC
    play.move(friday - 600, RIS, "down").until(friday - 60)
    incident = next(iter(play.timeline.situation.subjects))
    play.tell(friday, Acknowledge(incident, "it-duty")).until(friday + 60)
    said = play.timeline.situation.subjects[incident].incident.acknowledgement
    assert said is not None
    assert said.until == at(friday + 24 * HOUR)
