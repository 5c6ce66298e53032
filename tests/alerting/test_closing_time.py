"""Outside of a channel's hours: what waits, what is sent at any hour, and the digest at the opening.

The estate's core hours are Monday to Friday, 06:00 to 20:00 in Berlin, with 45 minutes of grace.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.alerting.events import ClockSet, Measured
from pacs_monitor.model import SECOND, CheckId
from tests.alerting import tables as restarting
from tests.alerting.play import T0, Play, an_estate, at

BERLIN = ZoneInfo("Europe/Berlin")
HEAD = """
monitor: {name: east-campus, paging: on, timezone: Europe/Berlin}
channels: {hook: {type: webhook, url: "http://127.0.0.1:1/"}, desk: {type: webhook, url: "http://127.0.0.1:1/"}}
calendars:
  core: {hours: "Mon-Fri 06:00-20:00", except: [2025-11-27], opening_grace: 45m}
  weekend: {hours: "Sat-Sun 08:00-12:00"}
  nights: {not: core}
routes:
  - {match: {node: both}, channels: [hook], calendar: core, continue: true}
  - {match: {node: both}, channels: [hook], calendar: weekend}
  - {match: {severity: critical}, channels: [desk], continue: true}
  - {match: {severity: [critical, warning]}, channels: [hook], calendar: core, remind: 1h}
default_route: {channels: [hook]}
defaults: {page_after: 1m, interval: 60s}
"""
NODES = """nodes:
  a: {host: 10.0.0.1, checks: {ping: }}
  b: {host: 10.0.0.2, checks: {ping: }}
  c: {host: 10.0.0.3, checks: {ping: {severity: critical}}}
  both: {host: 10.0.0.4, checks: {ping: }}
  disk: {host: 10.0.0.5, checks: {tcp: {port: 1}, web: {probe: tcp, port: 2, severity: critical}}}
  own: {host: 10.0.0.6, checks: {ping: {severity: info, calendar: nights}}}
  ct: {host: 10.0.0.7, presence: intermittent, checks: {ping: }}
"""


def when(text: str) -> float:
    """`Mon 19:00` of that week as seconds after T0, which is Monday, 24 November 2025, 17:00."""
    day, clock = text.split()
    date = 24 + ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon+").index(day)
    there = datetime.fromisoformat(f"2025-{11 if date <= 30 else 12}-{(date - 1) % 30 + 1:02} {clock}")
    return there.replace(tzinfo=BERLIN).timestamp() - T0 / SECOND


def clock(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // SECOND, BERLIN):%a %H:%M}"


class Hospital(Play):
    """With local times."""

    def fails(self, text: str, check: str, reason: str = "tcp_refused", state: str = "down") -> Self:
        return self.move(when(text), check, state, reason)

    def recovers(self, text: str, check: str) -> Self:
        return self.move(when(text), check, "up")

    def till(self, text: str) -> Self:
        return self.until(when(text))

    def heard_by(self, channel: str = "hook") -> list[str]:
        """Everything that a channel is sent, with its local time."""
        told = [
            (one.at, f"{clock(one.at)} {one.event.removeprefix('incident.')} {one.incident.cause}", one.page)
            for one in self.heard
            if one.channel == channel
        ]
        told += [
            (
                one.at,
                f"{clock(one.at)} digest: over {[i.cause for i in one.over]}, open {[i.cause for i in one.going_on]}",
                1,
            )
            for one in self.digests
            if one.channel == channel
        ]
        return [text + (f" page {page}" if page > 1 else "") for _, text, page in sorted(told)]


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(an_estate(tmp_path, NODES, HEAD))


def test_what_opens_outside_waits_for_the_opening_and_its_grace(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "a/ping").till("Tue 12:00")
    assert hospital.heard_by()[:2] == [
        "Tue 06:00 digest: over [], open ['unreachable:a']",
        "Tue 06:45 opened unreachable:a",
    ]
    (row,) = [held for held in hospital.suppressed if held.event == "incident.opened" and held.ended]
    assert (row.why, row.detail, clock(row.at), clock(row.ended or 0)) == ("calendar", "core", "Mon 22:00", "Tue 06:45")


def test_what_opens_and_ends_outside_is_in_the_digest_alone(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "a/ping").fails("Mon 23:00", "b/ping")
    hospital.recovers("Mon 23:30", "b/ping").recovers("Tue 05:00", "a/ping").till("Tue 12:00")
    assert hospital.heard_by() == ["Tue 06:00 digest: over ['unreachable:a', 'unreachable:b'], open []"]


def test_nothing_to_say_is_not_said(hospital: Hospital) -> None:
    hospital.fails("Mon 18:00", "a/ping").recovers("Mon 19:00", "a/ping").till("Wed 12:00")
    assert hospital.heard_by() == ["Mon 18:00 opened unreachable:a", "Mon 19:00 resolved unreachable:a"]


def test_what_was_told_stays_open_without_reminders_and_its_end_comes_at_any_hour(hospital: Hospital) -> None:
    hospital.fails("Mon 18:00", "a/ping").fails("Mon 18:30", "b/ping")
    hospital.recovers("Tue 03:00", "b/ping").till("Tue 08:30")
    assert hospital.heard_by() == [
        "Mon 18:00 opened unreachable:a",
        "Mon 18:30 opened unreachable:b",
        "Mon 19:00 reminded unreachable:a",
        "Mon 19:30 reminded unreachable:b",
        "Tue 03:00 resolved unreachable:b",
        "Tue 06:00 digest: over [], open ['unreachable:a']",
        "Tue 07:00 reminded unreachable:a",
        "Tue 08:00 reminded unreachable:a",
    ]
    reminders = [held for held in hospital.suppressed if held.event == "incident.reminded"]
    assert len({(held.incident, held.at) for held in reminders}) == 2, "one row for the night, not one an hour"
    assert all(any(end.ended and end.at == held.at for end in reminders) for held in reminders)


def test_what_gets_worse_outside_pages_anew_after_the_opening(hospital: Hospital) -> None:
    hospital.fails("Mon 18:00", "disk/tcp").fails("Mon 22:00", "disk/web").till("Tue 06:50")
    assert hospital.heard_by() == [
        "Mon 18:00 opened unreachable:disk",
        "Mon 19:00 reminded unreachable:disk",
        "Tue 06:00 digest: over [], open ['unreachable:disk']",
        "Tue 06:45 changed unreachable:disk page 2",
    ]
    assert hospital.heard_by("desk") == ["Mon 22:00 opened unreachable:disk"]


def test_what_got_worse_and_better_again_outside_is_not_said(hospital: Hospital) -> None:
    hospital.fails("Mon 18:00", "disk/tcp").fails("Mon 22:00", "disk/web")
    hospital.recovers("Mon 23:00", "disk/web").till("Tue 06:50")
    assert not [line for line in hospital.heard_by() if "changed" in line]


def test_the_morning_s_reboots_page_nobody(hospital: Hospital) -> None:
    hospital.fails("Tue 06:10", "a/ping").recovers("Tue 06:30", "a/ping")
    hospital.fails("Tue 06:20", "b/ping").till("Wed 05:59")
    assert [line for line in hospital.heard_by() if "remind" not in line] == ["Tue 06:45 opened unreachable:b"]
    hospital.till("Wed 06:00")
    assert hospital.heard_by()[-1] == "Wed 06:00 digest: over ['unreachable:a'], open ['unreachable:b']"


def test_a_holiday_is_closed_and_the_digest_comes_after_it(hospital: Hospital) -> None:
    hospital.fails("Thu 10:00", "a/ping").till("Fri 06:45")
    assert hospital.heard_by() == [
        "Fri 06:00 digest: over [], open ['unreachable:a']",
        "Fri 06:45 opened unreachable:a",
    ]


def test_a_channel_without_a_calendar_is_paged_at_night(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "c/ping").till("Mon 22:10")
    assert (hospital.heard_by("desk"), hospital.heard_by("hook")) == (["Mon 22:00 opened unreachable:c"], [])


def test_a_channel_that_routes_name_twice_is_open_if_any_calendar_is(hospital: Hospital) -> None:
    hospital.fails("Sat 09:00", "both/ping").recovers("Sat 10:00", "both/ping")
    hospital.fails("Sat 13:00", "both/ping").till("Sun 09:00")
    assert hospital.heard_by() == [
        "Sat 09:00 opened unreachable:both",
        "Sat 10:00 resolved unreachable:both",
        "Sun 08:00 opened unreachable:both",
    ]


def test_the_calendar_of_a_check_counts_beside_that_of_its_route(hospital: Hospital) -> None:
    """Its route, the default one, has none."""
    hospital.fails("Tue 10:00", "own/ping").till("Tue 20:01")
    assert hospital.heard_by() == ["Tue 20:00 opened unreachable:own"]


def test_a_reload_that_takes_the_calendar_away_sends_what_waits(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "a/ping").till("Mon 23:00")
    routes = tuple(replace(route, calendar=None) for route in hospital.estate.routes)
    hospital.reload(when("Mon 23:30"), replace(hospital.estate, routes=routes))
    hospital.till("Tue 06:50")
    assert hospital.heard_by()[0] == "Mon 23:30 opened unreachable:a"
    assert not hospital.digests


def test_the_clock_that_is_set_moves_no_opening(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "a/ping").fails("Mon 22:00", "b/ping").recovers("Mon 22:30", "b/ping").till("Mon 23:00")
    for step in (1800, -3600):
        decided = hospital.timeline.clock_set(at(when("Mon 23:00")) + step * SECOND, ClockSet(step * SECOND))
        assert decided.failure is None
    hospital.till("Tue 07:00")
    assert [line.partition(":")[0] + line[6:9] for line in hospital.heard_by()] == ["Tue 06:00", "Tue 06:45"] or (
        hospital.heard_by()[0].startswith("Tue 06:00 digest") and hospital.heard_by()[1].startswith("Tue 06:45 opened")
    )


def test_a_digest_that_is_due_by_the_clock_as_it_is_set_counts_from_then(hospital: Hospital) -> None:
    hospital.fails("Mon 19:00", "a/ping").tell(when("Tue 05:55"), Measured(CheckId("b", "ping"))).till("Tue 05:55")
    decided = hospital.timeline.clock_set(at(when("Tue 06:05")), ClockSet(600 * SECOND))
    assert decided.effects.digests == []
    assert hospital.till("Tue 07:30").heard_by()[1:] == [
        "Tue 06:05 digest: over [], open ['unreachable:a']",
        "Tue 07:05 reminded unreachable:a",
    ]


class Restarting(Hospital, restarting.Restarting):
    """Another process goes on with it, from the tables."""


WEEK = [
    ("Mon 18:00", "a/ping", "down"),
    ("Mon 18:30", "disk/tcp", "down"),
    ("Mon 22:00", "b/ping", "down"),
    ("Mon 22:30", "disk/web", "down"),
    ("Mon 23:00", "c/ping", "down"),
    ("Mon 23:30", "c/ping", "up"),
    ("Tue 02:00", "b/ping", "up"),
    ("Tue 03:00", "both/ping", "down"),
    ("Tue 06:20", "both/ping", "up"),
    ("Tue 07:00", "a/ping", "up"),
]


@pytest.mark.parametrize(
    "cut", ["Mon 21:00", "Mon 22:15", "Mon 23:10", "Tue 02:30", "Tue 06:10", "Tue 06:30", "Tue 06:50"]
)
def test_a_restart_changes_nothing(cut: str, tmp_path: Path) -> None:
    estate = an_estate(tmp_path, NODES, HEAD)
    for play in (whole := Hospital(estate), restarted := Restarting(estate, tmp_path)):
        for moment, check, state in WEEK:
            play.move(when(moment), check, state, "" if state == "up" else "tcp_refused")
    restarted.restart(when(cut))
    assert restarted.till("Wed 07:00").heard_by() == whole.till("Wed 07:00").heard_by()
    assert restarted.heard_by("desk") == whole.heard_by("desk")
    assert len(whole.digests) == 2


def test_shadow_has_a_digest_of_its_own_that_is_not_sent(tmp_path: Path) -> None:
    hospital = Hospital(an_estate(tmp_path, NODES.replace("b: {", "b: {paging: shadow, "), HEAD))
    hospital.fails("Mon 22:00", "a/ping").fails("Mon 22:00", "b/ping").till("Tue 06:00")
    told = {one.status: [incident.cause for incident in one.going_on] for one in hospital.digests}
    assert told == {"pending": ["unreachable:a"], "shadow": ["unreachable:b"]}


def test_a_fresh_result_that_is_awaited_does_not_bring_the_page_forward(hospital: Hospital) -> None:
    hospital.fails("Mon 22:00", "a/ping").tell(when("Mon 22:10"), Measured(CheckId("a", "ping")))
    hospital.till("Tue 05:59")
    assert hospital.heard_by() == []


def test_what_no_route_leads_to_any_more_waits_for_the_opening_once(hospital: Hospital) -> None:
    """One that was switched off is in no trouble: that it is, the channel hears in the morning."""
    hospital.fails("Mon 19:00", "ct/ping", "out_of_resources").fails("Mon 20:10", "ct/ping", "tcp_timeout", "absent")
    hospital.tell(when("Mon 23:00"), ClockSet(0)).till("Tue 05:00")
    (row,) = [row for row in hospital.suppressed if row.event == "incident.changed"]
    assert (row.why, clock(row.at), row.ended) == ("calendar", "Mon 20:10", None)
    assert hospital.till("Tue 07:00").heard_by()[-1] == "Tue 06:45 changed full:ct"
