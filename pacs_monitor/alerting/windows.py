"""Windows of maintenance: as people plan, extend and end them, and as the configuration has them.

Theory of operation. A window that people have said, and one of the configuration once it begins or is changed, is in
the situation, and in the record as a note. Whatever may begin or end one (its time, a word, a reload, a clock that was
set) has all of them looked at again, by which checks enter and leave maintenance (coverage). A window counts from when
it is known: what was before stays as it was.
"""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import change_calendars, coverage, notices, pauses
from pacs_monitor.alerting.events import CalendarRead
from pacs_monitor.alerting.held import forget, hold
from pacs_monitor.alerting.pauses import EDGE
from pacs_monitor.alerting.situation import Held
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.words import Extend, Finish, Kind, Plan
from pacs_monitor.config.matching import nothing_matches
from pacs_monitor.model import SECOND, CheckId, Micros
from pacs_monitor.model import Event as Said

__all__ = ["EDGE", "extend", "fails", "finish", "plan", "read", "recount"]
WARN_BEFORE = 900 * SECOND
"""How long before the end of a window people are told that something still fails."""


def plan(turn: Turn, word: Plan) -> None:
    """A window more; it counts from now, also when it says that it has begun before."""
    window = word.window
    if window.end <= turn.at:
        turn.refuse(Kind.INVALID, "name an end that is still to come: this window would be over already")
    elif window.end <= window.start:
        turn.refuse(Kind.INVALID, "name an end after the start: this window would end before it begins")
    elif window.notify and window.notify not in turn.rules.channels:
        turn.refuse(Kind.INVALID, f"no channel {window.notify!r}; there are: {', '.join(sorted(turn.rules.channels))}")
    elif not turn.rules.covered(window.match):
        turn.refuse(Kind.INVALID, nothing_matches(window.match, turn.rules.checks))
    else:
        hold(turn, Held(window, window.end))
        recount(turn)


def extend(turn: Turn, word: Extend) -> None:
    """A window lasts longer than planned."""
    held = _known(turn, word.window)
    if held is None:
        return
    if word.until <= held.window.end:
        turn.refuse(Kind.INVALID, "name a later end than it has; to end it early: pacs-monitor maintenance end")
        return
    window, forget = held.window.changed(end=word.until), max(held.forget, word.until)
    warned = held.warned and word.until - WARN_BEFORE <= turn.at
    hold(turn, replace(held, window=window, forget=forget, of_file=False, calendar="", warned=warned))
    recount(turn)


def finish(turn: Turn, word: Finish) -> None:
    """A window is over now, or does not take place at all."""
    held = _known(turn, word.window)
    if held is not None:
        window = held.window.changed(end=max(turn.at, held.window.start))
        hold(turn, replace(held, window=window, of_file=False, calendar=""))
        recount(turn)


def read(turn: Turn, said: CalendarRead) -> None:
    """What a calendar of the configuration has now."""
    change_calendars.take(turn, said)
    recount(turn)


def recount(turn: Turn) -> None:
    """Which windows and pauses hold now, which checks they cover, and when to look again."""
    pauses.expire(turn)
    change_calendars.expire(turn)
    _take_from_configuration(turn)
    every = [turn.now.windows[identity] for identity in sorted(turn.now.windows)]
    coverage.cover(turn, [held.window for held in every if held.window.holds(turn.at)])
    for held in every:
        _begin_or_end(turn, held)
    moments = [pause.until for pause in turn.now.pauses.values()]
    moments += [calendar.until for calendar in turn.now.calendars.values()]
    for held in turn.now.windows.values():
        moments += [held.window.start, held.window.end - WARN_BEFORE, held.window.end, held.forget]
    moments.append(turn.rules.planned.next_start(turn.at) or 0)
    if coming := [moment for moment in moments if moment > turn.at]:
        turn.wake(EDGE, min(coming))


def fails(turn: Turn, check: CheckId) -> None:
    """A check got into trouble: perhaps shortly before its window ends."""
    cover = turn.now.covered.get(check)
    if cover is not None and (held := turn.now.windows.get(cover.window)) is not None:
        _warn(turn, held)


def _take_from_configuration(turn: Turn) -> None:
    """Those of the configuration that hold now, as it has them now; those that it has no more are over."""
    in_force = turn.rules.planned.in_force(turn.at)
    for identity in sorted(in_force):
        window, held = in_force[identity], turn.now.windows.get(identity)
        if held is None:
            hold(turn, Held(window, window.end, of_file=True))
        elif held.of_file and held.window != window:
            hold(turn, replace(held, window=window, forget=window.end))
    for identity, held in list(turn.now.windows.items()):
        if held.of_file and identity not in in_force and held.window.end > turn.at:
            hold(turn, replace(held, window=held.window.changed(end=turn.at)))


def _begin_or_end(turn: Turn, held: Held) -> None:
    window = held.window
    if window.holds(turn.at):
        if not held.begun:
            held = hold(turn, replace(held, begun=True))
            notices.tell(turn, Said.MAINTENANCE_BEGUN, window, _failing(turn, held))
        _warn(turn, held)
        return
    if held.begun:
        held = hold(turn, replace(held, begun=False, warned=False))
        notices.tell(turn, Said.MAINTENANCE_ENDED, window, coverage.failing(turn, turn.rules.covered(window.match)))
    if held.forget <= turn.at:
        forget(turn, window.id)


def _warn(turn: Turn, held: Held) -> None:
    """Its author, shortly before the end: extend it, or people are paged."""
    window = held.window
    is_near = window.end - WARN_BEFORE <= turn.at < window.end
    if not held.begun or held.warned or not is_near or window.end - window.start <= WARN_BEFORE:
        return
    if failing := _failing(turn, held):
        hold(turn, replace(held, warned=True))
        notices.tell(turn, Said.MAINTENANCE_ENDING, window, failing)


def _failing(turn: Turn, held: Held) -> tuple[CheckId, ...]:
    """What fails now, and pages when this window ends."""
    mine = (check for check in turn.rules.covered(held.window.match) if _is_covered_by(turn, check, held.window.id))
    return coverage.failing(turn, mine)


def _is_covered_by(turn: Turn, check: CheckId, window: str) -> bool:
    cover = turn.now.covered.get(check)
    return cover is not None and cover.window == window


def _known(turn: Turn, identity: str) -> Held | None:
    """A window that is not over; a word about another one is refused."""
    held = turn.now.windows.get(identity)
    if held is None and (window := turn.rules.planned.find(identity, turn.at)) is not None:
        held = Held(window, window.end, of_file=True)
    if held is None:
        turn.refuse(Kind.MISSING, f"no window {identity}; list them with: pacs-monitor maintenance list")
    elif _ends(held) <= turn.at:
        turn.refuse(Kind.CONFLICT, f"{held.window.name} is over: add a new window with pacs-monitor maintenance add")
        return None
    return held


def _ends(held: Held) -> Micros:
    """One that does not take place is over."""
    return held.window.end if held.window.end > held.window.start else 0
