"""What must hold whatever receivers answer, and in whatever order things come."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pacs_monitor.delivery.lanes import Item
from pacs_monitor.model import ENDINGS, DeliveryError, DeliveryStatus, Event, Severity
from tests.delivery.support import BUSY, REFUSED, UNCONNECTED, UNSENDABLE, a_backlog, a_page

INCIDENTS = st.sampled_from("abcdefgh")
OUTCOMES = st.sampled_from([None, None, REFUSED, UNCONNECTED, BUSY, UNSENDABLE])


class Delivering(RuleBasedStateMachine):
    """Incidents that open, change and end, over a receiver that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = a_backlog(drop_after=30.0, give_up_after=300.0)
        self.now, self.count = 0.0, 0
        self.open: dict[str, str] = {}
        self.owed: defaultdict[str, list[str]] = defaultdict(list)
        """Per incident, the ids in the order in which they were owed."""
        self.taken: defaultdict[str, list[str]] = defaultdict(list)
        self.dropped: dict[str, DeliveryStatus] = {}
        self.missed: set[str] = set()
        self.unsendable: set[str] = set()
        self.under_way: list[Item] = []
        self.began: dict[Item, float] = {}

    def owe(self, name: str, event: Event, severity: Severity = Severity.WARNING) -> None:
        self.count += 1
        notification = a_page(self.open[name], event, severity, self.count)
        self.owed[self.open[name]].append(notification.id)
        self.backlog.feed(notification, self.now)

    @rule(name=INCIDENTS, severity=st.sampled_from(Severity))
    def an_incident_opens(self, name: str, severity: Severity) -> None:
        if name not in self.open:
            self.open[name] = f"{name}{self.count}"
            self.owe(name, Event.OPENED, severity)

    @rule(name=INCIDENTS, event=st.sampled_from([Event.CHANGED, Event.REMINDED]))
    def it_is_told_anew(self, name: str, event: Event) -> None:
        if name in self.open:
            self.owe(name, event)

    @rule(name=INCIDENTS, event=st.sampled_from(sorted(ENDINGS)), is_owed=st.booleans())
    def it_ends(self, name: str, event: Event, is_owed: bool) -> None:
        if name in self.open:
            if is_owed or self.taken[self.open[name]]:
                self.owe(name, event)
            self.backlog.end(self.open.pop(name))

    @rule(seconds=st.sampled_from([0.5, 1.0, 7.0, 31.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    @rule()
    def look(self) -> None:
        for dropped in self.backlog.drop(self.now):
            for item, status in dropped.items:
                self.dropped[item.notification.id] = status
                if dropped.missed:
                    self.missed.add(str(item.notification.incident))
        places = len(self.under_way)
        while (started := self.backlog.next(self.now)) is not None:
            self.under_way.append(started)
            self.began[started] = self.now
            assert len(self.under_way) <= 4
            assert places == 0 or not self.backlog.circuit.is_open, "one at a time"
            places += 1
            assert started.notification.incident not in [other.notification.incident for other in self.under_way[:-1]]

    @precondition(lambda self: self.under_way)
    @rule(outcome=OUTCOMES, which=st.integers(0, 3))
    def an_attempt_ends(self, outcome: DeliveryError | None, which: int) -> None:
        item = self.under_way.pop(which % len(self.under_way))
        if outcome is None:
            self.backlog.taken(item, self.now)
            self.taken[str(item.notification.incident)].append(item.notification.id)
            self.backlog.done(item)
            assert not self.backlog.circuit.is_open
        else:
            self.backlog.failed(item, outcome, self.began[item], self.now)
        if outcome is UNSENDABLE:
            self.unsendable.add(item.notification.id)
            self.backlog.done(item, lost=item.notification.event is Event.OPENED)
        self.backlog.abandon(item, self.now)

    @rule()
    def the_settings_change(self) -> None:
        self.backlog.release(self.now)

    @invariant()
    def nothing_overtakes_and_no_end_is_without_its_beginning(self) -> None:
        for incident, taken in self.taken.items():
            order = [self.owed[incident].index(identity) for identity in taken]
            assert order == sorted(set(order))
            assert order[:1] in ([], [0]), "the opened comes first"

    @invariant()
    def an_opened_waits_is_taken_or_is_in_the_digest(self) -> None:
        waiting = {item.notification.id for item in self.backlog.items()}
        for incident, owed in self.owed.items():
            where = [owed[0] in waiting, owed[0] in self.taken[incident], incident in self.missed]
            where.append(owed[0] in self.unsendable)
            assert where.count(True) == 1
            if incident in self.missed:
                assert incident not in self.open.values(), "what goes on is never given up"
                assert not any(identity in waiting for identity in owed[1:])

    @invariant()
    def whatever_is_owed_is_accounted_for(self) -> None:
        waiting = {item.notification.id for item in self.backlog.items()}
        for incident, owed in self.owed.items():
            for identity in owed:
                ended = (self.taken[incident], self.dropped, self.unsendable)
                assert (identity in waiting) + sum(identity in those for those in ended) == 1

    def teardown(self) -> None:
        """A receiver that works again gets everything that waits, in one go."""
        for item in self.under_way:
            self.backlog.failed(item, BUSY, self.began[item], self.now)
        self.backlog.release(self.now)
        self.under_way.clear()
        for _ in range(1000):
            self.look()
            if not self.under_way:
                break
            while self.under_way:
                self.an_attempt_ends(None, 0)
        assert list(self.backlog.items()) == []
        self.nothing_overtakes_and_no_end_is_without_its_beginning()
        self.whatever_is_owed_is_accounted_for()


TestDelivering = Delivering.TestCase
TestDelivering.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_nothing_that_cannot_be_sent_keeps_its_lane() -> None:
    backlog = a_backlog()
    backlog.feed(a_page("a"), 0.0)
    item = backlog.next(0.0)
    assert item is not None
    backlog.failed(item, UNSENDABLE, 0.0, 0.0)
    backlog.done(item, lost=True)
    assert list(backlog.items()) == []
    assert backlog.circuit.failing_since is None
