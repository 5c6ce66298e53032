"""The handover: what stands where, and that nothing which is unknown is told as fine."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.delivery import ChannelTrouble
from pacs_monitor.delivery.health import ChannelHealth
from pacs_monitor.handover import text
from pacs_monitor.handover.build import PROVEN_FOR, SHIFT, Facts, build
from pacs_monitor.handover.form import as_json
from pacs_monitor.handover.messages import message
from pacs_monitor.handover.parts import Expiring, OnDuty, Paused, Planned
from pacs_monitor.model import (
    SECOND,
    Acknowledgement,
    DeliveryStatus,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Paging,
    PublicNote,
    Severity,
    State,
)

NOW = 1_764_050_400 * SECOND
"""2025-11-25T06:00:00Z, 07:00 in Berlin."""
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
BERLIN = ZoneInfo("Europe/Berlin")
WORKS = ChannelHealth(None, 0, None, (), NOW - HOUR)


def an_incident(name: str, since: Micros, **more: Any) -> Incident:
    known: dict[str, Any] = {"kind": IncidentKind.NODE, "severity": Severity.CRITICAL, "state": State.DOWN}
    return Incident(
        id=name,
        cause=name,
        reason=None,
        phase=None,
        detail="",
        last_good=None,
        since=since,
        noticed=since,
        **(known | more),
    )


def acknowledged(until: Micros, by: str = "anna", ticket: str = "") -> Acknowledgement:
    return Acknowledgement(by, "vendor called", NOW - HOUR, until, Severity.CRITICAL, ticket)


def lines(**facts: Any) -> list[str]:
    known: dict[str, Any] = {"channels": {"hook": WORKS}}
    return text.lines(build(Facts("east", NOW, **({"paging": Paging.ON} | known | facts))), BERLIN)


def test_with_nothing_to_hand_over_it_says_so_once() -> None:
    assert lines() == ["Handover of east, Tue 2025-11-25 07:00:00 CET", "", "Nothing is open."]


def test_what_nobody_has_acknowledged_stands_first_then_what_is_handled_each_the_oldest_first() -> None:
    incidents = (
        an_incident("ct", NOW - HOUR),
        an_incident("ris", NOW - 4 * HOUR, acknowledgement=acknowledged(NOW + 30 * HOUR, ticket="4711")),
        an_incident("archive", NOW - 2 * HOUR),
        an_incident("wl", NOW - 5 * HOUR, acknowledgement=acknowledged(NOW + HOUR, by="ben")),
    )
    assert lines(incidents=incidents, next_step=lambda _incident: "look at the disk")[2:] == [
        "DO FIRST: 2 incidents nobody has acknowledged, the oldest first",
        "  critical: archive",
        "    → look at the disk",
        "    I have it: pacs-monitor ack archive",
        "  critical: ct",
        "    → look at the disk",
        "    I have it: pacs-monitor ack ct",
        "",
        "BEING HANDLED: 2 incidents",
        "  critical: wl",
        "    handled by ben until 08:00:00 CET: vendor called (incident wl)",
        "  critical: ris",
        "    handled by anna until Wed 2025-11-26 13:00:00 CET, ticket 4711: vendor called (incident ris)",
        "",
        "ENDS SOON, OR HAS ENDED",
        "  the acknowledgement by ben ends 08:00:00 CET, then reminders and escalation begin again: wl",
    ]


def test_an_update_that_users_wait_for_is_told_apart() -> None:
    late = PublicNote("use the viewer", NOW - 2 * HOUR, NOW - HOUR)
    later = PublicNote("images are late", NOW - HOUR, NOW + HOUR)
    incidents = (
        an_incident("ct", NOW - 3 * HOUR, public_note=late),
        an_incident("mr", NOW - HOUR, public_note=later, acknowledgement=acknowledged(NOW + 20 * HOUR)),
    )
    handover = build(Facts("east", NOW, Paging.ON, incidents=incidents))
    assert [one.id for one in handover.overdue] == ["ct"]
    said = text.lines(handover, BERLIN)
    at = said.index("UPDATES TO USERS ARE OVERDUE: write them, or say when the next one comes")
    assert said[at + 1 : at + 3] == [
        "  promised for 06:00:00 CET, last told at 05:00:00 CET: use the viewer",
        '    pacs-monitor note ct --public --next-update TIME "…"',
    ]
    assert "    users were told: images are late (next update 08:00:00 CET)" in said
    assert "1 update to users overdue" in text.summary(handover, BERLIN)


def test_channels_that_do_not_deliver_and_what_was_not_sent_are_told() -> None:
    lost = Notification(
        "n", "sms", Event.OPENED, NOW - HOUR, {"summary": "archive is down"}, status=DeliveryStatus.GIVEN_UP
    )
    channels = {
        "hook": ChannelHealth(ChannelTrouble(NOW - HOUR, "http_500"), 3, NOW - HOUR, (), NOW - 2 * HOUR),
        "slow": ChannelHealth(None, 1, NOW - 2 * MINUTE, (), NOW - HOUR),
        "busy": ChannelHealth(None, 1, NOW - SECOND, (), NOW - HOUR),
        "sms": WORKS,
    }
    said = lines(channels=channels, lost=(lost,))
    assert said[3:] == [
        "",
        "PAGES THAT DO NOT ARRIVE: the log of the monitor has the receiver's answer",
        "  hook has delivered nothing since 06:00:00 CET (http_500); 3 notifications wait",
        "  slow: 1 notification waits since 06:58:00 CET",
        "  sms has not sent, and will not: archive is down",
    ]


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (None, ["  hook: has never delivered anything"]),
        (NOW - PROVEN_FOR - 1, ["  hook: delivered last Mon 2025-11-17 06:59:59 CET"]),
        (NOW - PROVEN_FOR, []),
    ],
)
def test_a_channel_that_has_not_delivered_lately_is_told(last: Micros | None, says: list[str]) -> None:
    said = lines(channels={"hook": ChannelHealth(None, 0, None, (), last)})
    assert [line for line in said if line.startswith("  hook")] == says


def test_ended_is_told_since_the_last_handover_and_what_is_not_known_is_not_told_as_nothing() -> None:
    ended = (
        an_incident("old", NOW - 20 * HOUR, ended=NOW - SHIFT - 1, ending=Ending.RESOLVED),
        an_incident("new", NOW - 5 * HOUR, ended=NOW - HOUR, ending=Ending.RESOLVED),
        an_incident("merged", NOW - 5 * HOUR, ended=NOW - HOUR, ending=Ending.MERGED),
    )
    assert lines(ended=ended)[4:] == [
        "ENDED since Mon 2025-11-24 19:00:00 CET",
        "  06:00:00 CET critical: new (incident new)",
    ]
    since_monday = lines(ended=ended, last_handover=NOW - 24 * HOUR)
    assert since_monday[4] == "ENDED since Mon 2025-11-24 07:00:00 CET"
    assert len(since_monday) == 7
    assert lines(ended=None)[4:] == [
        "ENDED since Mon 2025-11-24 19:00:00 CET",
        "  not known: the history cannot be read now",
    ]


def test_what_is_planned_paused_and_approved_has_its_place() -> None:
    said = lines(
        maintenance=(Planned("patching", NOW + HOUR, NOW + 2 * HOUR, "node archive", "change 4712"),),
        pauses=(Paused("ct2/ping", "anna", NOW + HOUR, "detector"),),
        approvals=(Expiring(NOW + 48 * HOUR, "approval", "ct/store", "PACS team"),),
    )
    assert [line for line in said if line.startswith("  ")] == [
        "  the approval by PACS team ends Thu 2025-11-27 07:00:00 CET, then the check writes nothing: ct/store",
        "  08:00:00 CET to 09:00:00 CET patching: node archive (by change 4712)",
        "  ct2/ping by anna until 08:00:00 CET: detector",
    ]


def test_shadow_mode_is_said_at_the_top() -> None:
    assert lines(paging=Paging.SHADOW)[1] == "paging is in shadow mode: pages are recorded, nobody receives them"


def test_the_json_has_every_part_with_its_times_in_utc_and_the_text() -> None:
    note = PublicNote("use the viewer", NOW - 2 * HOUR, NOW - HOUR)
    one = an_incident("ct", NOW - HOUR, acknowledgement=acknowledged(NOW + HOUR), public_note=note)
    said = as_json(build(Facts("east", NOW, Paging.ON, incidents=(one,), channels={"hook": WORKS})), BERLIN)
    (row,) = said["acknowledged"]
    assert row["acknowledged"]["until"] == "2025-11-25T07:00:00.000000Z"
    assert row["public_note"]["overdue"] is True
    assert said["overdue_updates"] == ["ct"]
    assert said["expiring"][0]["at"] == "2025-11-25T07:00:00.000000Z"
    assert (said["time"], said["open"], said["channels_not_proven"]) == ("2025-11-25T06:00:00.000000Z", [], [])
    assert said["summary"].startswith("Handover of east at 07:00:00 CET: 1 incident being handled. 1 update")
    assert said["text"].splitlines()[0] == "Handover of east, Tue 2025-11-25 07:00:00 CET"


def test_the_summary_of_many_names_some() -> None:
    incidents = tuple(an_incident(f"n{i}", NOW - HOUR + i) for i in range(7))
    said = text.summary(build(Facts("east", NOW, Paging.ON, incidents=incidents)), BERLIN)
    assert "7 incidents not acknowledged: n0; n1; n2; n3; n4; and 2 more" in said


def test_a_channel_that_discloses_little_is_told_how_much_there_is_and_no_names() -> None:
    note = PublicNote("call Anna", NOW - 2 * HOUR, NOW - HOUR)
    one = an_incident("ct", NOW - HOUR, acknowledgement=acknowledged(NOW + HOUR), public_note=note)
    handover = build(Facts("east", NOW, Paging.ON, incidents=(one,), channels={"hook": WORKS}))
    monitor = MonitorSettings(name="east", timezone="Europe/Berlin")
    sent = message("01JD", "hook", handover, monitor)
    assert disclosed(sent, "full")["handover"]["acknowledged"][0]["id"] == "ct"
    said = disclosed(sent, "minimal")
    assert said["summary"] == (
        "Handover of east: 0 incidents not acknowledged, 1 being handled, 1 updates to users overdue, 0 channels with "
        "undelivered pages; the rest: pacs-monitor handover"
    )
    assert "anna" not in str(said).lower()


def test_it_says_who_is_on_call_and_who_comes_next_and_that_nobody_is() -> None:
    rows = (
        OnDuty("it", ("anna",), ("anna.sms",), covered=True, until=NOW + HOUR, following=("ben",)),
        OnDuty("net", (), ("desk",), covered=True, until=NOW + HOUR, following=(), gaps="from Wed 07:00 to 09:00"),
        OnDuty("ris", (), ("desk",), covered=False, until=None, following=()),
    )
    assert lines(on_call=rows)[-5:] == [
        "ON CALL",
        "  it: anna until 08:00:00 CET, then ben",
        "  net: NOBODY, pages go to desk until 08:00:00 CET, then nobody of the rota",
        "    nobody from Wed 07:00 to 09:00: add a shift or an override to the rota",
        "  ris: not covered, pages go to desk",
    ]
    handover = build(Facts("east", NOW, Paging.ON, on_call=rows))
    assert "nobody is on call by the rota net." in text.summary(handover, BERLIN)
    assert as_json(handover, BERLIN)["on_call"][0]["until"] == "2025-11-25T07:00:00.000000Z"
