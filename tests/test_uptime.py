"""The account of time: exact sums, honest bounds, causes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, zip_longest
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.intervals import ALL_TIME, FOREVER, Interval
from pacs_monitor.model import CheckId, Reason, State, Transition
from pacs_monitor.proof import NOT_DOWN, Identity, effective, proofs
from pacs_monitor.uptime import Cause, Class, Coverage, Timeline, account, covered

CHECK = CheckId("archive", "dicom_echo")
DAY = Interval(0, 1000)
ALWAYS = (Interval(-100, FOREVER),)
RUNNING = (Coverage(-100, 2000),)

instants = st.integers(-50, 1100)
reasons = st.sampled_from(
    [None, Reason.TCP_REFUSED, Reason.TCP_TIMEOUT, Reason.ISOLATED, Reason.DNS, Reason.NOT_MEASURED, Reason.PAUSED]
)
spans = st.builds(lambda a, b: Interval(min(a, b), max(a, b)), instants, instants)
plain = spans.map(lambda span: Coverage(*span))
stepped = st.builds(
    lambda span, cause: Coverage(span.start, span.end, cause), spans, st.sampled_from([Cause.CLOCK, Cause.PAUSED])
)


@st.composite
def transitions(draw: st.DrawFn) -> Transition:
    since, noticed = draw(instants), draw(instants)
    last_before = draw(st.none() | instants)
    return Transition(
        CHECK, draw(st.sampled_from(State)), draw(st.sampled_from(State)), last_before, since, noticed, draw(reasons)
    )


timelines = st.builds(
    Timeline,
    st.lists(transitions(), max_size=8),
    st.lists(spans, max_size=3),
    st.lists(plain | stepped, max_size=5),
    st.lists(spans, max_size=2),
    st.lists(spans, max_size=2),
    st.just((ALL_TIME,)) | st.lists(spans, max_size=3),
)


def went(*changes: tuple[int | None, int, State, Reason | None]) -> tuple[Transition, ...]:
    """A ledger from (last_before, since, after, reason)."""
    ledger, before = [], State.UNKNOWN
    for last_before, since, after, reason in changes:
        ledger.append(Transition(CHECK, before, after, last_before, since, since + 2, reason))
        before = after
    return tuple(ledger)


UP_DOWN_UP = went((None, 0, State.UP, None), (290, 300, State.DOWN, Reason.TCP_REFUSED), (490, 500, State.UP, None))


@given(timelines, spans, instants)
def test_the_classes_sum_to_the_period_up_to_now_exactly(timeline: Timeline, period: Interval, now: int) -> None:
    result = account(timeline, period, now)
    assert sum(result.classes.values()) == max(0, min(period.end, now) - period.start)
    assert sum(result.causes.values()) == result.classes[Class.UNKNOWN]


@given(timelines, spans, instants, instants)
def test_the_parts_of_a_period_sum_to_the_period(timeline: Timeline, period: Interval, cut: int, now: int) -> None:
    cut = min(max(cut, period.start), period.end)
    parts = [account(timeline, part, now) for part in (Interval(period.start, cut), Interval(cut, period.end))]
    whole = account(timeline, period, now)
    assert {kind: sum(p.classes[kind] for p in parts) for kind in Class} == whole.classes
    assert {cause: sum(p.causes[cause] for p in parts) for cause in Cause} == whole.causes


@given(timelines, plain)
def test_more_coverage_never_makes_more_unknown(timeline: Timeline, more: Coverage) -> None:
    wider = replace(timeline, coverage=[*timeline.coverage, more])
    before, after = account(timeline, DAY, 1000), account(wider, DAY, 1000)
    assert after.classes[Class.UNKNOWN] <= before.classes[Class.UNKNOWN]


@given(timelines, spans, instants)
def test_an_outage_lasted_at_least_no_longer_than_at_most(timeline: Timeline, period: Interval, now: int) -> None:
    result = account(timeline, period, now)
    down = result.classes[Class.DOWN] + result.classes[Class.UNREACHABLE]
    assert all(0 <= outage.at_least <= outage.at_most for outage in result.outages)
    assert all((outage.last_failed is None) == (outage.ended is None) for outage in result.outages)
    assert all(
        one.since <= one.last_failed <= (one.ended or 0) for one in result.outages if one.last_failed is not None
    )
    assert sum(outage.at_least for outage in result.outages) <= down <= sum(o.at_most for o in result.outages)


@given(timelines)
def test_availability_is_a_ratio_and_only_where_something_was_measured(timeline: Timeline) -> None:
    result = account(timeline, DAY, 1000)
    measured = sum(result.classes[k] for k in (Class.UP, Class.DEGRADED, Class.DOWN, Class.UNREACHABLE))
    assert (result.availability() is None) == (measured == 0)
    assert all(0 <= a <= 1 for a in (result.availability(), result.attributable()) if a is not None)


@given(timelines)
def test_outages_come_in_order_and_apart(timeline: Timeline) -> None:
    outages = account(timeline, DAY, 1000).outages
    assert all(a.ended is not None and a.ended <= b.since for a, b in pairwise(outages))


def test_an_outage_is_bracketed_by_the_results_around_it() -> None:
    (outage,) = account(Timeline(UP_DOWN_UP, ALWAYS, RUNNING), DAY, 1000).outages
    assert (outage.since, outage.ended, outage.last_good) == (300, 500, 290)
    assert (outage.at_least, outage.at_most) == (190, 210)


def test_what_happened_while_the_monitor_was_off_is_unknown_and_no_certain_downtime() -> None:
    coverage = (Coverage(0, 350), Coverage(450, 1000))
    result = account(Timeline(UP_DOWN_UP, ALWAYS, coverage), DAY, 1000)
    assert result.causes[Cause.MONITOR_NOT_RUNNING] == 100
    assert result.classes[Class.DOWN] == 100
    assert (result.outages[0].at_least, result.outages[0].at_most) == (90, 210)


def test_the_state_holds_again_from_the_start_of_coverage() -> None:
    result = account(
        Timeline(went((None, 0, State.UP, None)), ALWAYS, (Coverage(0, 400), Coverage(600, 900))), DAY, 900
    )
    assert (result.classes[Class.UP], result.causes[Cause.MONITOR_NOT_RUNNING]) == (700, 200)


def test_unknown_neither_ends_an_outage_nor_counts_as_certain() -> None:
    ledger = went(
        (None, 0, State.UP, None),
        (290, 300, State.DOWN, Reason.TCP_REFUSED),
        (390, 400, State.UNKNOWN, Reason.CALLING_AET_UNKNOWN),
        (490, 500, State.DOWN, Reason.TCP_REFUSED),
        (590, 600, State.UP, None),
    )
    result = account(Timeline(ledger, ALWAYS, RUNNING), DAY, 1000)
    (outage,) = result.outages
    assert (outage.at_least, outage.at_most) == (180, 310)
    assert (result.classes[Class.DOWN], result.causes[Cause.REFUSED_US]) == (200, 100)


def test_an_outage_found_after_unknown_may_reach_back_to_the_last_good_result() -> None:
    ledger = went(
        (None, 0, State.UP, None),
        (190, 200, State.UNKNOWN, Reason.DNS),
        (490, 500, State.DOWN, Reason.TCP_REFUSED),
        (590, 600, State.UP, None),
    )
    (outage,) = account(Timeline(ledger, ALWAYS, RUNNING), DAY, 1000).outages
    assert (outage.last_good, outage.at_least, outage.at_most) == (190, 90, 410)


def test_an_outage_that_goes_on_has_no_end() -> None:
    (outage,) = account(Timeline(UP_DOWN_UP[:2], ALWAYS, (Coverage(0, 800),)), DAY, 800).outages
    assert (outage.ended, outage.at_least, outage.at_most) == (None, 500, 510)


def test_an_outage_ends_when_its_check_is_no_longer_watched() -> None:
    result = account(Timeline(UP_DOWN_UP[:2], (Interval(0, 400),), RUNNING), DAY, 1000)
    (outage,) = result.outages
    assert (outage.ended, outage.at_least, outage.at_most) == (400, 100, 110)
    assert result.causes[Cause.NOT_WATCHED] == 600


def test_an_outage_over_the_edge_counts_its_part_in_the_period() -> None:
    (outage,) = account(Timeline(UP_DOWN_UP, ALWAYS, RUNNING), Interval(400, 1000), 1000).outages
    assert (outage.since, outage.at_least, outage.at_most) == (300, 90, 100)


def test_where_the_clock_was_set_nothing_can_be_said() -> None:
    coverage = (*RUNNING, Coverage(400, 450, Cause.CLOCK))
    result = account(Timeline(UP_DOWN_UP, ALWAYS, coverage), DAY, 1000)
    assert (result.causes[Cause.CLOCK], result.classes[Class.DOWN]) == (50, 150)


def test_a_transition_recorded_later_never_takes_effect_earlier() -> None:
    ledger = went((None, 500, State.UP, None), (90, 100, State.DOWN, Reason.TCP_REFUSED))
    result = account(Timeline(ledger, ALWAYS, RUNNING), DAY, 1000)
    assert (result.causes[Cause.NOT_MEASURED], result.classes[Class.DOWN]) == (500, 500)


@pytest.mark.parametrize("reason", Reason)
def test_down_behind_a_dead_parent_is_unreachable_only_for_failures_that_a_dead_path_causes(reason: Reason) -> None:
    parent = (Interval(350, 450),)
    ledger = went((None, 0, State.UP, None), (290, 300, State.DOWN, reason), (490, 500, State.UP, None))
    behind = account(Timeline(ledger, ALWAYS, RUNNING, parent), DAY, 1000)
    if reason not in (
        Reason.DNS,
        Reason.TCP_TIMEOUT,
        Reason.TCP_UNREACHABLE,
        Reason.ABSENT,
    ):  # a refusal proves that the path works
        assert (behind.classes[Class.DOWN], behind.classes[Class.UNREACHABLE]) == (200, 0)
        return
    assert (behind.classes[Class.DOWN], behind.classes[Class.UNREACHABLE]) == (100, 100)
    assert behind.availability() == 800 / 1000
    assert behind.attributable() == 800 / 900


HUNG_LATER = went(
    (None, 0, State.UP, None),
    (290, 300, State.DOWN, Reason.TCP_TIMEOUT),
    (390, 400, State.DOWN, Reason.DIMSE_TIMEOUT),
    (590, 600, State.UP, None),
)


def test_another_class_of_failure_goes_on_with_the_outage() -> None:
    result = account(Timeline(HUNG_LATER, ALWAYS, RUNNING), DAY, 1000)
    (outage,) = result.outages
    assert (outage.since, outage.ended, outage.last_good, outage.reason) == (300, 600, 290, Reason.TCP_TIMEOUT)
    assert (outage.at_least, outage.at_most) == (290, 310)  # as if it had failed in one way: no gap where it changed
    assert result.classes[Class.DOWN] == 300


def test_from_another_class_of_failure_on_a_dead_parent_explains_by_that() -> None:
    behind = account(Timeline(HUNG_LATER, ALWAYS, RUNNING, parent_down=(Interval(300, 600),)), DAY, 1000)
    assert (behind.classes[Class.UNREACHABLE], behind.classes[Class.DOWN]) == (100, 200)
    assert [(outage.at_least, outage.at_most) for outage in behind.outages] == [(290, 310)]


def test_an_outage_of_two_classes_that_began_proven_counts_whatever_is_edited_in_between() -> None:
    result = account(Timeline(HUNG_LATER, ALWAYS, RUNNING, proven=(Interval(0, 350),)), DAY, 1000)
    assert (result.classes[Class.DOWN], result.causes[Cause.UNPROVEN], len(result.outages)) == (300, 0, 1)


def test_another_class_of_failure_proves_nothing() -> None:
    never = HUNG_LATER[1:]
    result = account(Timeline(never, ALWAYS, RUNNING, proven=proofs((), never)), DAY, 1000)
    assert (result.causes[Cause.UNPROVEN], result.outages) == (300, ())


@given(timelines)
def test_a_change_of_the_class_of_failure_changes_neither_sums_nor_outages(timeline: Timeline) -> None:
    timeline = replace(timeline, watched=ALWAYS, proven=(ALL_TIME,))
    ledger, before = list[Transition](), timeline.transitions
    for transition, at, following in zip_longest(before, effective(before), before[1:]):
        ledger.append(transition)
        if transition.after is State.DOWN and following is not None:
            last = following.since if following.last_before is None else following.last_before
            between = (at + max(at, min(last, following.since))) // 2
            ledger.append(replace(transition, before=State.DOWN, last_before=at, since=between))
    plain, changed = account(timeline, DAY, 1000), account(replace(timeline, transitions=ledger), DAY, 1000)
    assert changed == plain


def test_planned_maintenance_is_a_class_of_its_own_whatever_the_state() -> None:
    planned = Timeline(UP_DOWN_UP, ALWAYS, RUNNING, maintained=(Interval(250, 400),))
    result = account(planned, DAY, 1000)
    assert (result.classes[Class.MAINTENANCE], result.classes[Class.DOWN], result.classes[Class.UP]) == (150, 100, 750)
    assert [(outage.at_least, outage.at_most) for outage in result.outages] == [(90, 100)]
    over = account(replace(planned, maintained=(Interval(200, 600),)), DAY, 1000)
    assert [(each.down, each.planned, each.at_most) for each in over.outages] == [(0, 200, 0)]
    assert over.availability() == 1.0


def test_maintenance_while_the_monitor_did_not_run_is_unknown() -> None:
    timeline = Timeline(UP_DOWN_UP, ALWAYS, (Coverage(0, 300), Coverage(500, 1000)), maintained=(Interval(200, 600),))
    result = account(timeline, DAY, 1000)
    assert (result.classes[Class.MAINTENANCE], result.causes[Cause.MONITOR_NOT_RUNNING]) == (200, 200)


def test_each_reason_of_unknown_has_its_cause() -> None:
    expected = {
        Reason.CALLING_AET_UNKNOWN: Cause.REFUSED_US,
        Reason.NOT_AUTHORISED: Cause.REFUSED_US,
        Reason.AUTH: Cause.REFUSED_US,
        Reason.TLS_UNTRUSTED: Cause.REFUSED_US,
        Reason.MOVE_DESTINATION_UNKNOWN: Cause.REFUSED_US,
        Reason.DNS: Cause.REFUSED_US,
        Reason.ISOLATED: Cause.ISOLATED,
        Reason.PAUSED: Cause.PAUSED,
        Reason.PROBE_ERROR: Cause.NOT_MEASURED,
        Reason.NOT_CONFIGURED: Cause.NOT_MEASURED,
    }
    for reason, cause in expected.items():
        ledger = went((None, 0, State.UNKNOWN, reason))
        assert account(Timeline(ledger, ALWAYS, RUNNING), DAY, 1000).causes[cause] == 1000


def test_degraded_counts_as_the_rule_says() -> None:
    ledger = went((None, 0, State.UP, None), (590, 600, State.DEGRADED, Reason.SLOW))
    result = account(Timeline(ledger, ALWAYS, RUNNING), DAY, 1000)
    assert (result.availability(), result.availability(degraded_is_up=False)) == (1.0, 0.6)


def test_without_a_measurement_there_is_no_availability() -> None:
    result = account(Timeline((), ALWAYS, RUNNING), DAY, 1000)
    assert (result.availability(), result.attributable()) == (None, None)


def test_coverage_is_the_part_in_which_the_monitor_ran() -> None:
    assert covered((Coverage(0, 500), Coverage(400, 600), Coverage(0, 100, Cause.CLOCK)), DAY, 1000) == 0.5
    assert covered((), DAY, 0) is None


DOWN_FROM_THE_FIRST = went((None, 100, State.DOWN, Reason.CALLED_AET_UNKNOWN), (690, 700, State.UP, None))


def proving(*proven: Interval, ledger: tuple[Transition, ...] = DOWN_FROM_THE_FIRST) -> Timeline:
    return Timeline(ledger, ALWAYS, RUNNING, proven=proven)


def test_what_has_never_worked_is_unproven_and_no_downtime() -> None:
    result = account(proving(Interval(700, FOREVER)), DAY, 1000)
    assert (result.classes[Class.DOWN], result.causes[Cause.UNPROVEN], result.classes[Class.UP]) == (0, 600, 300)
    assert (result.outages, result.availability()) == ((), 1.0)


def test_a_check_that_never_worked_has_no_availability() -> None:
    ledger = went((None, 100, State.DOWN, Reason.TCP_TIMEOUT))
    behind = Timeline(ledger, ALWAYS, RUNNING, parent_down=(DAY,), proven=())
    for timeline in (proving(ledger=ledger), behind):
        result = account(timeline, DAY, 1000)
        assert (result.causes[Cause.UNPROVEN], result.availability(), result.attributable()) == (900, None, None)


def test_one_good_result_in_a_spell_of_failures_begins_the_downtime() -> None:
    result = account(proving(Interval(400, FOREVER)), DAY, 1000)
    (outage,) = result.outages
    assert (result.causes[Cause.UNPROVEN], result.classes[Class.DOWN]) == (300, 300)
    assert (outage.since, outage.last_good, outage.at_least, outage.at_most) == (400, 400, 290, 300)


def test_to_put_back_an_address_that_works_is_no_downtime() -> None:
    result = account(proving(Interval(0, 90), Interval(695, FOREVER)), DAY, 1000)
    assert (result.causes[Cause.UNPROVEN], result.classes[Class.DOWN], result.outages) == (600, 0, ())
    failed = account(proving(Interval(0, 90), Interval(600, FOREVER)), DAY, 1000)
    assert (failed.causes[Cause.UNPROVEN], failed.classes[Class.DOWN]) == (500, 100)


def test_an_address_that_is_changed_during_an_outage_does_not_end_the_downtime() -> None:
    whole = account(Timeline(UP_DOWN_UP, ALWAYS, RUNNING), DAY, 1000)
    edited = account(proving(Interval(0, 301), ledger=UP_DOWN_UP), DAY, 1000)
    assert (edited.classes, edited.causes, edited.outages) == (whole.classes, whole.causes, whole.outages)
    assert edited.classes[Class.DOWN] == 200


def test_an_address_that_is_changed_while_well_and_fails_at_once_is_unproven() -> None:
    result = account(proving(Interval(0, 295), Interval(500, FOREVER), ledger=UP_DOWN_UP), DAY, 1000)
    assert (result.causes[Cause.UNPROVEN], result.classes[Class.DOWN], result.outages) == (200, 0, ())


def test_to_remove_a_check_that_is_down_and_to_add_it_again_elsewhere_launders_nothing() -> None:
    ledger = went(
        (None, 0, State.UP, None),
        (290, 300, State.DOWN, Reason.TCP_REFUSED),
        (None, 500, State.UNKNOWN, Reason.NOT_MEASURED),
        (None, 520, State.DOWN, Reason.TCP_REFUSED),
    )
    timeline = Timeline(ledger, (Interval(0, 400), Interval(500, FOREVER)), RUNNING, proven=(Interval(0, 400),))
    result = account(timeline, DAY, 1000)
    assert (result.classes[Class.DOWN], result.causes[Cause.UNPROVEN]) == (580, 0)


def test_a_modality_that_was_never_reached_is_not_said_to_be_off() -> None:
    ledger = went((None, 100, State.ABSENT, Reason.TCP_TIMEOUT), (690, 700, State.UP, None))
    result = account(proving(Interval(700, FOREVER), ledger=ledger), DAY, 1000)
    assert (result.causes[Cause.UNPROVEN], result.classes[Class.ABSENT]) == (600, 0)


def test_proof_is_of_each_identity_and_what_became_up_was_good() -> None:
    ledger = went((None, 100, State.DOWN, None), (190, 200, State.UP, None), (290, 300, State.DOWN, None))
    first, second = Identity(0, 400, None), Identity(400, FOREVER, None)
    assert proofs((), ledger) == (Interval(200, FOREVER),)
    assert proofs((first, second), ledger) == (Interval(200, 400),)
    assert proofs((first, second._replace(proven=450)), ledger) == (Interval(200, 400), Interval(450, FOREVER))
    assert proofs((first._replace(proven=150),), ledger) == (Interval(150, 400),)
    back = (first, second._replace(ended=600), Identity(600, FOREVER, 150))
    assert proofs(back, ledger) == (Interval(200, 400), Interval(600, FOREVER))
    assert proofs((), ledger[:1]) == ()


class Edited(NamedTuple):
    """A check as it was measured, while its address was edited again and again."""

    timeline: Timeline
    began_proven: list[Interval]
    """The outages that began proven, whole."""


@st.composite
def edited(draw: st.DrawFn) -> Edited:
    """Ledgers as a daemon writes them, in order; edits at any time; each good result proves what then held."""
    times = sorted(draw(st.sets(st.integers(0, 990), min_size=2, max_size=10)))
    states = draw(st.lists(st.sampled_from(State), min_size=len(times), max_size=len(times)))
    ledger = went(*((max(at - 1, 0), at, state, None) for at, state in zip(times, states, strict=True)))
    edits = sorted(draw(st.sets(st.integers(1, 999), max_size=6)))
    goods = draw(st.lists(st.integers(0, 999), max_size=4))
    bounds = [*pairwise([0, *edits, FOREVER])]
    identities = [
        Identity(start, end, min((good for good in goods if start <= good < end), default=None))
        for start, end in bounds
    ]
    proven = proofs(identities, ledger)
    whole: list[Interval] = []
    began: int | None = None
    for at, transition in zip(times, ledger, strict=True):
        if transition.after is State.DOWN and began is None and any(s <= at < e for s, e in proven):
            began = at
        elif transition.after in NOT_DOWN and began is not None:
            whole, began = [*whole, Interval(began, at)], None
    if began is not None:
        whole.append(Interval(began, 1000))
    return Edited(Timeline(ledger, ALWAYS, RUNNING, proven=proven), whole)


@given(edited())
def test_whatever_is_edited_an_outage_that_began_proven_is_downtime_whole(history: Edited) -> None:
    unedited = Timeline(history.timeline.transitions, ALWAYS, RUNNING)
    for span in history.began_proven:
        booked, true = account(history.timeline, span, 1000), account(unedited, span, 1000)
        assert (booked.causes[Cause.UNPROVEN], booked.classes) == (0, true.classes)


@given(timelines, st.lists(spans, max_size=4), spans, instants)
def test_proof_moves_time_between_failed_and_unproven_and_nothing_else(
    timeline: Timeline, proven: list[Interval], period: Interval, now: int
) -> None:
    whole = account(replace(timeline, proven=(ALL_TIME,)), period, now)
    result = account(replace(timeline, proven=proven), period, now)
    failed = (Class.DOWN, Class.UNREACHABLE, Class.ABSENT)
    assert all(result.classes[kind] <= whole.classes[kind] for kind in failed)
    moved = sum(whole.classes[kind] - result.classes[kind] for kind in failed)
    assert result.causes == whole.causes | {Cause.UNPROVEN: moved}
    assert {k: v for k, v in result.classes.items() if k not in (*failed, Class.UNKNOWN)} == {
        k: v for k, v in whole.classes.items() if k not in (*failed, Class.UNKNOWN)
    }


@given(timelines, st.lists(spans, max_size=4), spans)
def test_more_proof_never_makes_less_downtime(timeline: Timeline, proven: list[Interval], more: Interval) -> None:
    before = account(replace(timeline, proven=proven), DAY, 1000)
    after = account(replace(timeline, proven=[*proven, more]), DAY, 1000)
    assert before.causes[Cause.UNPROVEN] >= after.causes[Cause.UNPROVEN]
