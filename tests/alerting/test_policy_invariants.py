"""What must hold whatever happens, and however often policy is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pacs_monitor.alerting.cases import Case, Key, restored
from pacs_monitor.alerting.policy import Dark
from pacs_monitor.config.estate import Estate
from pacs_monitor.model import (
    CheckId,
    DeliveryStatus,
    Event,
    Incident,
    IncidentKind,
    Notification,
    Paging,
    Reason,
    State,
    Transition,
)
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, Talk, an_estate, at, moved, route

ENDS = (Event.RESOLVED, Event.WITHDRAWN)
BY_SEVERITY = (route("oncall", severity="critical", continue_=True), route("hook", "mail", role="archive"))
CHANNELS = ("hook", "oncall", "mail")
Story = list[Transition]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Transitions as they are noticed, each check going from state to state."""
    now, states, story = 0.0, dict.fromkeys(CHECKS, State.UNKNOWN), []
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from([1.0, 10.0, 45.0, 300.0]))
        check = draw(st.sampled_from(list(CHECKS)))
        after = draw(st.sampled_from([state for state in State if state is not states[check]]))
        story.append(
            moved(after, now, check, before=states[check], since=now - draw(st.sampled_from([0.0, 20.0, 90.0])))
        )
        states[check] = after
    return story


def an_estate_by_severity(
    paging: Paging = Paging.ON, checks: Iterable[CheckId] = CHECKS, remind: float | None = None
) -> Estate:
    return an_estate(
        [replace(CHECKS[check], paging=paging) for check in checks],
        routes=tuple(replace(r, remind=remind) for r in BY_SEVERITY),
        default=route("hook", remind=remind),
        channels=CHANNELS,
    )


def owed(talk: Talk) -> dict[tuple[str, str], list[tuple[Event, State, str]]]:
    """Per incident and channel, what is owed in order."""
    lanes: defaultdict[tuple[str, str], list[tuple[Event, State, str]]] = defaultdict(list)
    for decision in talk.decisions:
        for due in decision.dues:
            lanes[due.incident.id, due.channel].append((due.event, due.incident.state, due.incident.severity))
    return lanes


@given(stories(), st.lists(st.floats(0, 4000), max_size=8), st.booleans())
def test_what_is_owed_does_not_depend_on_how_often_one_asks_nor_on_restarts(
    story: Story, extra: list[float], restarts: bool
) -> None:
    end = 5000.0
    at_the_end = Talk(an_estate_by_severity())
    at_the_end.ask(end, *story)
    step_by_step = Talk(an_estate_by_severity())
    moments = sorted([*((t.noticed - at(0)) / 1e6 for t in story), *extra, end])
    told: list[Transition] = []
    for moment in moments:
        wake = step_by_step.decisions[-1].wake_at if step_by_step.decisions else None
        while wake is not None and wake < at(moment):
            wake = step_by_step.ask((wake - at(0)) / 1e6).wake_at
        news = [t for t in story if t.noticed <= at(moment) and t not in told]
        step_by_step.ask(moment, *news)
        told += news
        if restarts:
            step_by_step.cases = after_restart(step_by_step)
    assert owed(step_by_step) == owed(at_the_end)


def after_restart(talk: Talk) -> dict[Key, Case]:
    """The cases as the record gives them back."""
    incidents: dict[str, Incident] = {}
    made: defaultdict[str, list[Notification]] = defaultdict(list)
    for decision in talk.decisions:
        incidents |= {incident.id: incident for incident in decision.incidents}
        for due in decision.dues:
            made[due.incident.id].append(
                Notification("", due.channel, due.event, at(0), {}, due.incident.id, due.status)
            )
    withheld = [held for decision in talk.decisions for held in decision.withheld]
    cases = [
        restored(
            incident,
            made[incident.id],
            [h for h in withheld if h.incident == incident.id],
            talk.estate.checks.get(incident.members[0]),
            at(10**9),
        )
        for incident in incidents.values()
        if incident.ended is None
    ]
    return {case.key: case for case in cases}


class Telling(RuleBasedStateMachine):
    """Transitions, passing time, reloads, refusals, blindness and channels that give up, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk(an_estate_by_severity(remind=600))
        self.now = 0.0
        self.states = dict.fromkeys(CHECKS, State.UNKNOWN)
        self.dark: dict[CheckId, Dark] = {}
        self.failing: set[str] = set()
        self.lost: set[tuple[str, str]] = set()

    def ask(self, *transitions: Transition) -> None:
        self.talk.ask(self.now, *transitions, dark=self.dark, failing=self.failing)

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.ask()

    @rule(
        check=st.sampled_from([ARCHIVE, DISK, RIS]),
        after=st.sampled_from(State),
        seconds=st.sampled_from([0.0, 5.0, 70.0]),
    )
    def a_check_moves(self, check: CheckId, after: State, seconds: float) -> None:
        self.now += seconds
        before, self.states[check] = self.states[check], after
        if before is not after:
            self.ask(moved(after, self.now, check, before=before))

    @rule(
        paging=st.sampled_from(Paging),
        checks=st.sets(st.sampled_from([ARCHIVE, DISK, RIS]), min_size=1),
    )
    def the_estate_is_reloaded(self, paging: Paging, checks: set[CheckId]) -> None:
        self.talk.reload(an_estate_by_severity(paging, sorted(checks), remind=600))
        self.ask()

    @rule(channel=st.sampled_from(CHANNELS))
    def a_channel_refuses_what_it_was_opened(self, channel: str) -> None:
        for key, case in list(self.talk.cases.items()):
            told = case.told.get(channel)
            if told is not None and not told.shadow:
                self.talk.cases = {**self.talk.cases, key: case.tell(channel, replace(told, lost=True))}
                self.lost.add((case.incident.id, channel))

    @rule(check=st.sampled_from([ARCHIVE, DISK]), reason=st.sampled_from([Reason.AUTH, Reason.DNS, None]))
    def a_check_goes_dark(self, check: CheckId, reason: Reason | None) -> None:
        self.dark.pop(check, None)
        if reason is not None:
            self.dark[check] = Dark(at(self.now), reason)
        self.ask()

    @rule(channel=st.sampled_from(CHANNELS))
    def a_channel_gives_up_or_delivers_again(self, channel: str) -> None:
        self.failing ^= {channel}
        self.ask()

    @invariant()
    def every_lane_is_told_in_order_and_to_its_end(self) -> None:
        lanes: defaultdict[tuple[str, str], list[tuple[Event, DeliveryStatus]]] = defaultdict(list)
        ended: set[str] = set()
        for decision in self.talk.decisions:
            ended |= {incident.id for incident in decision.incidents if incident.ended is not None}
            for due in decision.dues:
                lanes[due.incident.id, due.channel].append((due.event, due.status))
        for lane, told in lanes.items():
            real = [event for event, status in told if status is DeliveryStatus.PENDING]
            assert told[0][0] is Event.OPENED
            assert real.count(Event.OPENED) <= 1, "nobody is paged twice"
            assert not real or real[0] is Event.OPENED, "nothing comes before its opened"
            assert sum(event in ENDS for event, _ in told) == (lane[0] in ended), "whatever was opened is ended once"
            if lane[0] in ended:
                last, status = told[-1]
                assert last in ENDS
                assert (status is DeliveryStatus.DROPPED) == (lane in self.lost)
                assert (status is DeliveryStatus.PENDING) == bool(real and lane not in self.lost)

    @invariant()
    def one_incident_is_open_for_each_check_in_trouble(self) -> None:
        for check, state in self.states.items():
            case = self.talk.cases.get((IncidentKind.NODE, str(check)))
            if state is State.UP or check not in self.talk.estate.checks:
                assert case is None


TestTelling = Telling.TestCase
TestTelling.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
