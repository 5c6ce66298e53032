"""One event after the other, in order of time: what it makes of the situation, and what is to be done. Pure.

`advance` is the same function for what happens now, for what is on record, and for what a scenario invents. It has no
clock: an event knows when it was noticed, and none is dated before the one that was decided before it. Whatever was due
before an event is decided before it (pacs_monitor.alerting.timeline).

- A check in trouble is a problem; problems of one node and one cause are one incident (causes, members).
- A dead network parent explains its children's failures to connect; a site whose nodes are lost together is a group
  (parents, sites), also where the link to it is down (cuts). Pages wait for fresh results that may make them needless
  (holds).
- What is due to whom, and what suppresses it, is asked of every incident that an event has touched (notify, suppress).
- Incidents of the monitor itself go the same way (own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from immutables import Map

from pacs_monitor.alerting import (
    acknowledgements,
    coverage,
    cuts,
    digests,
    fallbacks,
    flapping,
    members,
    notify,
    operators,
    own,
    parents,
    pauses,
    shifts,
    sites,
    storms,
    windows,
)
from pacs_monitor.alerting.clock_steps import clock_set
from pacs_monitor.alerting.events import (
    CalendarRead,
    ChannelFailing,
    ChannelWorks,
    ClockSet,
    Due,
    Event,
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
)
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation, Standing
from pacs_monitor.alerting.turn import Effects, Turn
from pacs_monitor.alerting.words import Acknowledge, Close, Extend, Finish, Hold, Plan, Remark, Resume, Word
from pacs_monitor.model import SECOND, TROUBLE, CheckId, State, Transition

GAP = 60 * SECOND
"""After the monitor was off for longer, pages that fell due meanwhile wait for one fresh result."""


SAID: Mapping[type[Word], Callable[[Turn, Any], None]] = {
    Acknowledge: operators.acknowledge,
    Remark: operators.remark,
    Close: operators.close,
    Plan: windows.plan,
    Extend: windows.extend,
    Finish: windows.finish,
    Hold: pauses.hold,
    Resume: pauses.resume,
}
"""What people say."""


class Advance(NamedTuple):
    """What an event has led to."""

    situation: Situation
    effects: Effects


def advance(situation: Situation, event: Event, rules: Rules) -> Advance:
    """Decide one event."""
    turn = Turn(situation, event, rules)
    if not isinstance(event.what, ClockSet):  # what is due by the clock as it is set is due after it
        digests.send_due(turn)
    _apply(turn, event)
    for identity in turn.untouched():
        subject = turn.subject(identity)
        subject = subject and sites.looked_at(turn, subject)
        subject = subject and storms.looked_at(turn, subject)
        if subject is not None:
            notify.evaluate(turn, subject)
    acknowledgements.say_where_kept(turn)
    return Advance(turn.now, turn.effects)


def _apply(turn: Turn, event: Event) -> None:  # noqa: PLR0912 - one line per kind of event
    match event.what:
        case Transitioned(transition, _):
            _transitioned(turn, transition)
        case Measured(check, leaning):
            if not leaning:
                _settled(turn, check)
        case UnknownSince():
            own.unknown(turn, event.what)
        case KnownAgain():
            own.known(turn, event.what)
        case SiteCut(site, since):
            cuts.cut(turn, site, since)
        case SiteReached(site):
            cuts.reached(turn, site)
        case ChannelFailing():
            own.channel_failing(turn, event.what)
        case ChannelWorks(channel):
            own.channel_works(turn, channel)
        case TasksFailing(tasks):
            own.tasks_failing(turn, tasks)
        case OpenedRefused() | PageLate() | LateDelivered():
            fallbacks.told_of(turn, event.what)
        case Started():
            _started(turn, event.what)
        case Reloaded():
            _reloaded(turn)
        case CalendarRead():
            windows.read(turn, event.what)
        case ClockSet(step):
            clock_set(turn, step)
            _recount(turn)
        case Acknowledge() | Remark() | Close() | Plan() | Extend() | Finish() | Hold() | Resume():
            SAID[type(event.what)](turn, event.what)
        case Due(windows.EDGE):
            windows.recount(turn)
        case Due(subject):
            _due(turn, subject)


def _recount(turn: Turn) -> None:
    """Which windows hold, and who is on call."""
    windows.recount(turn)
    shifts.recount(turn)


def _due(turn: Turn, subject: str) -> None:
    if subject == shifts.EDGE:
        shifts.changed(turn)
    elif subject.startswith(own.BLIND):
        own.ripened(turn, subject)
    elif subject.startswith(flapping.FLAPPING):
        members.calm(turn, CheckId.parse(subject.removeprefix(flapping.FLAPPING)))
    else:
        turn.touch([subject])


def _transitioned(turn: Turn, transition: Transition) -> None:
    check = transition.check
    if check not in turn.rules.checks:
        return
    if transition.after is State.UP:
        turn.drop(standings=check)
        coverage.recovered(turn, check)
    else:
        standing = Standing(transition.after, transition.reason, transition.since, transition.last_before)
        turn.put(standings=(check, standing))
    if transition.after is not State.UNKNOWN:
        own.measured(turn, check)
    members.apply_transition(turn, transition)
    parents.transitioned(turn, transition)
    sites.transitioned(turn, check, transition.before)
    if transition.after in TROUBLE:
        windows.fails(turn, check)
    _settled(turn, check)


def _settled(turn: Turn, check: CheckId) -> None:
    """A check that was asked has answered: pages that waited for it wait no more."""
    parents.measured(turn, check)
    if check not in turn.now.asked:
        return
    turn.expect(check, None)
    sites.measured(turn, check)
    if (identity := turn.now.by_check.get(check)) is not None:
        turn.touch([identity])
    if turn.rules.reachability.get(check.node) == check:
        for child in turn.rules.children.get(check.node, ()):
            turn.touch(sorted(turn.now.by_node.get(child, frozenset())))


def _started(turn: Turn, started: Started) -> None:
    """What was asked for a fresh result is asked again, as nobody may have listened to the answer.

    After a gap, what fell due within it waits for one fresh result of each member that is in trouble.
    """
    unknown, untried = {spell.check: spell for spell in started.unknown}, dict.fromkeys(started.untried)
    turn.now = replace(turn.now, unknown=Map(unknown), untried=Map(untried))
    if started.off_since is not None and turn.at - started.off_since > GAP:
        for check in turn.now.by_check:
            standing = turn.now.standings.get(check)
            if standing is not None and standing.state in TROUBLE and check in turn.rules.checks:
                turn.ask(check, turn.at + parents.fresh_within(turn.rules.checks[check]))
    own.tasks_failing(turn, ())
    digests.wake_all(turn)
    _reloaded(turn)
    turn.effects.probes.update(dict.fromkeys(turn.now.asked))


def _reloaded(turn: Turn) -> None:
    """Other rules may hold: whoever left the estate is withdrawn, and all that is open is looked at."""
    for check in list(turn.now.standings):
        if check not in turn.rules.checks:
            turn.drop(standings=check)
    for check in [check for check in turn.now.asked if check not in turn.rules.checks]:
        turn.expect(check, None)
    coverage.forget_unwatched(turn)
    windows.recount(turn)
    members.withdraw_unwatched(turn)
    for check in list(turn.now.flaps):
        if check in turn.rules.checks:
            members.calm(turn, check)
        else:
            flapping.keep(turn, check, None)
    parents.reloaded(turn)
    own.reloaded(turn)
    shifts.recount(turn)
    storms.reloaded(turn)
    sites.recount(turn)
    turn.touch(list(turn.now.subjects))
