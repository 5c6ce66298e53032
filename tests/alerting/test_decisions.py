"""Who is owed what, and why not: tables."""

from dataclasses import replace

import pytest

from pacs_monitor.alerting.events import KnownAgain, UnknownSince
from pacs_monitor.alerting.observer import Moment, unknown_and_known
from pacs_monitor.model import (
    Ending,
    Incident,
    IncidentKind,
    Micros,
    Paging,
    Reason,
    Severity,
    Standing,
    State,
)
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, Spot, Talk, a_check, an_estate, at, moved, route

DOWN, UP, DEGRADED, ABSENT, UNKNOWN = State.DOWN, State.UP, State.DEGRADED, State.ABSENT, State.UNKNOWN


def incident(talk: Talk) -> Incident:
    (subject,) = talk.subjects
    return subject.incident


def test_a_page_is_opened_when_page_after_is_over_and_resolved_where_it_was_opened() -> None:
    talk = Talk()
    assert talk.ask(20, moved(DOWN, 20, since=0)) == at(60)
    talk.ask(59)
    assert talk.said == []
    assert talk.ask(60) is None
    talk.ask(61)
    talk.ask(300, moved(UP, 300, before=DOWN, since=290))
    assert talk.said == [(60, "opened", "hook", "pending"), (300, "resolved", "hook", "pending")]
    assert talk.subjects == []
    *_, ended = talk.incidents()
    assert (ended.ending, ended.ended, ended.state) == (Ending.RESOLVED, at(290), UP)
    assert (ended.last_good, ended.since, ended.noticed) == (at(-60), at(0), at(20))
    assert ended.members == (ARCHIVE,)


def test_nobody_is_paged_before_patience_is_spent_even_when_page_after_is_over() -> None:
    talk = Talk()
    talk.ask(100, moved(DOWN, 100, since=0))
    assert talk.said == [(100, "opened", "hook", "pending")]


def test_a_recovery_before_that_sends_nothing_and_says_why() -> None:
    talk = Talk()
    talk.ask(20, moved(DOWN, 20, since=0))
    talk.ask(50, moved(UP, 50, before=DOWN))
    assert talk.said == []
    assert talk.suppressed == [("opened", "page_after", None)]


def test_a_page_that_was_due_before_the_recovery_was_noticed_goes_out_however_late_one_asks() -> None:
    talk = Talk()
    talk.ask(500, moved(DOWN, 20, since=0), moved(UP, 70, before=DOWN))
    assert talk.heard() == [("opened", "hook"), ("resolved", "hook")]
    assert [owed.incident.state for effects in talk.effects for owed in effects.owed] == [DOWN, UP]


def test_page_after_zero_pages_at_once() -> None:
    talk = Talk()
    talk.ask(20, moved(DOWN, 20, RIS))
    assert talk.heard() == [("opened", "hook")]


@pytest.mark.parametrize("after", [UP, ABSENT, UNKNOWN])
def test_only_trouble_opens_an_incident(after: State) -> None:
    talk = Talk()
    talk.ask(20, moved(after, 20, before=UNKNOWN))
    assert talk.subjects == []


@pytest.mark.parametrize("through", [ABSENT, UNKNOWN])
def test_unknown_and_absent_are_told_but_end_nothing(through: State) -> None:
    talk = Talk()
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.ask(100, moved(through, 100, before=DOWN))
    assert incident(talk).severity is Severity.CRITICAL
    talk.ask(150, moved(UP, 150, before=through))
    assert talk.heard() == [("opened", "hook"), ("changed", "hook"), ("resolved", "hook")]


def test_a_page_waits_while_its_node_is_absent_but_not_while_it_cannot_be_seen() -> None:
    for through, heard in ((ABSENT, []), (UNKNOWN, [("opened", "hook")])):
        talk = Talk()
        talk.ask(20, moved(DOWN, 20, since=0))
        talk.ask(30, moved(through, 30, before=DOWN))
        talk.ask(200)
        assert talk.heard() == heard
        talk.ask(300, moved(DOWN, 300, before=through))
        talk.ask(300)
        assert talk.heard()[0] == ("opened", "hook")


def test_another_cause_of_unknown_is_noted_but_not_told() -> None:
    talk = Talk()
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.ask(100, moved(UNKNOWN, 100, before=DOWN))
    talk.ask(120, moved(UNKNOWN, 120, before=UNKNOWN, reason=Reason.AUTH))
    assert incident(talk).reason is Reason.AUTH
    assert talk.heard() == [("opened", "hook"), ("changed", "hook")]


def test_degraded_is_at_most_a_warning_and_down_again_raises_it() -> None:
    talk = Talk(an_estate(routes=(route("oncall", severity="critical"),)))
    talk.ask(60, moved(DEGRADED, 20, since=0))
    assert incident(talk).severity is Severity.WARNING
    talk.ask(100, moved(DOWN, 100, before=DEGRADED))
    assert incident(talk).severity is Severity.CRITICAL
    talk.ask(200, moved(DEGRADED, 200, before=DOWN))
    assert incident(talk).severity is Severity.WARNING
    talk.ask(300, moved(UP, 300, before=DEGRADED))
    assert talk.heard() == [
        ("opened", "hook"),
        ("opened", "oncall"),
        ("changed", "hook"),
        ("changed", "hook"),
        ("changed", "oncall"),
        ("resolved", "hook"),
        ("resolved", "oncall"),
    ]


def test_severity_info_stays_info() -> None:
    talk = Talk()
    talk.ask(20, moved(DEGRADED, 20, RIS))
    assert incident(talk).severity is Severity.INFO


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ((), ["hook"]),
        ((route("oncall", role="archive"), route("hook")), ["oncall"]),
        ((route("oncall", role="archive", continue_=True), route("hook", site="e*")), ["hook", "oncall"]),
        ((route("oncall", role="archive", continue_=True), route("hook", role="ris")), ["oncall"]),
        ((route("oncall", role="ris"),), ["hook"]),
        ((route("oncall", severity="warning"),), ["hook"]),
        ((route("oncall", vendor="acme"),), ["oncall"]),
        ((route(),), []),
    ],
)
def test_the_first_route_that_matches_wins_unless_it_continues(routes: tuple[object, ...], told: list[str]) -> None:
    talk = Talk(an_estate(routes=routes))  # type: ignore[arg-type]  # parametrize loses the type
    talk.ask(60, moved(DOWN, 20, since=0))
    assert sorted(channel for _, channel in talk.heard()) == told
    assert talk.suppressed == ([] if told else [("opened", "no_channel", None)])


def test_reminders_come_as_often_as_the_route_says_while_it_lasts() -> None:
    talk = Talk(an_estate(default=route("hook", remind=600)))
    talk.ask(60, moved(DOWN, 20, since=0))
    assert talk.timeline.wake_at == at(660)
    talk.ask(659)
    assert talk.ask(660) == at(1260)
    talk.ask(5000)
    talk.ask(5100, moved(ABSENT, 5100, before=DOWN))
    talk.ask(9000)
    assert [(now, event) for now, event, _, _ in talk.said] == [
        (60, "opened"),
        (660, "reminded"),
        (5000, "reminded"),
        (5100, "changed"),
    ]


def test_a_change_counts_as_a_reminder() -> None:
    talk = Talk(an_estate(default=route("hook", remind=600)))
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.ask(500, moved(DEGRADED, 500, before=DOWN))
    talk.ask(1099)
    assert talk.heard() == [("opened", "hook"), ("changed", "hook")]
    talk.ask(1100)
    assert talk.heard()[-1] == ("reminded", "hook")


def test_shadow_records_everything_and_sends_nothing() -> None:
    checks = [replace(CHECKS[ARCHIVE], paging=Paging.SHADOW)]
    talk = Talk(an_estate(checks, default=route("hook", remind=600)))
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.ask(100, moved(DEGRADED, 100, before=DOWN))
    talk.ask(700)
    talk.ask(800, moved(UP, 800, before=DEGRADED))
    assert [event for _, event, _, _ in talk.said] == ["opened", "changed", "reminded", "resolved"]
    assert {status for *_, status in talk.said} == {"shadow"}


def test_paging_off_is_withheld_once_and_recovers_silently() -> None:
    talk = Talk(an_estate([replace(CHECKS[ARCHIVE], paging=Paging.OFF)]))
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.ask(70)
    talk.ask(800, moved(UP, 800, before=DOWN))
    assert talk.said == []
    assert talk.suppressed == [("opened", "paging", "hook")]


def test_paging_that_is_switched_on_in_mid_incident_opens_it_for_real() -> None:
    for mode in (Paging.SHADOW, Paging.OFF):
        talk = Talk(an_estate([replace(CHECKS[ARCHIVE], paging=mode)]))
        talk.ask(60, moved(DOWN, 20, since=0))
        talk.reload(an_estate())
        talk.ask(70)
        talk.ask(80, moved(UP, 80, before=DOWN))
        assert talk.heard() == [("opened", "hook"), ("resolved", "hook")]


def test_paging_that_is_switched_off_in_mid_incident_silences_all_but_the_end() -> None:
    for mode in (Paging.SHADOW, Paging.OFF):
        talk = Talk(an_estate(default=route("hook", remind=600)))
        talk.ask(60, moved(DOWN, 20, since=0))
        talk.reload(an_estate([replace(CHECKS[ARCHIVE], paging=mode)], default=route("hook", remind=600)))
        talk.ask(100, moved(DEGRADED, 100, before=DOWN))
        talk.ask(2000, moved(UP, 2000, before=DEGRADED))
        assert talk.heard() == [("opened", "hook"), ("resolved", "hook")]
        assert talk.suppressed == [("changed", "paging", "hook")]


def test_what_gets_worse_while_paging_is_off_or_in_shadow_mode_pages_once_it_is_on_again() -> None:
    for mode in (Paging.SHADOW, Paging.OFF):
        talk = Talk(an_estate(default=route("hook", remind=600)))
        talk.ask(60, moved(DEGRADED, 20, since=0))
        talk.ask(400)
        talk.reload(an_estate([replace(CHECKS[ARCHIVE], paging=mode)], default=route("hook", remind=600)))
        talk.ask(500, moved(DOWN, 500, before=DEGRADED))
        talk.ask(600)
        assert talk.heard() == [("opened", "hook")]
        talk.reload(an_estate(default=route("hook", remind=600)))
        talk.ask(700)
        assert talk.heard() == [("opened", "hook"), ("changed", "hook")]
        assert {status for *_, status in talk.said} == {"pending"}


def test_the_end_goes_where_the_opened_went_whatever_the_routes_say_by_then() -> None:
    talk = Talk()
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.reload(an_estate(default=route("oncall")))
    talk.ask(70)
    talk.ask(80, moved(UP, 80, before=DOWN))
    assert talk.heard() == [("opened", "hook"), ("opened", "oncall"), ("resolved", "hook"), ("resolved", "oncall")]


def test_a_channel_that_was_removed_hears_nothing_more_and_the_record_says_so() -> None:
    talk = Talk()
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.reload(an_estate(default=route("oncall"), channels=["oncall"]))
    talk.ask(80, moved(UP, 80, before=DOWN))
    assert talk.heard() == [("opened", "hook"), ("opened", "oncall"), ("resolved", "oncall")]
    assert talk.suppressed == [("resolved", "channel_removed", "hook")]


def test_nothing_follows_an_opened_that_was_refused_for_good() -> None:
    talk = Talk(an_estate(default=route("hook", remind=600)))
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.lose("hook")
    talk.ask(700, moved(DEGRADED, 100, before=DOWN))
    talk.ask(800, moved(UP, 800, before=DEGRADED))
    assert talk.said == [(60, "opened", "hook", "pending"), (800, "resolved", "hook", "dropped")]


def test_a_check_that_leaves_the_estate_is_withdrawn_wherever_it_was_opened() -> None:
    talk = Talk(an_estate(routes=(route("oncall", severity="critical"),)))
    talk.ask(60, moved(DOWN, 20, since=0))
    talk.reload(an_estate([CHECKS[DISK], CHECKS[RIS]]))
    talk.ask(70, moved(UP, 65, before=DOWN))
    assert talk.heard() == [("opened", "oncall"), ("withdrawn", "oncall")]
    *_, ended = talk.incidents()
    assert (ended.ending, ended.ended) == (Ending.WITHDRAWN, at(60))


def test_the_next_trouble_after_the_end_opens_another_incident() -> None:
    talk = Talk()
    talk.ask(60, moved(DOWN, 20, since=0))
    first = incident(talk)
    talk.ask(200, moved(UP, 80, before=DOWN), moved(DOWN, 90))
    assert incident(talk).id != first.id
    assert talk.heard() == [("opened", "hook"), ("resolved", "hook"), ("opened", "hook")]


def dark(since: float, reason: Reason = Reason.AUTH) -> tuple[Micros, Reason]:
    return at(since), reason


def test_lasting_unknown_is_told_once_per_cause_and_others_join() -> None:
    talk = Talk()
    assert talk.ask(0, unknown={ARCHIVE: dark(0), DISK: dark(100)}) == at(900)
    talk.ask(899, unknown={ARCHIVE: dark(0), DISK: dark(100)})
    assert talk.said == []
    assert talk.ask(900, unknown={ARCHIVE: dark(0), DISK: dark(100)}) == at(1000)
    opened = incident(talk)
    assert (opened.kind, opened.cause, opened.severity) == (IncidentKind.BLIND, "auth", Severity.WARNING)
    assert (opened.state, opened.reason, opened.since) == (UNKNOWN, Reason.AUTH, at(0))
    assert talk.ask(1000, unknown={ARCHIVE: dark(0), DISK: dark(100)}) == at(1060)
    assert incident(talk).members == (ARCHIVE, DISK)
    talk.ask(1059, unknown={DISK: dark(100)})
    assert talk.heard() == [("opened", "hook")]
    for now in (1060, 1100):
        talk.ask(now, unknown={DISK: dark(100)})
        assert talk.heard() == [("opened", "hook"), ("changed", "hook")]
    talk.ask(1200)
    assert talk.subjects == []
    assert talk.heard()[2:] == [("resolved", "hook")]


def test_checks_that_join_a_blindness_one_by_one_are_told_at_once_to_whoever_has_not_heard_of_them() -> None:
    talk = Talk(an_estate(routes=(route("oncall", role="ris", severity="warning"),)))
    for now in range(900, 1100, 10):
        talk.ask(now, unknown={ARCHIVE: dark(0), DISK: dark(50), RIS: dark(100)})
    assert [(now, event, channel) for now, event, channel, _ in talk.said] == [
        (900, "opened", "hook"),
        (1000, "opened", "oncall"),
        (1010, "changed", "hook"),
    ]


def test_two_causes_are_two_incidents_and_neither_a_pause_nor_a_first_report_to_come_is_one() -> None:
    talk = Talk()
    talk.ask(899, unknown={RIS: dark(-900, Reason.AWAITED)})
    assert talk.subjects == []
    talk.ask(900, unknown={ARCHIVE: dark(0), DISK: dark(0, Reason.DNS), RIS: dark(0, Reason.PAUSED)})
    assert sorted(subject.incident.cause for subject in talk.subjects) == ["auth", "dns"]
    talk.ask(901, unknown={ARCHIVE: dark(0, Reason.DNS), DISK: dark(0, Reason.DNS)})
    assert [subject.incident.members for subject in talk.subjects] == [(DISK, ARCHIVE)]
    assert talk.heard() == [("opened", "hook"), ("opened", "hook"), ("resolved", "hook")]


def test_a_pause_neither_ends_a_blindness_nor_makes_it_longer() -> None:
    talk = Talk()
    talk.ask(900, unknown={ARCHIVE: dark(0)})
    talk.ask(1000, unknown={ARCHIVE: dark(0, Reason.PAUSED)})
    assert [subject.incident.cause for subject in talk.subjects] == ["auth"]
    talk.happen(2000, KnownAgain(ARCHIVE, untried=True))
    assert talk.heard() == [("opened", "hook")]
    talk.happen(2001, KnownAgain(ARCHIVE))
    assert talk.heard() == [("opened", "hook"), ("resolved", "hook")]

    talk = Talk()
    talk.ask(900, unknown={ARCHIVE: dark(0)})
    talk.ask(1000, unknown={ARCHIVE: dark(0, Reason.PAUSED)})
    talk.ask(2000, unknown={ARCHIVE: dark(2000, Reason.DNS)})
    assert talk.heard() == [("opened", "hook"), ("resolved", "hook")]


def test_a_check_is_blind_since_the_end_of_its_pause_alone() -> None:
    seen = Spot(Standing(UNKNOWN, at(5000), Reason.AUTH))
    spell = UnknownSince(ARCHIVE, at(0), Reason.PAUSED)
    situation = replace(Talk().situation, unknown=Talk().situation.unknown.set(ARCHIVE, spell))
    (event,) = unknown_and_known({ARCHIVE: seen}, situation, Moment(at(6000), 0.0, at(0)))
    assert event == UnknownSince(ARCHIVE, at(5000), Reason.AUTH)


def test_blindness_is_told_to_everyone_whose_check_it_is_and_matches_as_a_warning() -> None:
    talk = Talk(an_estate(routes=(route("oncall", role="ris", severity="warning"),)))
    talk.ask(900, unknown={ARCHIVE: dark(0)})
    talk.ask(950, unknown={ARCHIVE: dark(0), RIS: dark(50)})
    assert talk.heard() == [("opened", "hook"), ("opened", "oncall")]


def test_blindness_is_reminded_of_and_withdrawn_with_its_last_check() -> None:
    talk = Talk(an_estate(default=route("hook", remind=600)))
    talk.ask(900, unknown={ARCHIVE: dark(0)})
    talk.ask(1500, unknown={ARCHIVE: dark(0)})
    talk.reload(an_estate([CHECKS[RIS]]))
    talk.ask(1600, unknown={ARCHIVE: dark(0)})
    assert talk.heard() == [("opened", "hook"), ("reminded", "hook"), ("withdrawn", "hook")]


def test_blindness_in_the_shadow_is_told_for_real_as_soon_as_one_check_pages() -> None:
    talk = Talk(an_estate([a_check(ARCHIVE, paging=Paging.SHADOW), a_check(DISK)]))
    talk.ask(900, unknown={ARCHIVE: dark(0)})
    talk.ask(1000, unknown={ARCHIVE: dark(0), DISK: dark(0)})
    assert [(event, status) for _, event, _, status in talk.said] == [("opened", "shadow"), ("opened", "pending")]


def test_a_channel_that_gives_up_is_told_through_the_others_until_it_delivers_again() -> None:
    talk = Talk()
    talk.ask(0, failing=["hook"])
    assert (incident(talk).kind, incident(talk).cause, incident(talk).members) == (IncidentKind.DELIVERY, "hook", ())
    talk.ask(10, failing=["hook"])
    talk.ask(20)
    assert talk.heard() == [("opened", "oncall"), ("resolved", "oncall")]


def test_a_channel_that_gave_up_and_is_removed_is_withdrawn() -> None:
    talk = Talk()
    talk.ask(0, failing=["hook"])
    talk.reload(an_estate(channels=["oncall"]))
    talk.ask(10, failing=["hook"])
    assert talk.heard() == [("opened", "oncall"), ("withdrawn", "oncall")]


def test_a_channel_without_others_is_at_least_on_record() -> None:
    talk = Talk(an_estate(channels=["hook"]))
    talk.ask(0, failing=["hook"])
    assert talk.suppressed == [("opened", "no_channel", None)]
    assert incident(talk).kind is IncidentKind.DELIVERY
