"""`states` against the slow oracle: every sequence up to six results, and longer ones by hypothesis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor import states
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Outcome,
    Presence,
    Reason,
    Result,
    Standing,
    State,
    Status,
    Thresholds,
    Transition,
)
from tests.oracle import Change, Kind, Oracle, Sample

CHECK = CheckId("archive", "dicom_echo")
EVERY = 10 * SECOND
LASTS = 1.0
REFUSED = Reason.TCP_REFUSED
ALWAYS = (Kind.OK, Kind.WARN, Kind.FAIL, Kind.UNKNOWN)
INTERMITTENT = (*ALWAYS, Kind.SILENT)
FAILING = (Kind.FAIL, Kind.SILENT, Kind.HUNG)

patiences = st.builds(
    Thresholds, failures=st.integers(1, 5), recoveries=st.integers(1, 4), presence=st.sampled_from(Presence)
)


def result(number: int, outcome: Outcome) -> Result:
    return Result(CHECK, "dicom_echo", outcome, number * EVERY, LASTS)


def play(
    kinds: list[Kind], thresholds: Thresholds, standing: Standing | None = None
) -> list[tuple[Standing, Transition | None]]:
    """The standing and the transition after each result."""
    standing = standing or Standing()
    steps = []
    for number, kind in enumerate(kinds, 1):
        standing, transition = states.advance(standing, result(number, kind.value), thresholds)
        steps.append((standing, transition))
    return steps


def states_after(kinds: list[Kind], thresholds: Thresholds) -> list[State]:
    return [standing.state for standing, _ in play(kinds, thresholds)]


def said(transition: Transition | None) -> Change | None:
    if transition is None:
        return None
    t = transition
    return Change(t.before, t.after, t.last_before, t.since, t.noticed, t.reason)


def compare(standing: Standing, oracle: Oracle, kind: Kind, number: int) -> tuple[Standing, Oracle]:
    one = result(number, kind.value)
    standing, transition = states.advance(standing, one, oracle.thresholds)
    oracle, change = oracle.see(Sample(kind, one.started, one.ended))
    assert said(transition) == change, [sample.kind.name for sample in oracle.history]
    assert (standing.state, standing.reason, standing.troubled) == (oracle.state, oracle.cause, oracle.incident_open)
    return standing, oracle


@pytest.mark.parametrize("presence", Presence)
@pytest.mark.parametrize("recoveries", [1, 2])
@pytest.mark.parametrize("failures", [1, 2, 3])
@pytest.mark.parametrize("longest", [6, pytest.param(7, marks=pytest.mark.proof)])
def test_every_sequence_of_results_moves_the_state_as_the_oracle_says(
    longest: int, failures: int, recoveries: int, presence: Presence
) -> None:
    kinds = INTERMITTENT if presence is Presence.INTERMITTENT else ALWAYS

    def follow(standing: Standing, oracle: Oracle, number: int) -> None:
        for kind in kinds:
            after, seen = compare(standing, oracle, kind, number)
            if number < longest:
                follow(after, seen, number + 1)

    follow(Standing(), Oracle(Thresholds(failures, recoveries, presence)), 1)


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_every_sequence_of_results_while_down_tells_a_change_of_the_class_of_failure(failures: int) -> None:
    thresholds = Thresholds(failures, 2)

    def follow(standing: Standing, oracle: Oracle, number: int, left: int) -> None:
        for kind in (*FAILING, Kind.OK, Kind.UNKNOWN):
            after, seen = compare(standing, oracle, kind, number)
            if left:
                follow(after, seen, number + 1, left - 1)

    standing, oracle = Standing(), Oracle(thresholds)
    for number in range(1, failures + 1):
        standing, oracle = compare(standing, oracle, Kind.SILENT, number)
    assert standing.state is State.DOWN
    follow(standing, oracle, failures + 1, 5)


@given(patiences, st.lists(st.sampled_from(Kind), max_size=60))
def test_long_sequences_with_changing_causes_move_the_state_as_the_oracle_says(
    thresholds: Thresholds, kinds: list[Kind]
) -> None:
    standing, oracle = Standing(), Oracle(thresholds)
    for number, kind in enumerate(kinds, 1):
        standing, oracle = compare(standing, oracle, kind, number)


WORDS = ("pause", "resume")


@given(patiences, st.lists(st.sampled_from((*Kind, *WORDS)), max_size=60))
def test_people_who_pause_and_resume_between_results_move_the_state_as_the_oracle_says(
    thresholds: Thresholds, steps: list[Kind | str]
) -> None:
    standing, oracle = Standing(), Oracle(thresholds)
    for number, step in enumerate(steps, 1):
        if isinstance(step, Kind):
            standing, oracle = compare(standing, oracle, step, number)
            continue
        now = number * EVERY
        if step == "pause":
            (standing, transition), (oracle, change) = states.pause(standing, CHECK, now, "why"), oracle.paused(now)
        else:
            (standing, transition), (oracle, change) = states.resume(standing, CHECK, now), oracle.resumed(now)
        assert said(transition) == change
        assert (standing.state, standing.reason, standing.troubled) == (
            oracle.state,
            oracle.cause,
            oracle.incident_open,
        )


@pytest.mark.parametrize("kinds", [[Kind.OK], [Kind.FAIL] * 3, [Kind.FAIL] * 2, [Kind.UNKNOWN] * 3, []])
def test_a_pause_is_unknown_at_once_since_now_and_the_first_ok_after_it_is_up(kinds: list[Kind]) -> None:
    before = play(kinds, Thresholds())[-1][0] if kinds else Standing()
    now = 9 * EVERY
    paused, transition = states.pause(before, CHECK, now, "paused by it-duty: detector exchange")
    assert transition is not None
    assert (transition.before, transition.after, transition.reason) == (before.state, State.UNKNOWN, Reason.PAUSED)
    assert (transition.since, transition.noticed, transition.last_before) == (now, now, before.last)
    assert transition.detail == "paused by it-duty: detector exchange"
    assert states.pause(paused, CHECK, now + 1, "extended") == (paused, None)
    assert states.lapse(paused, CHECK, now + 1) == (paused, None)

    resumed, transition = states.resume(paused, CHECK, 10 * EVERY)
    assert transition is not None
    assert (transition.before, transition.after, transition.reason) == (
        State.UNKNOWN,
        State.UNKNOWN,
        Reason.NOT_MEASURED,
    )
    assert states.resume(resumed, CHECK, 10 * EVERY) == (resumed, None)
    up, _ = states.advance(resumed, result(11, Kind.OK.value), Thresholds(recoveries=2))
    assert up.state is (State.UNKNOWN if before.troubled else State.UP)


@given(patiences, st.lists(st.sampled_from(Kind), max_size=60))
def test_since_never_goes_back_and_comes_after_the_last_result_of_the_old_state(
    thresholds: Thresholds, kinds: list[Kind]
) -> None:
    since = 0
    for standing, transition in play(kinds, thresholds):
        assert standing.since >= since
        since = standing.since
        if transition is not None:
            assert transition.last_before is None or transition.last_before < transition.since
            assert transition.since <= transition.noticed


@given(patiences, st.lists(st.sampled_from(Kind), max_size=60))
def test_the_ledger_alone_tells_the_state(thresholds: Thresholds, kinds: list[Kind]) -> None:
    ledger = State.UNKNOWN
    for standing, transition in play(kinds, thresholds):
        if transition is not None:
            assert transition.before is ledger
            ledger = transition.after
        assert standing.state is ledger


@given(st.integers(2, 5), st.lists(st.sampled_from((Kind.UNKNOWN, Kind.OTHER)), min_size=1, max_size=10))
def test_after_unknown_one_failing_result_is_never_down(failures: int, kinds: list[Kind]) -> None:
    assert states_after([*kinds, Kind.FAIL], Thresholds(failures))[-1] is State.UNKNOWN


@given(st.integers(2, 5), st.lists(st.sampled_from(INTERMITTENT[:3]), min_size=1, max_size=20), st.data())
def test_single_unknown_results_change_nothing(failures: int, kinds: list[Kind], data: st.DataObject) -> None:
    dotted = [part for kind in kinds for part in ((kind, Kind.UNKNOWN) if data.draw(st.booleans()) else (kind,))]
    thresholds = Thresholds(failures)
    assert states_after(dotted, thresholds)[-1] is states_after(kinds, thresholds)[-1]


@given(patiences, st.lists(st.sampled_from(ALWAYS), max_size=30))
def test_with_presence_always_a_silent_node_is_a_failing_node(thresholds: Thresholds, kinds: list[Kind]) -> None:
    thresholds = Thresholds(thresholds.failures, thresholds.recoveries)
    silent: list[Kind] = [Kind.SILENT if kind is Kind.FAIL else kind for kind in kinds]
    assert states_after(silent, thresholds) == states_after(kinds, thresholds)


def test_a_name_that_does_not_resolve_is_absence_only_for_an_intermittent_node() -> None:
    one = result(1, Outcome.of(Reason.DNS))
    assert states.classify(Standing(), one, Thresholds(presence=Presence.INTERMITTENT)) is State.ABSENT
    assert states.classify(Standing(), one, Thresholds()) is State.UNKNOWN


def test_one_result_of_another_cause_does_not_change_the_cause_of_unknown() -> None:
    steps = play([Kind.UNKNOWN] * 9 + [Kind.OTHER] * 3, Thresholds(failures=3))
    changes = [transition for _, transition in steps if transition]
    assert [(change.reason, change.since) for change in changes] == [
        (Reason.AUTH, result(1, Kind.UNKNOWN.value).ended),
        (Reason.CALLING_AET_UNKNOWN, result(10, Kind.OTHER.value).ended),
    ]


@pytest.mark.parametrize("reason", [Reason.TCP_TIMEOUT, Reason.TCP_UNREACHABLE])
def test_another_reason_of_the_same_class_is_no_change_while_down(reason: Reason) -> None:
    standing = play([Kind.SILENT] * 3, Thresholds(3))[-1][0]
    for number in range(4, 14):
        standing, transition = states.advance(standing, result(number, Outcome.of(reason)), Thresholds(3))
        assert (transition, standing.reason) == (None, Reason.TCP_REFUSED)


def test_the_kind_of_probe_decides_the_class_of_a_failure() -> None:
    def played(probe: str) -> list[Transition | None]:
        standing, said = play([Kind.FAIL] * 3, Thresholds(3))[-1][0], []
        for number in range(4, 7):
            one = replace(result(number, Outcome.of(Reason.OVER_LIMIT)), probe=probe)
            standing, transition = states.advance(standing, one, Thresholds(3))
            said.append(transition)
        return said

    assert played("snmp") == [None, None, None]  # over the limit of a counter: as any other refusal
    assert played("disk")[-1] is not None  # a full disk


def test_another_class_of_failure_is_a_transition_while_down_that_says_when_it_began() -> None:
    kinds = [Kind.OK, *[Kind.SILENT] * 4, Kind.HUNG, Kind.UNKNOWN, Kind.HUNG, Kind.HUNG]
    down, hung = [transition for _, transition in play(kinds, Thresholds(3)) if transition][1:]
    assert said(down) == Change(
        State.UP, State.DOWN, EVERY, result(2, Kind.SILENT.value).ended, result(4, Kind.SILENT.value).ended, REFUSED
    )
    assert said(hung) == Change(
        State.DOWN,
        State.DOWN,
        5 * EVERY,
        result(6, Kind.HUNG.value).ended,
        result(9, Kind.HUNG.value).ended,
        Reason.DIMSE_TIMEOUT,
    )
    assert hung.phase is Kind.HUNG.value.phase


@pytest.mark.parametrize("between", [Kind.SILENT, Kind.OK, Kind.WARN])
def test_a_result_of_the_old_class_or_none_that_fails_breaks_the_row_of_another_class(between: Kind) -> None:
    kinds = [*[Kind.SILENT] * 3, Kind.HUNG, Kind.HUNG, between, Kind.HUNG, Kind.HUNG]
    (down,) = [transition for _, transition in play(kinds, Thresholds(3, 3)) if transition]
    assert down.reason is REFUSED


def test_after_a_restart_while_down_another_class_of_failure_is_seen_like_before() -> None:
    restored = Standing(State.DOWN, EVERY, REFUSED, troubled=True, last=EVERY)
    assert [t and t.reason for _, t in play([Kind.SILENT, *[Kind.HUNG] * 3], Thresholds(3), restored)] == [
        None,
        None,
        None,
        Reason.DIMSE_TIMEOUT,
    ]


def test_another_class_of_failure_leaves_it_down_since_it_failed() -> None:
    kinds = [Kind.OK, *[Kind.SILENT] * 3, *[Kind.HUNG] * 3, *[Kind.FAIL] * 3, Kind.OK, Kind.OK]
    steps = [standing for standing, _ in play(kinds, Thresholds(3, 2))]
    failed = result(2, Kind.SILENT.value).ended
    assert [steps[n].state_since for n in (3, 6, 9)] == [failed] * 3
    assert [steps[n].since for n in (3, 6, 9)] == [result(n, Kind.FAIL.value).ended for n in (2, 5, 8)]
    assert steps[-1].state_since == steps[-1].since == result(11, Kind.OK.value).ended
    assert states.shifted(steps[9], SECOND).state_since == failed + SECOND


def test_a_result_that_nobody_can_read_completes_no_streak_of_others_when_fewer_are_wanted() -> None:
    for first, then in ((Kind.OK, Kind.FAIL), (Kind.SILENT, Kind.HUNG)):
        standing = play([*[first] * 5, *[then] * 3], Thresholds(5))[-1][0]
        after, transition = states.advance(standing, result(9, Kind.UNKNOWN.value), Thresholds(3))
        assert (after.state, transition) == (standing.state, None)
        _, transition = states.advance(after, result(10, then.value), Thresholds(3))
        assert transition is not None
        assert transition.reason is then.value.reason


def test_a_failure_before_a_long_unknown_does_not_make_it_downtime() -> None:
    steps = play([Kind.UNKNOWN] * 3 + [Kind.FAIL] + [Kind.UNKNOWN] * 50 + [Kind.FAIL] * 3, Thresholds(failures=3))
    standing, transition = steps[-1]
    assert standing.state is State.DOWN
    assert transition is not None
    assert transition.since == result(55, Kind.FAIL.value).ended


def test_unknown_results_do_not_narrow_the_bounds_of_an_outage() -> None:
    kinds = [Kind.OK, Kind.UNKNOWN, Kind.FAIL, Kind.FAIL, Kind.FAIL, Kind.UNKNOWN, Kind.OK, Kind.OK]
    changes = [transition for _, transition in play(kinds, Thresholds(3, 2)) if transition]
    down, up = changes[1:]
    assert (down.after, up.after) == (State.DOWN, State.UP)
    assert (down.last_before, up.last_before) == (1 * EVERY, 5 * EVERY)


def test_a_recovery_after_a_restart_takes_its_patience_while_an_incident_is_open() -> None:
    restored = Standing(State.UNKNOWN, troubled=True)
    assert [s.state for s, _ in play([Kind.OK] * 2, Thresholds(recoveries=2), restored)] == [State.UNKNOWN, State.UP]


BUSY = Outcome.of(Reason.BUSY)


def busy_standings(count: int, thresholds: Thresholds) -> list[Standing]:
    standing = play([Kind.OK], thresholds)[0][0]
    standings = []
    for number in range(2, 2 + count):
        standing, _ = states.advance(standing, result(number, BUSY), thresholds)
        standings.append(standing)
    return standings


def test_busy_is_a_warning_until_it_lasts_and_then_a_failure() -> None:
    # busy from 20 s on; its results end at 21, 31, … s: 60 s are over with the seventh, three failures with the ninth
    reached = [standing.state for standing in busy_standings(9, Thresholds(failures=3, busy_fail_after=60))]
    assert reached == [State.UP] * 2 + [State.DEGRADED] * 6 + [State.DOWN]


def test_a_busy_node_is_not_asked_faster() -> None:
    thresholds = Thresholds(failures=3)
    assert not any(states.hurried(standing) for standing in busy_standings(2, thresholds))
    failed, _ = play([Kind.OK, Kind.FAIL], thresholds)[-1]
    assert states.hurried(failed)


def test_any_other_telling_result_ends_busy() -> None:
    thresholds = Thresholds(busy_fail_after=20)
    standing = busy_standings(1, thresholds)[-1]
    standing, _ = states.advance(standing, result(3, Kind.OK.value), thresholds)
    assert standing.busy_since is None
    assert states.classify(standing, result(4, BUSY), thresholds) is State.DEGRADED


@given(patiences, st.lists(st.sampled_from(Kind), max_size=30))
def test_a_check_leans_only_towards_another_state(thresholds: Thresholds, kinds: list[Kind]) -> None:
    for standing, _ in play(kinds, thresholds):
        assert states.leaning(standing) is not standing.state


@given(patiences, st.lists(st.sampled_from(Kind), max_size=30))
def test_when_results_stop_coming_it_is_unknown_since_the_last_one(thresholds: Thresholds, kinds: list[Kind]) -> None:
    standing = play(kinds, thresholds)[-1][0] if kinds else Standing()
    now = (len(kinds) + 10) * EVERY
    lapsed, transition = states.lapse(standing, CHECK, now)
    if standing.state is State.UNKNOWN:
        assert (lapsed, transition) == (standing, None)
        return
    since = max(standing.since, len(kinds) * EVERY)
    assert lapsed == Standing(State.UNKNOWN, since, Reason.NOT_MEASURED, standing.troubled, len(kinds) * EVERY)
    assert transition is not None
    assert said(transition) == Change(
        standing.state, State.UNKNOWN, transition.last_before, since, now, Reason.NOT_MEASURED
    )


@pytest.mark.parametrize(("interval", "timeout", "allowed"), [(60, 10, 180), (10, 60, 70), (5, 10, 15)])
def test_the_silence_that_is_allowed_grows_with_interval_and_timeout(
    interval: float, timeout: float, allowed: float
) -> None:
    assert states.silence_allowed(interval, timeout) == allowed


def test_a_steady_node_only_moves_the_time_of_its_last_result() -> None:
    steps = play([Kind.OK] * 20, Thresholds())
    first, last = steps[0][0], steps[-1][0]
    assert last[:4] == first[:4]
    assert (last.last, last.bads.length) == (20 * EVERY, 0)
    assert all(transition is None for _, transition in steps[1:])


@pytest.mark.parametrize("status", Status)
def test_every_status_argues_for_a_state(status: Status) -> None:
    outcome = Outcome(status, None if status is Status.OK else Reason.SLOW)
    classes = {Status.OK: State.UP, Status.WARN: State.DEGRADED, Status.FAIL: State.DOWN}
    assert states.classify(Standing(), result(1, outcome), Thresholds()) is classes.get(status, State.UNKNOWN)


def test_no_outage_begins_before_the_last_result_that_was_well_also_when_the_clock_was_set_back() -> None:
    up_for_days, seen = Standing(State.UP, since=1, reason=None, last=1000 * EVERY), 1000 * EVERY
    down = [transition for _, transition in play([Kind.FAIL] * 3, Thresholds(), up_for_days)][-1]

    assert down is not None
    assert (down.after, down.last_before, down.since) == (State.DOWN, seen, seen)
