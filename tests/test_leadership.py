"""Several daemons of one name over one instance row, with sessions lost, servers away, processes stalled and killed."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.leadership import (
    Action,
    Role,
    Row,
    Standby,
    Tenure,
    Timings,
    acts,
    claimed,
    confirm,
    may_write,
    unanswered,
    wake,
    watch,
)

TIMINGS = Timings()
TICK = 0.5
WITHIN = 20.0
"""Seconds in which one leads again, whatever has become of the leader."""


@dataclass
class Server:
    """The instance row, and which session holds the lock of which term."""

    up: bool = True
    since: float = 0.0
    """When it came up."""
    term: int = 0
    beat: int = 0
    locks: dict[int, Node] = field(default_factory=dict)

    def lose_session(self, node: Node) -> None:
        self.locks = {term: holder for term, holder in self.locks.items() if holder is not node}


@dataclass(eq=False)
class Node:
    """One daemon, as the driver runs it: looks every two seconds while it is not stalled."""

    server: Server
    now: float
    standby: Standby = field(default_factory=Standby)
    tenure: Tenure | None = None
    stalled_until: float = 0.0
    looks_at: float = 0.0

    def wake(self, now: float) -> None:
        """What it does before its timers have fired."""
        self.now = now
        if self.tenure is not None and now >= self.stalled_until:
            self.tenure = wake(self.tenure, now, TIMINGS)

    def turn(self) -> None:
        unsure = self.tenure is not None and self.tenure.unsure
        if self.now >= self.stalled_until and (unsure or self.now >= self.looks_at):
            self.looks_at = self.now + (TIMINGS.look if self.tenure else TIMINGS.watch)
            self.look(self.now)

    def look(self, now: float) -> None:
        if not self.server.up:
            self.standby = Standby()
            if self.tenure is not None:
                self.tenure = unanswered(self.tenure, now, now, TIMINGS)
            return
        if self.tenure is None:
            row = Row(now, self.server.term, self.server.beat, self.server.term not in self.server.locks)
            self.standby, action = watch(self.standby, row, TIMINGS)
            if action is not Action.WAIT:
                self.server.term, self.server.beat = row.term + 1, 1
                self.server.locks[row.term + 1] = self
                self.standby, self.tenure = Standby(), claimed(row, now, TIMINGS)
            return
        self.tenure = confirm(self.tenure, now, self.server.term, TIMINGS)
        if self.tenure.role is Role.FENCED:
            self.server.lose_session(self)
            self.tenure = None
        else:
            self.server.beat += 1
            self.server.locks[self.server.term] = self

    def kill(self) -> None:
        self.server.lose_session(self)
        self.standby, self.tenure = Standby(), None

    def end(self) -> None:
        if self.tenure is not None and self.tenure.role is Role.LEADER and self.server.up:
            self.server.beat = 0
        self.kill()

    def acting(self) -> bool:
        return self.now >= self.stalled_until and self.tenure is not None and acts(self.tenure)


def passes(server: Server, nodes: list[Node], begin: float, seconds: float) -> float:
    """Time passes; never more than one acts while the server answers, but for the first look after it did not."""
    ticks = round(seconds / TICK)
    for n in range(1, ticks + 1):
        now = begin + n * TICK
        for step in (lambda node, now=now: node.wake(now), Node.turn):
            for node in nodes:
                step(node)
            if server.up and now > server.since + TIMINGS.look:
                assert sum(node.acting() for node in nodes) <= 1
    return begin + ticks * TICK


NUMBER = st.integers(0, 2)
LENGTH = st.sampled_from([0.5, 3.5, 4.5, 6.0, 13.0, 20.0, 40.0]) | st.floats(0.5, 40.0)
PAUSE = st.sampled_from([0.0, 1.0, 20.0]) | st.floats(0.0, 30.0)
WHAT = st.sampled_from(["stall", "kill", "end", "terminate", "server down", "server up"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(WHAT, NUMBER, LENGTH, PAUSE), max_size=12),
    st.lists(st.floats(0.0, 2.0), min_size=3, max_size=3),
)
def test_never_two_act_and_one_does_within_twenty_seconds(
    events: list[tuple[str, int, float, float]], phases: list[float]
) -> None:
    server = Server()
    nodes = [Node(server, 0.0, looks_at=phase) for phase in phases]
    now = passes(server, nodes, 0.0, WITHIN)
    for what, number, length, pause in events:
        node = nodes[number]
        match what:
            case "stall":
                node.stalled_until = now + length
            case "kill":
                node.kill()
            case "end":
                node.end()
            case "terminate":
                server.lose_session(node)
            case "server down":
                server.up = False
            case "server up":
                if not server.up:
                    server.locks.clear()
                    server.since = now
                server.up = True
        now = passes(server, nodes, now, pause)
    if not server.up:
        server.locks.clear()
        server.since = now
    server.up = True
    for node in nodes[:2]:
        node.stalled_until = min(node.stalled_until, now)
    now = passes(server, nodes, now, WITHIN)
    assert sum(node.acting() for node in nodes) == 1


def test_a_leader_goes_on_without_the_database_but_writes_no_objects_for_long() -> None:
    tenure = confirm(claimed(Row(0.0, 0, 0, free=True), 0.0, TIMINGS), 0.1, 1, TIMINGS)
    for at in range(1, 15):
        tenure = unanswered(tenure, float(at), float(at), TIMINGS)
    assert acts(tenure)
    assert may_write(tenure, 15.0, TIMINGS)
    tenure = unanswered(tenure, 15.2, 15.2, TIMINGS)
    assert acts(tenure)
    assert not may_write(tenure, 15.2, TIMINGS)
    assert may_write(confirm(tenure, 16.0, 1, TIMINGS), 16.0, TIMINGS)


def test_whoever_stalled_looks_before_it_acts() -> None:
    tenure = confirm(claimed(Row(0.0, 0, 0, free=True), 0.0, TIMINGS), 0.1, 1, TIMINGS)
    assert acts(wake(tenure, 5.0, TIMINGS))
    tenure = wake(tenure, 5.2, TIMINGS)
    assert not acts(tenure)
    assert not acts(wake(tenure, 5.3, TIMINGS))
    assert acts(confirm(tenure, 5.4, 1, TIMINGS))
    assert confirm(tenure, 5.4, 2, TIMINGS).role is Role.FENCED


def test_whoever_stalled_in_the_middle_of_a_look_looks_again_before_it_acts() -> None:
    tenure = confirm(claimed(Row(0.0, 0, 0, free=True), 0.0, TIMINGS), 0.1, 1, TIMINGS)
    assert acts(unanswered(tenure, 2.0, 7.5, TIMINGS))  # a look that was cut off, on a busy machine
    tenure = wake(unanswered(tenure, 2.0, 62.0, TIMINGS), 62.1, TIMINGS)
    assert not acts(tenure)
    assert acts(unanswered(tenure, 62.1, 62.2, TIMINGS))
    assert confirm(tenure, 62.2, 2, TIMINGS).role is Role.FENCED


def test_whoever_was_fenced_stays_so() -> None:
    fenced = confirm(claimed(Row(0.0, 0, 0, free=True), 0.0, TIMINGS), 0.1, 2, TIMINGS)
    assert confirm(fenced, 0.2, 1, TIMINGS).role is Role.FENCED
