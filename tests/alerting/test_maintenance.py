"""Windows of maintenance: who is not paged meanwhile, who is when they end, and what people hear of the windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.alerting.words import Extend, Finish, Kind, Plan, Refusal
from pacs_monitor.fields import Match
from pacs_monitor.model import SECOND, CheckId, Maintained
from pacs_monitor.windows import Window
from tests.alerting.play import HEAD, T0, Play, an_estate, at
from tests.alerting.tables import Restarting

HOUR = 3600.0
NODES = """
nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks: {dicom_echo: {severity: critical}, disk: {source: local}}
  viewer: {host: 10.0.0.2, checks: {ping: }}
"""
REMIND = HEAD.replace("{channels: [hook]}", "{channels: [hook], remind: 1h}")
WINDOW = "01JDWINDOW0000000000000000"
ECHO, DISK = "archive/dicom_echo", "archive/disk"
DOWN = "opened unresponsive:archive@10.0.0.1:104"
OPENED = "unreachable:archive"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(an_estate(tmp_path, NODES, REMIND))


def window(start: float, end: float, node: str = "archive", notify: str = "") -> Window:
    return Window(WINDOW, "patching", Match(node=(node,)), at(start), at(end), by="change 4712", notify=notify)


def notices(play: Play) -> list[str]:
    """What channels heard of windows: seconds, event, channel, what fails."""
    told = [notice for decided in play.decided for notice in decided.effects.notices]
    return [
        " ".join((str(round((one.at - T0) / SECOND)), one.event, one.channel, *map(str, one.failing))) for one in told
    ]


def spans(play: Play) -> list[tuple[str, float, float | None]]:
    """Of the record: as one sees it after each writing."""
    rows: dict[tuple[CheckId, str, int], Maintained] = {}
    for decided in play.decided:
        rows |= {(one.check, one.window, one.since): one for one in decided.effects.maintained}
    found = [
        (str(o.check), (o.since - T0) / 1e6, None if o.until is None else (o.until - T0) / 1e6) for o in rows.values()
    ]
    return sorted(found)


def refusal(play: Play) -> Refusal | None:
    return play.decided[-1].effects.refusal


def test_what_begins_and_ends_within_a_window_is_heard_by_nobody(play: Play) -> None:
    play.tell(10, Plan(window(60, 2 * HOUR))).move(600, ECHO, "down").move(3000, ECHO, "up").until(9 * HOUR)
    assert play.said() == []
    assert [row.why for row in play.suppressed if row.ended is None] == ["maintenance"]
    assert notices(play) == []
    assert spans(play) == [(ECHO, 60, 2 * HOUR), (DISK, 60, 2 * HOUR)]


def test_what_still_fails_pages_after_the_end_and_says_so(play: Play) -> None:
    play.tell(10, Plan(window(60, 2 * HOUR))).move(600, ECHO, "down").until(2 * HOUR + 59)
    assert play.said() == []
    assert notices(play) == [f"6300 maintenance.ending hook {ECHO}"]
    play.until(2 * HOUR + 60)
    assert play.said() == [f"7260 opened {OPENED}"]
    assert play.heard[-1].overran is not None
    assert play.heard[-1].overran[:2] == ("patching", at(2 * HOUR))
    play.move(8000, ECHO, "up").until(9000)
    assert play.said()[1:] == [f"8000 resolved {OPENED}"]


def test_what_was_told_before_stays_told_and_its_reminders_rest(play: Play) -> None:
    play.move(20, ECHO, "down").until(100)
    play.tell(120, Plan(window(130, 5 * HOUR))).until(5 * HOUR + 59)
    assert play.said() == [f"60 opened {OPENED}"]
    play.until(5 * HOUR + 61)
    assert play.said()[1:] == [f"18060 reminded {OPENED}"]
    assert play.heard[-1].overran is not None


def test_what_gets_worse_within_a_window_is_said_after_it(play: Play) -> None:
    play.move(20, ECHO, "degraded", "slow").until(300)
    before = play.said()
    play.tell(320, Plan(window(330, 5 * HOUR))).move(600, ECHO, "down").until(5 * HOUR + 59)
    assert play.said() == before
    play.until(5 * HOUR + 60)
    assert play.said()[1:] == ["18060 changed unreachable:archive page 2"]
    assert play.heard[-1].worse
    assert play.heard[-1].overran is not None


@pytest.mark.parametrize("check", ["", "dicom_echo"])
def test_of_members_that_page_sooner_and_later_it_is_reminded_of_once_when_the_first_is_due(
    tmp_path: Path, check: str
) -> None:
    """Also where another member fails that is in no maintenance."""
    nodes = NODES.replace("disk: {source: local}", "dicom_find: {page_after: 4m, severity: info}")
    play = Play(an_estate(tmp_path, nodes)).move(100, [ECHO, "archive/dicom_find"], "down", "dimse_timeout")
    match = Match(node=("archive",), check=(check,) if check else ())
    play.tell(1000, Plan(replace(window(1000, 2 * HOUR), match=match))).until(5 * HOUR)
    assert [line for line in play.said() if "reminded" in line] == ["7260 reminded unresponsive:archive@10.0.0.1:104"]


def test_what_waited_for_a_parent_that_is_back_within_the_window_no_longer_does(tmp_path: Path) -> None:
    nodes = NODES.replace("archive:\n", "archive:\n    depends_on: [viewer]\n")
    play = Play(an_estate(tmp_path, nodes, REMIND)).move(20, DISK, "degraded", "over_limit").until(300)
    play.move(400, "viewer/ping", "down").move(401, DISK, "down", "tcp_timeout").until(600)
    play.tell(700, Plan(window(700, 5 * HOUR))).move(800, "viewer/ping", "up").until(900)
    held = [row for row in play.suppressed if row.event == "incident.changed"]
    assert [(row.why, row.ended) for row in held] == [("dependency", None), ("dependency", at(801))]  # the answer


def test_its_end_is_sent_within_the_window(play: Play) -> None:
    play.move(20, ECHO, "down").tell(120, Plan(window(130, 5 * HOUR))).move(600, ECHO, "up").until(6 * HOUR)
    assert play.said() == [f"60 opened {OPENED}", f"600 resolved {OPENED}"]


def test_what_is_not_in_the_window_pages(play: Play) -> None:
    play.tell(10, Plan(window(20, HOUR))).move(100, "viewer/ping", "down").until(HOUR / 2)
    assert play.said() == ["140 opened unreachable:viewer"]


def test_a_window_added_late_counts_only_from_then(play: Play) -> None:
    play.tell(1000, Plan(window(-3600, 2000))).until(2500)
    assert spans(play) == [(ECHO, 1000, 2000), (DISK, 1000, 2000)]


def test_it_can_be_extended(play: Play) -> None:
    play.tell(10, Plan(window(60, HOUR))).move(600, ECHO, "down")
    play.tell(3000, Extend(WINDOW, "it-duty", at(2 * HOUR))).until(2 * HOUR + 59)
    assert play.said() == []
    assert notices(play) == [f"2700 maintenance.ending hook {ECHO}", f"6300 maintenance.ending hook {ECHO}"]
    assert spans(play) == [(ECHO, 60, 2 * HOUR), (DISK, 60, 2 * HOUR)]
    play.until(2 * HOUR + 60)
    assert play.said() == [f"7260 opened {OPENED}"]


def test_it_can_be_ended_early(play: Play) -> None:
    play.tell(10, Plan(window(60, HOUR))).move(600, ECHO, "down").tell(1000, Finish(WINDOW, "it-duty")).until(HOUR)
    assert play.said() == [f"1060 opened {OPENED}"]
    assert spans(play) == [(ECHO, 60, 1000), (DISK, 60, 1000)]
    play.tell(HOUR + 1, Finish(WINDOW, "it-duty")).until(HOUR + 2)
    said = refusal(play)
    assert said is not None
    assert said.kind is Kind.MISSING


def test_one_that_has_not_begun_can_be_called_off(play: Play) -> None:
    play.tell(10, Plan(window(600, HOUR))).tell(20, Finish(WINDOW, "it-duty")).until(HOUR + 1)
    assert spans(play) == []
    play.tell(30 + HOUR, Extend(WINDOW, "it-duty", at(9 * HOUR))).until(2 * HOUR)
    assert refusal(play) is not None


def test_its_own_channel_hears_of_it(play: Play) -> None:
    play.tell(10, Plan(window(60, HOUR, notify="desk"))).move(600, ECHO, "down").until(HOUR + 10)
    assert notices(play) == [
        "60 maintenance.begun desk",
        f"2700 maintenance.ending desk {ECHO}",
        f"3600 maintenance.ended desk {ECHO}",
    ]


def test_what_fails_in_the_last_minutes_is_said_too(play: Play) -> None:
    play.tell(10, Plan(window(60, HOUR))).move(3000, ECHO, "down").move(3100, DISK, "down", "over_limit").until(HOUR)
    assert notices(play) == [f"3000 maintenance.ending hook {ECHO}"]


@pytest.mark.parametrize(
    ("word", "kind", "why"),
    [
        (Plan(window(10, 15)), Kind.INVALID, "still to come"),
        (Plan(window(60, 50)), Kind.INVALID, "after the start"),
        (Plan(window(60, 600, "archiv")), Kind.INVALID, "did you mean 'archive'? there are: archive, viewer"),
        (Plan(window(60, 600, notify="desc")), Kind.INVALID, "there are: desk, hook"),
        (Extend("01JD", "it-duty", at(HOUR)), Kind.MISSING, "maintenance list"),
        (Finish("01JD", "it-duty"), Kind.MISSING, "maintenance list"),
    ],
)
def test_what_makes_no_sense_is_refused(play: Play, word: Plan | Extend | Finish, kind: Kind, why: str) -> None:
    play.tell(20, word).until(30)
    said = refusal(play)
    assert said is not None
    assert said.kind is kind
    assert why in said.why


def test_of_two_windows_the_one_that_ends_last_counts(play: Play) -> None:
    play.tell(10, Plan(window(60, HOUR)))
    other = window(1800, 2 * HOUR).changed(id="01JDWINDOW0000000000000001")
    play.tell(20, Plan(other)).move(600, ECHO, "down").until(2 * HOUR + 59)
    assert play.said() == []
    assert spans(play)[:2] == [(ECHO, 60, 1800), (ECHO, 1800, 2 * HOUR)]
    play.until(2 * HOUR + 60)
    assert play.said() == [f"7260 opened {OPENED}"]


FILE = """
maintenance:
  - {{name: patching, match: {{node: archive}}, rrule: "FREQ=DAILY", start: "{start}", duration: 1h, by: change 4712}}
"""


def test_those_of_the_configuration_hold_and_recur(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, NODES + FILE.format(start="2025-11-20 17:00"), REMIND)  # in UTC: T0 + 1 h
    play = Play(estate).move(4000, ECHO, "down").move(5000, ECHO, "up").move(90000, ECHO, "down")
    play.until(26 * HOUR + 59)
    assert play.said() == []
    play.until(26 * HOUR + 60)
    assert play.said() == [f"93660 opened {OPENED}"]
    assert [one for one in spans(play) if one[0] == ECHO] == [(ECHO, 3600, 7200), (ECHO, 90000, 93600)]


def test_they_can_be_ended_early_and_extended_and_do_not_begin_again(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, NODES + FILE.format(start="2025-11-24 17:00"), REMIND)
    play = Play(estate).until(4000)
    (identity,) = play.timeline.situation.windows
    play.tell(5000, Finish(identity, "it-duty")).until(7300)
    assert [one for one in spans(play) if one[0] == ECHO] == [(ECHO, 3600, 5000)]
    tomorrow = next(iter(play.timeline.rules.planned.between(at(25 * HOUR), at(25 * HOUR))))
    play.tell(8000, Extend(tomorrow.id, "it-duty", at(28 * HOUR))).until(30 * HOUR)
    assert [one for one in spans(play) if one[0] == ECHO][1:] == [(ECHO, 25 * HOUR, 28 * HOUR)]


def test_a_reload_begins_and_ends_them(tmp_path: Path) -> None:
    plain = an_estate(tmp_path, NODES, REMIND)
    planned = an_estate(tmp_path, NODES + FILE.format(start="2025-11-24 16:00"), REMIND)
    play = Play(plain).reload(600, planned).move(700, ECHO, "down").reload(1200, plain).until(HOUR)
    assert [one for one in spans(play) if one[0] == ECHO] == [(ECHO, 600, 1200)]
    assert play.said() == [f"1260 opened {OPENED}"]


def test_those_of_the_configuration_are_by_the_clocks_of_its_zone(tmp_path: Path) -> None:
    head = REMIND.replace("{name:", "{timezone: Europe/Berlin, name:")
    planned = Play(an_estate(tmp_path, NODES + FILE.format(start="2026-03-20 02:30"), head)).timeline.rules.planned
    zone = ZoneInfo("Europe/Berlin")
    for day, start in {28: "2026-03-28T02:30:00+01:00", 29: "2026-03-29T03:30:00+02:00"}.items():
        night = round(datetime(2026, 3, day, tzinfo=zone).timestamp()) * SECOND
        (found,) = planned.between(night, night + 12 * 3600 * SECOND)
        assert datetime.fromtimestamp(found.start / 1e6, zone).isoformat() == start


def test_it_goes_on_over_restarts(tmp_path: Path) -> None:
    play = Restarting(an_estate(tmp_path, NODES, REMIND), tmp_path)
    play.tell(10, Plan(window(60, 2 * HOUR, notify="desk"))).restart(30).restart(70).move(600, ECHO, "down")
    play.restart(700).restart(6400).restart(2 * HOUR + 10).until(2 * HOUR + 59)
    assert play.said() == []
    play.restart(2 * HOUR + 60.5).until(3 * HOUR)
    assert play.said() == [f"7260 opened {OPENED}"]
    assert notices(play) == [
        "60 maintenance.begun desk",
        f"6300 maintenance.ending desk {ECHO}",
        f"7200 maintenance.ended desk {ECHO}",
    ]
    assert spans(play) == [(ECHO, 60, 2 * HOUR), (DISK, 60, 2 * HOUR)]
    play.tables.close()
