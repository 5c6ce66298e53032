"""Routes that name a rota: who is paged when, at a change of shift, by reminders, by escalation, and in a gap."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pacs_monitor.alerting.words import Acknowledge
from pacs_monitor.config import Estate
from pacs_monitor.config.canonical import canonical
from pacs_monitor.model import SECOND, IncidentKind
from tests.alerting.play import T0, Play, an_estate, at
from tests.alerting.tables import Restarting

HEAD = """
monitor: {name: east-campus, paging: on}
channels:
  hook: {type: webhook, url: "http://127.0.0.1:1/"}
  duty: {type: webhook, url: "http://127.0.0.1:1/"}
  anna: {type: webhook, url: "http://127.0.0.1:1/"}
  ben: {type: webhook, url: "http://127.0.0.1:1/"}
oncall: {it: {rota: rota.yaml, otherwise: [duty]COVERS}}
routes:
  - match: {severity: critical}
    oncall: it
    remind: 2h
  - match: {severity: warning}
    oncall: it
    escalate: [{after: 3h, oncall: it}]
default_route: {channels: [hook]}
defaults: {page_after: 1m, interval: 60s}
nodes:
  archive:
    host: 10.0.0.5
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, web: {probe: http, url: "http://10.0.0.5"}}
  ris: {host: 10.0.0.6, checks: {ping: }}
"""
ROTA = """
people: {anna: {channels: anna}, ben: {channels: ben}}
shifts: [{order: [anna, ben], start: 2025-11-24, handover: "08:00, 20:00"}]
"""
ECHO, PING, HOUR = "archive/dicom_echo", "ris/ping", 3600.0
"""T0 is 16:00 UTC on a Monday: anna has it until 20:00, then ben until 08:00."""


def estate(folder: Path, rota: str = ROTA, covers: str = "") -> Estate:
    (folder / "rota.yaml").write_text(rota)
    return an_estate(folder, "", HEAD.replace("COVERS", f', covers: "{covers}"' if covers else ""))


def heard(play: Play, channel: str) -> list[str]:
    """Hours and events."""
    return [
        f"{(owed.at - T0) / SECOND / HOUR:.2f} {owed.event.removeprefix('incident.')}"
        + (f" page {owed.page}" if owed.page > 1 else "")
        for owed in play.heard
        if owed.channel == channel
    ]


def test_the_page_goes_to_who_is_on_call_and_the_end_to_who_was_told(tmp_path: Path) -> None:
    play = Play(estate(tmp_path)).move(60, PING, "down").move(5 * HOUR, PING, "up").until(8 * HOUR)
    assert heard(play, "anna") == ["0.03 opened", "3.03 escalated page 2", "5.00 resolved page 2"]
    assert not heard(play, "ben")
    assert not heard(play, "duty")
    assert not heard(play, "hook")


def test_a_change_of_shift_pages_nobody_and_the_next_reminder_goes_to_the_next_person(tmp_path: Path) -> None:
    play = Play(estate(tmp_path)).move(60, ECHO, "down").move(9 * HOUR, ECHO, "up").until(10 * HOUR)
    assert heard(play, "anna") == ["0.03 opened", "2.03 reminded", "9.00 resolved"]
    assert heard(play, "ben") == ["4.03 opened", "6.03 reminded", "8.03 reminded", "9.00 resolved"]


def test_what_gets_worse_pages_who_is_on_call_then_and_tells_who_was_told(tmp_path: Path) -> None:
    play = Play(estate(tmp_path)).move(60, "archive/web", "down").move(4.5 * HOUR, ECHO, "down").until(5 * HOUR)
    assert heard(play, "anna") == ["0.03 opened", "3.03 escalated page 2", "4.51 changed page 3"]
    assert heard(play, "ben") == ["4.51 opened"]


def test_an_acknowledged_incident_is_not_handed_over_before_that_is_over(tmp_path: Path) -> None:
    play = Play(estate(tmp_path)).move(60, ECHO, "down").until(HOUR)
    incident = play.heard[-1].incident.id
    play.tell(HOUR, Acknowledge(incident, "anna", "on it", at(6 * HOUR))).until(7 * HOUR)
    assert heard(play, "anna") == ["0.03 opened", "1.00 acknowledged"]
    assert heard(play, "ben") == ["6.00 opened"]


def test_an_escalation_goes_to_who_is_on_call_then_and_once(tmp_path: Path) -> None:
    play = Play(estate(tmp_path)).move(2 * HOUR, PING, "down").until(20 * HOUR)
    assert heard(play, "anna") == ["2.01 opened"]
    assert heard(play, "ben") == ["5.01 escalated"]


def test_nobody_outside_of_what_the_rota_covers_and_that_is_no_gap(tmp_path: Path) -> None:
    play = Play(estate(tmp_path, covers="Mon-Fri 07:00-18:00"))
    play.move(60, PING, "down").move(HOUR, PING, "up").move(3 * HOUR, PING, "down").until(3.5 * HOUR)
    assert heard(play, "anna") == ["0.03 opened", "1.00 resolved"]
    assert heard(play, "duty") == ["3.01 opened"]
    assert play.open() == ["unreachable:ris"]


def test_a_gap_is_an_incident_while_it_lasts_and_its_pages_go_elsewhere(tmp_path: Path) -> None:
    away = (
        ROTA
        + "vacations:\n"
        + "".join(f"  - {{who: {who}, from: 2025-11-24 18:00, to: 2025-11-24 19:00}}\n" for who in ("anna", "ben"))
    )
    play = Play(estate(tmp_path, away)).move(2.5 * HOUR, PING, "down").until(2.6 * HOUR)
    assert play.open() == ["oncall:it", "unreachable:ris"]
    assert heard(play, "duty") == ["2.00 opened", "2.51 opened"]
    assert heard(play, "hook") == ["2.00 opened"]
    play.until(3.5 * HOUR)
    assert play.open() == ["unreachable:ris"]
    assert heard(play, "duty")[-1] == heard(play, "hook")[-1] == "3.00 resolved"
    assert not heard(play, "anna")
    assert not heard(play, "ben")


def test_a_reload_ends_a_gap_and_one_without_the_rota_withdraws_it(tmp_path: Path) -> None:
    away = (
        ROTA
        + "vacations: [{who: anna, from: 2025-11-24, to: 2025-11-25}, {who: ben, from: 2025-11-24, to: 2025-11-25}]"
    )
    play = Play(estate(tmp_path, away)).until(HOUR)
    assert play.open() == ["oncall:it"]
    play.reload(HOUR, estate(tmp_path)).until(HOUR + 1)
    assert not play.open()
    play.reload(2 * HOUR, estate(tmp_path, away)).until(2 * HOUR + 1)
    (tmp_path / "other").mkdir()
    play.reload(3 * HOUR, an_estate(tmp_path / "other", "")).until(3 * HOUR + 1)
    assert not play.open()
    assert [owed.event for owed in play.heard][-1] == "incident.withdrawn"


def test_the_monitors_own_incidents_reach_of_the_people_who_is_on_call(tmp_path: Path) -> None:
    from pacs_monitor.alerting.events import TasksFailing

    play = Play(estate(tmp_path)).tell(60, TasksFailing(("engine",))).until(6 * HOUR)
    own = {owed.channel for owed in play.heard if owed.incident.kind is IncidentKind.FAULT}
    assert own == {"anna", "duty", "hook"}


def test_a_channel_that_is_named_beside_the_rota_takes_no_page_from_who_is_on_call(tmp_path: Path) -> None:
    head = HEAD.replace("    oncall: it\n    remind: 2h", "    oncall: it\n    channels: [duty]\n    remind: 2h")
    (tmp_path / "rota.yaml").write_text(ROTA)
    play = Play(an_estate(tmp_path, "", head.replace("COVERS", ', covers: "Mon-Fri 07:00-18:00"')))
    play.move(60, ECHO, "down").until(HOUR)
    assert heard(play, "anna") == heard(play, "duty") == ["0.03 opened"]


def test_other_processes_go_on_with_the_shifts(tmp_path: Path) -> None:
    play = Restarting(estate(tmp_path), tmp_path)
    with closing(play.tables):
        play.move(60, ECHO, "down").move(9 * HOUR, ECHO, "up")
        for hour in (1, 3, 4.01, 5, 7):
            play.restart(hour * HOUR)
        play.until(10 * HOUR)
        assert heard(play, "anna") == ["0.03 opened", "2.03 reminded", "9.00 resolved"]
        assert heard(play, "ben") == ["4.03 opened", "6.03 reminded", "8.03 reminded", "9.00 resolved"]


def test_the_rota_is_on_record_with_names_of_channels_alone(tmp_path: Path) -> None:
    rota = ROTA.replace("{channels: anna}", '{channels: [{use: hook, url: "http://10.9.8.7/"}]}')
    text = canonical(estate(tmp_path, rota)).decode()
    assert '"people":{"anna":["anna.hook"],"ben":["ben"]}' in text
    assert "10.9.8.7" not in text
