"""The alerting core as a state machine: whatever may happen to an estate, and what must hold after each step.

Every step is given to two timelines: one that other processes go on with, through the real tables, and one that is
never cut. Both must notify of the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pacs_monitor.alerting import fallbacks, hours
from pacs_monitor.alerting.advance import advance
from pacs_monitor.alerting.events import (
    ChannelFailing,
    ChannelWorks,
    ClockSet,
    Due,
    Event,
    Happening,
    KnownAgain,
    LateDelivered,
    Measured,
    OpenedRefused,
    PageLate,
    Reloaded,
    SiteCut,
    SiteReached,
    Started,
    TasksFailing,
    Transitioned,
    UnknownSince,
    event_id,
)
from pacs_monitor.alerting.holds import SUSPECT_FOR
from pacs_monitor.alerting.parents import confirmed_within, fresh_within
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation, Subject
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.alerting.turn import Notice, Owed, OwedDigest
from pacs_monitor.alerting.undelivered import NOTHING_LATE
from pacs_monitor.alerting.words import Extend, Finish, Hold, Plan, Resume
from pacs_monitor.config import Estate
from pacs_monitor.config.estate import Route
from pacs_monitor.fields import Match
from pacs_monitor.model import (
    BEHIND_PARENT,
    ENDINGS,
    ONCALL,
    SECOND,
    CheckId,
    DeliveryStatus,
    Ending,
    IncidentKind,
    Micros,
    Paging,
    Presence,
    Reason,
    State,
    Suppressed,
    Transition,
    Why,
)
from pacs_monitor.model import Event as Said
from pacs_monitor.rota import OnCall
from pacs_monitor.windows import Pause, Window
from tests.alerting.play import T0, an_estate
from tests.alerting.tables import Tables

HEAD = """
monitor: {name: east-campus, paging: on, site: east}
channels:
  hook: {type: webhook, url: "http://127.0.0.1:1/"}
  oncall: {type: webhook, url: "http://127.0.0.1:1/", fallback: {channel: second, after: 2m}}
  second: {type: webhook, url: "http://127.0.0.1:1/", fallback: {channel: hook}}
  anna: {type: webhook, url: "http://127.0.0.1:1/", fallback: {channel: second}}
oncall: {it: {rota: rota.yaml, otherwise: [hook], covers: "Mon-Sun 00:00-16:25, Mon-Sun 16:35-24:00"}}
calendars:
  core:
    hours: "Mon-Sun 00:00-16:08, Mon-Sun 16:20-16:50, Mon-Sun 17:05-18:00, Mon-Sun 18:30-24:00"
    opening_grace: 3m
routes:
  - match: {severity: critical}
    channels: [oncall]
    oncall: it
    remind: 10m
    escalate: [{after: 5m, channels: [second]}, {after: 11m, channels: [oncall, second], oncall: it}]
    continue: true
  - {match: {severity: [critical, warning]}, channels: [hook], remind: 15m, calendar: core}
default_route: {channels: [hook]}
defaults: {page_after: 1m, interval: 60s}
"""
ROTA = """
people: {anna: {channels: anna}, ben: {channels: second}}
shifts: [{order: [anna, ben], start: 2025-11-24, handover: "15:55, 16:03, 16:12, 16:20, 16:41, 16:52, 17:15, 17:40"}]
vacations:
  - {who: anna, from: 2025-11-24 17:05, to: 2025-11-24 17:20}
  - {who: ben, from: 2025-11-24 17:00, to: 2025-11-24 17:10}
"""
"""Shifts as short as the rest of the plays: time that is not covered, a vacation, a gap."""
NODES = """nodes:
  fw: {host: 10.0.0.1, role: network, checks: {ping: {severity: critical}}}
  core-a: {host: 10.0.0.2, site: east, role: network, checks: {ping: }}
  core-b: {host: 10.0.0.3, site: east, role: network, checks: {ping: {retry_interval: 5s}}}
  archive:
    host: 10.0.0.5
    site: east
    dicom: {port: 4242, ae_title: ARCHIVE}
    depends_on: [fw, {any: [core-a, core-b]}]
    checks:
      dicom_echo: {severity: critical}
      dicom_find: {page_after: 0s}
      tcp: {port: 4242}
      web: {probe: http, url: "http://10.0.0.5", severity: info}
"""
WEST = "".join(
    f"  n{n}: {{site: west, host: 10.1.0.{n}, {'depends_on: [fw], ' if n < 3 else ''}"
    f"checks: {{ping: {{severity: {('warning', 'critical', 'info')[n % 3]}, page_after: {n % 2}m}}}}}}\n"
    for n in range(1, 7)
)
ROOMS = "".join(
    f"  ct{n}: {{site: rooms, host: 10.2.0.{n}, presence: intermittent, checks: {{ping: }}}}\n" for n in range(1, 7)
)
REASONS = {
    State.UP: (None,),
    State.DEGRADED: (Reason.SLOW, Reason.TOO_FEW, Reason.OVER_LIMIT),
    State.DOWN: (
        Reason.TCP_TIMEOUT,
        Reason.TCP_REFUSED,
        Reason.DNS,
        Reason.ACSE_TIMEOUT,
        Reason.DIMSE_TIMEOUT,
        Reason.OUT_OF_RESOURCES,
        Reason.TOO_FEW,
    ),
    State.ABSENT: (Reason.TCP_TIMEOUT,),
    State.UNKNOWN: (Reason.DNS, Reason.AUTH, Reason.PAUSED),
}
WAYS = [(state, reason) for state, reasons in REASONS.items() for reason in reasons]
MATCHES = (
    Match(),
    Match(node=("archive",)),
    Match(site=("west",)),
    Match(site=("rooms", "east")),
    Match(severity=("critical",)),
    Match(node=("n1", "n2", "fw")),
)
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""No disk keeps a thousand databases waiting."""
CHANNELS = ("hook", "oncall", "second", "anna")


@cache
def whole_estate() -> Estate:
    with TemporaryDirectory() as folder:
        (Path(folder) / "rota.yaml").write_text(ROTA)
        return an_estate(Path(folder), NODES + WEST + ROOMS, HEAD)


def like(
    estate: Estate,
    paging: Paging = Paging.ON,
    leaving: frozenset[CheckId] = frozenset(),
    channels: Iterable[str] = CHANNELS,
    *,
    routed: bool = True,
) -> Estate:
    """Another revision: checks that left never come back, channels do."""
    every, kept = whole_estate(), frozenset(channels)
    checks = {i: replace(check, paging=paging) for i, check in estate.checks.items() if i not in leaving}
    routes = [_through(route, kept) for route in every.routes] if routed else []
    default = _through(every.default_route, kept)
    return replace(
        estate,
        checks=checks,
        channels={name: channel for name, channel in every.channels.items() if name in kept},
        routes=tuple(routes),
        default_route=default,
        oncall={name: _leading(oncall, kept) for name, oncall in every.oncall.items()},
    )


def _leading(oncall: OnCall, kept: frozenset[str]) -> OnCall:
    """The rota, to these channels only."""
    people = tuple((who, tuple(c for c in channels if c in kept)) for who, channels in oncall.people)
    return replace(oncall, people=people, otherwise=tuple(c for c in oncall.otherwise if c in kept))


def _through(route: Route, kept: frozenset[str]) -> Route:
    """The route with these channels only."""
    steps = (replace(step, channels=tuple(c for c in step.channels if c in kept)) for step in route.escalate)
    return replace(route, channels=tuple(c for c in route.channels if c in kept), escalate=tuple(steps))


class Page(NamedTuple):
    """What somebody is notified of, whatever its ids."""

    at: Micros
    event: str
    channel: str
    status: str
    page: int
    worse: bool
    kind: str
    cause: str
    severity: str
    state: str
    members: tuple[CheckId, ...]
    behind: tuple[str, ...]
    instead_of: str = ""


def page_of(owed: Owed) -> Page:
    one = owed.incident
    members, behind = tuple(sorted(one.members)), tuple(sorted(owed.behind))
    return Page(
        owed.at,
        owed.event,
        owed.channel,
        owed.status,
        owed.page,
        owed.worse,
        one.kind,
        one.cause,
        one.severity,
        one.state,
        members,
        behind,
        owed.instead_of,
    )


def digest_of(owed: OwedDigest) -> Page:
    over, going_on = (tuple(sorted(one.cause for one in some)) for some in (owed.over, owed.going_on))
    cause, members = f"over {over}, open {going_on}", tuple(sorted(c for one in owed.incidents for c in one.members))
    return Page(owed.at, Said.DIGEST, owed.channel, owed.status, 1, False, "digest", cause, "", "", members, ())


@dataclass
class Run:
    """A timeline, and what came of it."""

    timeline: Timeline
    pages: list[Page] = field(default_factory=list)
    """Not compared yet."""
    suppressed: list[tuple[str, ...]] = field(default_factory=list)
    """Likewise."""
    unwritten: list[Decided] = field(default_factory=list)

    @property
    def situation(self) -> Situation:
        return self.timeline.situation


Moves = tuple[float, tuple[tuple[CheckId, State, Reason | None], ...]]
"""After so many seconds, the checks that move at the same moment."""
Story = tuple[Moves, ...]


class Machine(RuleBasedStateMachine):
    """Steps and invariants."""

    steps = 0
    """Of all runs of this process."""
    restarts = 0
    late = 0
    """Pages that were not delivered in time."""

    def __init__(self) -> None:
        super().__init__()
        Machine.steps -= 1  # the first one is no step
        self.stack = ExitStack()
        self.estate, self.now, self.serial = whole_estate(), T0, 0
        folder = Path(self.stack.enter_context(TemporaryDirectory(dir=IN_MEMORY)))
        self.tables = Tables(folder, self.estate, self.now)
        self.stack.callback(self.tables.close)
        self.cut, self.whole = (Run(self._timeline(self._restored())) for _ in range(2))
        self.world: dict[CheckId, tuple[State, Reason | None]] = {}
        self.spells: dict[CheckId, UnknownSince] = {}
        self.failing: set[str] = set()
        self.cuts: set[str] = set()
        self.lanes: defaultdict[tuple[str, str], list[Owed]] = defaultdict(list)
        self.unsent: set[tuple[str, str]] = set()
        """Ends of channels that had left."""
        self.ended: dict[str, Ending | None] = {}
        self.lost: set[tuple[str, str]] = set()
        self.waiting: dict[tuple[str, str], Micros] = {}
        self.was_set = False
        self.tell(Started())

    def teardown(self) -> None:
        self.stack.close()

    @initialize()
    def every_check_is_up(self) -> None:
        for check in self.estate.checks:
            self.world[check] = State.UP, None
            self.tell(Transitioned(Transition(check, State.UNKNOWN, State.UP, None, self.now, self.now)))

    @rule(seconds=st.sampled_from([1, 15, 31, 61, 299, 700]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        for run in (self.cut, self.whole):
            self._take(run, run.timeline.pass_until(self.now))

    @rule(data=st.data(), way=st.sampled_from(WAYS), ago=st.sampled_from([0, 20, 90]))
    def a_check_moves(self, data: st.DataObject, way: tuple[State, Reason | None], ago: int) -> None:
        self._move(data.draw(st.sampled_from(sorted(self.world))), *way, ago)

    @rule(data=st.data(), way=st.sampled_from(WAYS), seconds=st.sampled_from([0, 0, 1, 10]))
    def many_move(self, data: st.DataObject, way: tuple[State, Reason | None], seconds: int) -> None:
        for check in data.draw(st.lists(st.sampled_from(sorted(self.world)), min_size=3, max_size=8, unique=True)):
            self.time_passes(seconds)
            self._move(check, *way, 20)

    @rule(data=st.data(), times=st.integers(3, 6), seconds=st.sampled_from([10, 70]))
    def a_check_comes_and_goes(self, data: st.DataObject, times: int, seconds: int) -> None:
        check = data.draw(st.sampled_from(sorted(whole_estate().checks)))
        for _ in range(times):
            self._move(check, State.DOWN, Reason.TCP_TIMEOUT, 0)
            self.time_passes(seconds)
            self._move(check, State.UP, None, 0)

    @rule(site=st.sampled_from(["west", "rooms"]), skip=st.integers(0, 3), seconds=st.sampled_from([0, 1, 10]))
    def a_site_is_lost(self, site: str, skip: int, seconds: int) -> None:
        state = State.DOWN if site == "west" else State.ABSENT
        for check in self._of_site(site)[skip:]:
            self.time_passes(seconds)
            self._move(check, state, Reason.TCP_TIMEOUT, 20)

    @rule(site=st.sampled_from(["west", "rooms", "east"]), skip=st.integers(0, 3))
    def a_site_is_back(self, site: str, skip: int) -> None:
        for check in self._of_site(site)[skip:]:
            self._move(check, State.UP, None, 0)

    @precondition(lambda self: self.cut.situation.asked)
    @rule(data=st.data(), leaning=st.booleans())
    def a_check_that_was_asked_answers(self, data: st.DataObject, leaning: bool) -> None:
        self.tell(Measured(data.draw(st.sampled_from(sorted(self.cut.situation.asked))), leaning))

    @precondition(lambda self: self.cut.situation.asked)
    @rule()
    def all_that_were_asked_answer(self) -> None:
        for check in sorted(self.cut.situation.asked):
            self.tell(Measured(check))

    @rule(
        paging=st.sampled_from(Paging),
        leaving=st.sets(st.sampled_from(sorted(whole_estate().checks)), max_size=2),
        channels=st.sets(st.sampled_from(CHANNELS)),
        routed=st.booleans(),
    )
    def the_estate_is_reloaded(self, paging: Paging, leaving: set[CheckId], channels: set[str], routed: bool) -> None:
        self._reload(like(self.estate, paging, frozenset(leaving), channels, routed=routed))

    @rule(data=st.data())
    def a_channel_refuses_its_opened(self, data: st.DataObject) -> None:
        if not (told := self._told()):
            return
        subject, channel = data.draw(st.sampled_from(told))
        twin = self.twin(subject)
        if twin is not None:
            self.lost.add((subject.incident.id, channel))
            self.happen(self.cut, OpenedRefused(subject.incident.id, channel))
            self.happen(self.whole, OpenedRefused(twin.incident.id, channel))

    @rule(data=st.data())
    def a_page_is_late_or_delivered_after_all(self, data: st.DataObject) -> None:
        if not (told := self._told()):
            return
        subject, channel = data.draw(st.sampled_from(told))
        twin = self.twin(subject)
        if twin is not None:
            what = LateDelivered if channel in subject.undelivered.late else PageLate
            Machine.late += what is PageLate
            self.happen(self.cut, what(subject.incident.id, channel))
            self.happen(self.whole, what(twin.incident.id, channel))

    @rule(channel=st.sampled_from(CHANNELS))
    def a_channel_fails_or_works(self, channel: str) -> None:
        self.failing ^= {channel}
        self.tell(ChannelFailing(channel, self.now, "http_401") if channel in self.failing else ChannelWorks(channel))

    @rule(site=st.sampled_from(["west", "rooms"]))
    def a_site_is_cut_off_or_reached(self, site: str) -> None:
        self.cuts ^= {site}
        self.tell(SiteCut(site, self.now) if site in self.cuts else SiteReached(site))

    @rule(tasks=st.sets(st.sampled_from(["heartbeat", "page"])))
    def tasks_fail(self, tasks: set[str]) -> None:
        self.tell(TasksFailing(tuple(sorted(tasks))))

    @rule(step=st.sampled_from([-3600, -90, 90, 3600]))
    def the_clock_is_set(self, step: int) -> None:
        self.tell(Measured(next(iter(whole_estate().checks)), leaning=True))  # nothing comes of it, but it is that late
        self.now += step * SECOND
        self.was_set = True
        for run in (self.cut, self.whole):
            self._take(run, [run.timeline.clock_set(self.now, ClockSet(step * SECOND))])
            self._take(run, run.timeline.pass_until(self.now))
        self.waiting = {key: since + step * SECOND for key, since in self.waiting.items()}
        self.spells = {c: replace(spell, since=spell.since + step * SECOND) for c, spell in self.spells.items()}

    @rule(
        match=st.sampled_from(MATCHES),
        start=st.sampled_from([-90, 0, 120]),
        lasts=st.sampled_from([100, 1000, 4000]),
        notify=st.sampled_from(["", "hook"]),
    )
    def maintenance_is_planned(self, match: Match, start: int, lasts: int, notify: str) -> None:
        begin = self.now + start * SECOND
        name = self._identity(self.now)
        self.tell(Plan(Window(name, "patching", match, begin, begin + lasts * SECOND, notify=notify)))

    @precondition(lambda self: self.cut.situation.windows)
    @rule(data=st.data(), seconds=st.sampled_from([-60, 0, 0, 600, 2000]))
    def maintenance_is_extended_or_ended(self, data: st.DataObject, seconds: int) -> None:
        window = data.draw(st.sampled_from(sorted(self.cut.situation.windows)))
        later = self.cut.situation.windows[window].window.end + seconds * SECOND
        self.tell(Extend(window, "it-duty", later) if seconds else Finish(window, "it-duty"))

    @rule(match=st.sampled_from(MATCHES), other=st.sampled_from(MATCHES), seconds=st.sampled_from([20, 900]))
    def checks_are_paused_and_some_resumed(self, match: Match, other: Match, seconds: int) -> None:
        until = self.now + seconds * SECOND
        self.tell(Hold(Pause(self._identity(self.now), match, "it-duty", self.now, until)))
        self.tell(Resume(other, "it-duty"))

    @rule(slices=st.integers(1, 3))
    def another_process_goes_on(self, slices: int) -> None:
        Machine.restarts += 1
        self._write(slices)
        situation = self._restored()
        blind = [s.incident.members for s in situation.subjects.values() if s.incident.kind is IncidentKind.BLIND]
        members = {member for each in blind for member in each}
        known = tuple(spell for check, spell in self.spells.items() if check in members)
        dated = not self.was_set  # the ledger is not redated, and a process that begins knows of its times alone
        assert _notes(situation, dated=dated) == _notes(self.whole.situation, dated=dated)
        known_to_the_record = {check: (one.window, one.since) for check, one in situation.covered.items()}
        assert known_to_the_record == {c: (one.window, one.since) for c, one in self.whole.situation.covered.items()}
        assert self.tables.open_spans() == {c: [one.since] for c, one in situation.behind.items()}
        self.cut.timeline = self._timeline(situation)
        self.happen(self.whole, TasksFailing(()))
        self.happen(self.cut, Started(unknown=known))
        for check, spell in self.spells.items():
            if check not in members:
                self.happen(self.cut, spell)

    @rule()
    def all_is_well_again(self) -> None:
        self._reload(like(self.estate))
        for check in sorted(self.world):
            self._move(check, State.UP, None, 0)
        for channel in sorted(self.failing):
            self.tell(ChannelWorks(channel))
        self.failing.clear()
        for site in sorted(self.cuts):
            self.a_site_is_cut_off_or_reached(site)
        self.tell(TasksFailing(()))
        self.time_passes(700)
        self.time_passes(1200)  # what has flapped is over
        for run in (self.cut, self.whole):
            causes = {subject.incident.cause for subject in run.situation.subjects.values()}
            assert not {cause for cause in causes if not cause.startswith(ONCALL)}, "nothing is open for ever"
        assert not self.tables.open_spans() or self.cut.unwritten, "nothing is behind anything for ever"

    @invariant()
    def both_notify_of_the_same(self) -> None:
        Machine.steps += 1
        assert sorted(self.cut.pages) == sorted(self.whole.pages)
        assert sorted(self.cut.suppressed) == sorted(self.whole.suppressed)
        for run in (self.cut, self.whole):
            run.pages.clear()
            run.suppressed.clear()
        assert dict(self.cut.situation.asked) == dict(self.whole.situation.asked)

    @invariant()
    def asking_twice_owes_nothing_twice(self) -> None:
        situation, rules = self.cut.situation, self.cut.timeline.rules
        once_more: list[Happening] = [Reloaded(rules.revision), *map(Due, situation.subjects)]
        for again in once_more:
            _, effects = advance(situation, Event(event_id(self.now, 0), situation.at, again), rules)
            assert (effects.owed, effects.digests, effects.suppressed, effects.incidents) == ([], [], [], {}), effects

    @invariant()
    def every_lane_begins_with_opened_and_has_one_end(self) -> None:
        for lane, told in self.lanes.items():
            identity, _ = lane
            real = [owed.event for owed in told if owed.status is DeliveryStatus.PENDING]
            opening = [owed for owed in told if owed.event is Said.OPENED or owed.first]
            paged = [owed for owed in opening if owed.status is DeliveryStatus.PENDING]
            assert told[0] is opening[0], "nothing comes before what opens it there"
            assert len(paged) <= 1, "nobody is notified twice"
            sent = [owed for owed in told if owed.status is DeliveryStatus.PENDING]
            assert not sent or sent[0] in paged or lane in self.lost
            ends = [owed for owed in told if owed.event in ENDINGS]
            assert len(ends) == (identity in self.ended and lane not in self.unsent), "one end for whatever was opened"
            if ends:
                assert told[-1] is ends[0]
                assert (ends[0].status is DeliveryStatus.DROPPED) == (lane in self.lost)
                assert (ends[0].status is DeliveryStatus.PENDING) == (bool(real) and lane not in self.lost)

    @invariant()
    def one_incident_is_open_per_cause_and_channel(self) -> None:
        """Or several that are linked, since they were sent before their cause was known."""
        told: defaultdict[tuple[Any, str], list[Subject]] = defaultdict(list)
        for subject in self.cut.situation.subjects.values():
            for channel in subject.notified:
                told[subject.key, channel].append(subject)
        for several in told.values():
            links = [{one.incident.id, *one.incident.linked} for one in several]
            while len(links) > 1:
                first, *rest = links
                joined = [other for other in rest if first & other]
                assert joined, "several are open for one cause and channel, and not linked"
                links = [first.union(*joined), *(other for other in rest if not first & other)]

    @invariant()
    def a_dead_parent_mutes_no_child_that_fails_beyond_connecting(self) -> None:
        """Nor is it said to be muted, once its page waits no more for a fresh result."""
        situation = self.cut.situation
        for subject in situation.subjects.values():
            wrong = subject.incident.in_trouble
            if self._is_awaited(subject):
                continue
            if any(problem.reason not in BEHIND_PARENT for problem in wrong):
                assert "dependency" not in {held.why for held in subject.suppressed.values()}, subject

    @invariant()
    def maintenance_mutes_what_it_covers_and_no_longer_than_that(self) -> None:
        """Nor is it said to mute it, once its page waits no more for a fresh result."""
        situation, rules = self.cut.situation, self.cut.timeline.rules
        for held in situation.windows.values():
            assert held.begun == held.window.holds(self.now)
        for check, cover in situation.covered.items():
            window = situation.windows[cover.window].window
            assert window.holds(self.now)
            assert check in rules.covered(window.match)
        for subject in situation.subjects.values():
            if self._is_awaited(subject):
                continue
            for row in subject.suppressed.values():
                if row.why == "maintenance" and subject.incident.kind is IncidentKind.NODE:
                    after = [
                        situation.overran[p.check].due for p in subject.incident.active if p.check in situation.overran
                    ]
                    covered = any(problem.check in situation.covered for problem in subject.incident.active)
                    assert covered or max(after, default=0) > self.now, row

    @invariant()
    def nothing_is_held_longer_than_its_deadline(self) -> None:
        rules, waiting = self.cut.timeline.rules, dict[tuple[str, str], Micros]()
        for identity, subject in self.cut.situation.subjects.items():
            targets = rules.targets(subject.incident, self.cut.situation)
            for channel, target in fallbacks.added(rules, subject, targets).items():
                due = min((p.due for p in target.problems), default=subject.due)
                told = subject.notified.get(channel)
                shift = not target.named and any(subject.oncall.get(rota) for rota in target.oncall)
                if shift:
                    continue  # who comes on call later is told by the next reminder
                if told is None and due <= self.now and (Said.OPENED, channel) not in subject.suppressed:
                    waiting[identity, channel] = self.waiting.get((identity, channel), self.now)
        self.waiting = waiting
        for key, since in waiting.items():
            assert self.now - since <= LONGEST_HOLD, key

    @invariant()
    def the_indexes_agree_with_the_subjects(self) -> None:
        for run in (self.cut, self.whole):
            _check_indexes(run.situation)

    def _is_awaited(self, subject: Subject) -> bool:
        """Whether its page may wait for fresh results, of parents too: until then, what is on record of it stands."""
        situation, rules = self.cut.situation, self.cut.timeline.rules
        wrong = {problem.check for problem in subject.incident.in_trouble}
        parents = {rules.reachability.get(node) for check in wrong for node in rules.parent_nodes(check.node)}
        waits = [asked.until for check, asked in situation.asked.items() if check in wrong | parents]
        waits += [site.suspect_until for site in situation.sites.values()]
        return max(waits, default=0) > self.now

    def tell(self, what: Happening) -> None:
        for run in (self.cut, self.whole):
            self.happen(run, what)

    def _told(self) -> list[tuple[Subject, str]]:
        """Who was notified of what is open, for real."""
        return [
            (subject, channel)
            for _, subject in sorted(self.cut.situation.subjects.items())
            for channel, one in sorted(subject.notified.items())
            if not one.shadow
        ]

    def twin(self, subject: Subject) -> Subject | None:
        """The same incident of the run that is never cut."""
        twins = [one for one in self.whole.situation.subjects.values() if _same(one, subject)]
        return twins[0] if len(twins) == 1 else None

    def _move(self, check: CheckId, state: State, reason: Reason | None, ago: int) -> None:
        if check not in self.world:
            return
        if state is State.ABSENT and self.estate.checks[check].node.presence is not Presence.INTERMITTENT:
            state = State.DOWN
        before = self.world[check]
        other_class = state is before[0] in (State.DOWN, State.UNKNOWN) and reason is not before[1]
        if state is before[0] and not other_class:
            return
        self.world[check] = state, reason
        self.now += 1  # one check has no two transitions at one moment
        since = self.now - ago * SECOND
        self.tell(Transitioned(Transition(check, before[0], state, since - 60 * SECOND, since, self.now, reason)))
        if state is State.UNKNOWN and reason is not None:
            self.spells[check] = UnknownSince(check, self.now, reason)
            self.tell(self.spells[check])
        elif self.spells.pop(check, None) is not None:
            self.tell(KnownAgain(check))

    def _reload(self, estate: Estate) -> None:
        self.estate = estate
        self.failing &= estate.channels.keys()
        self.world = {check: way for check, way in self.world.items() if check in estate.checks}
        self.spells = {check: spell for check, spell in self.spells.items() if check in estate.checks}
        for run in (self.cut, self.whole):
            run.timeline.rules = Rules(estate)
        self._write(1)
        self.tables.adopt(estate, self.now)
        self.tell(Reloaded(estate.revision))

    def _of_site(self, site: str) -> list[CheckId]:
        return [check for check in sorted(self.world) if self.estate.checks[check].node.site == site]

    def _timeline(self, situation: Situation) -> Timeline:
        return Timeline(Rules(self.estate), self._identity, situation)

    def _restored(self) -> Situation:
        return self.tables.situation(self.estate, self.now)

    def _write(self, slices: int) -> None:
        size = -(-len(self.cut.unwritten) // slices) or 1
        for start in range(0, len(self.cut.unwritten), size):
            self.tables.write(self.cut.unwritten[start : start + size], self.now)
        self.cut.unwritten = []

    def _identity(self, moment: Micros) -> str:
        self.serial += 1
        return event_id(moment, self.serial)

    def happen(self, run: Run, what: Happening) -> None:
        """It happens, and what follows at that moment is decided."""
        self._take(run, run.timeline.happen(self.now, what))
        self._take(run, run.timeline.pass_until(self.now))

    def _take(self, run: Run, decisions: Iterable[Decided]) -> None:
        for decided in decisions:
            if decided.failure is not None:
                raise decided.failure
            run.pages += map(page_of, decided.effects.owed)
            run.pages += map(digest_of, decided.effects.digests)
            run.suppressed += map(_what, decided.effects.suppressed)
            run.suppressed += map(_noticed, decided.effects.notices)
            if run is self.cut:
                run.unwritten.append(decided)
                self._remember(decided)

    def _remember(self, decided: Decided) -> None:
        for owed in decided.effects.owed:
            before = self.lanes[owed.incident.id, owed.channel]
            if owed.event is Said.REMINDED and owed.incident.kind is IncidentKind.NODE:
                known = min(one.incident.severity.badness for one in before if one.status is before[-1].status)
                due = [one.severity.badness for one in owed.incident.in_trouble if one.due <= owed.at]
                assert min(due, default=known) >= known, "what is worse pages anew: no reminder says it first"
            real = any(one.status is DeliveryStatus.PENDING for one in before)
            assert not (real and owed.status is DeliveryStatus.SHADOW), "whoever was paged for real knows no shadow"
            before.append(owed)
            rules, subject = self.cut.timeline.rules, self.cut.situation.subjects.get(owed.incident.id)
            targets = rules.targets(owed.incident, self.cut.situation, every=True)
            target = (fallbacks.added(rules, subject, targets) if subject else targets).get(owed.channel)
            if target is not None and owed.event not in (*ENDINGS, Said.ACKNOWLEDGED):
                assert hours.pages_from(target.attended, owed.at) == owed.at, "nobody is told outside of their hours"
        for identity, incident in decided.effects.incidents.items():
            if incident.ended is not None:
                assert identity not in self.ended, "what has ended stays so"
                self.ended[identity] = incident.ending
        self.unsent |= {(row.incident, row.channel or "") for row in decided.effects.suppressed if _is_unsent_end(row)}


LONGEST_HOLD = max(
    SUSPECT_FOR,
    *(max(confirmed_within(check), fresh_within(check)) for check in whole_estate().checks.values()),
)


def _what(row: Suppressed) -> tuple[str, ...]:
    """What is suppressed, whatever the id of its incident."""
    return row.event, row.why, row.channel or "", row.detail, str(row.at), str(row.ended)


def _noticed(notice: Notice) -> tuple[str, ...]:
    failing = ",".join(map(str, notice.failing))
    return (
        notice.event,
        notice.channel,
        notice.window.id,
        str(notice.window.end),
        str(notice.at),
        failing,
        notice.status,
    )


def _is_unsent_end(row: Suppressed) -> bool:
    return row.why == Why.CHANNEL_REMOVED and row.event in ENDINGS


def _same(one: Subject, other: Subject) -> bool:
    """The same incident of two runs."""

    def what(subject: Subject) -> tuple[object, ...]:
        return subject.key, subject.incident.noticed, frozenset(subject.incident.members)

    return what(one) == what(other)


def _notes(situation: Situation, *, dated: bool) -> dict[str, object]:
    """What is known besides incidents, and must outlast a restart; `dated`: since when a parent was dead, too."""
    sites = {name: (s.suspect_until, dict(s.awaited), s.vanished, s.cut) for name, s in situation.sites.items()}
    escalated = [one for one in situation.subjects.values() if one.escalation is not None]
    return {
        "asked": dict(situation.asked),
        "behind": {check: one if dated else one.parent for check, one in situation.behind.items()},
        "digests": {
            channel: (digest.at, sorted((one.incident.cause, one.shadow) for one in digest.missed.values()))
            for channel, digest in situation.digests.items()
        },
        "closed": dict(situation.closed),
        "undelivered": sorted(
            (one.key, one.incident.noticed, one.undelivered.late, sorted(one.undelivered.instead.items()))
            for one in situation.subjects.values()
            if one.undelivered != NOTHING_LATE
        ),
        "escalations": sorted((one.key, one.incident.noticed, one.escalation) for one in escalated),
        "windows": dict(situation.windows),
        "pauses": dict(situation.pauses),
        "covered": dict(situation.covered),
        "overran": dict(situation.overran),
        "flaps": dict(situation.flaps),
        "recalled": dict(situation.recalled),
        "sites": {name: site for name, site in sites.items() if site != (0, {}, (), None)},
        "states": {check: (one.state, one.reason) for check, one in situation.standings.items()},
    }


def _check_indexes(situation: Situation) -> None:
    owners: dict[tuple[IncidentKind, str], str] = {}
    by_check: dict[CheckId, str] = {}
    by_node: defaultdict[str, set[str]] = defaultdict(set)
    for identity, subject in situation.subjects.items():
        assert subject.incident.id == identity
        assert subject.incident.ended is None
        if subject.incident.kind is IncidentKind.NODE:
            active = [problem.check for problem in subject.incident.active]
            assert active, "an incident without a problem is over"
            assert len({problem.check for problem in subject.incident.problems}) == len(subject.incident.problems)
            assert not by_check.keys() & set(active), "a check is in one incident"
            by_check |= dict.fromkeys(active, identity)
            by_node[active[0].node].add(identity)
        known = owners.get(subject.key)
        if known is None or subject.age() < situation.subjects[known].age():
            owners[subject.key] = identity
    assert dict(situation.by_check) == by_check
    assert {node: set(identities) for node, identities in situation.by_node.items()} == by_node
    found = {(kind, cause): one for kind, causes in situation.by_cause.items() for cause, one in causes.items()}
    assert found == owners


Order = Callable[[Iterable[tuple[Micros, Happening]]], list[tuple[Micros, Happening]]]


def pages_after(story: Story, estate: Estate, order: Order = list) -> Iterator[Page]:
    """What comes of transitions; checks that are asked answer never, so that holds count in full."""
    serial, decided = 0, list[Decided]()

    def identity(moment: Micros) -> str:
        nonlocal serial
        serial += 1
        return event_id(moment, serial)

    timeline, now = Timeline(Rules(estate), identity), T0
    states: dict[CheckId, State] = {}
    for seconds, moves in story:
        now += round(seconds * SECOND)
        moving: list[tuple[Micros, Happening]] = []
        for check, state, reason in moves:
            before, since = states.get(check, State.UP), now - 20 * SECOND
            if before is state:
                continue
            states[check] = state
            transition = Transition(check, before, state, since - 60 * SECOND, since, now, reason)
            moving.append((now, Transitioned(transition)))
        for moment, what in order(moving):
            decided += timeline.happen(moment, what)
    decided += timeline.pass_until(now + 4000 * SECOND)
    for one in decided:
        if one.failure is not None:
            raise one.failure
        yield from map(page_of, one.effects.owed)
