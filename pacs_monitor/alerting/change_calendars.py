"""Windows that come from a calendar: they count from when it was read, and only while it is fresh.

Each good reading is an event with all of its windows, or says that they are as before. What has not begun follows the
calendar: it is moved or forgotten with its event. What has begun ends when the calendar no longer has it. When nothing
good was read in time, what has not begun is forgotten, and the monitor has an incident of its own until it is read
again.
"""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import own
from pacs_monitor.alerting.events import CalendarRead
from pacs_monitor.alerting.held import forget, hold
from pacs_monitor.alerting.situation import Calendar, Held
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import CALENDAR, Ending
from pacs_monitor.windows import Window

NOTE = "calendar"


def take(turn: Turn, said: CalendarRead) -> None:
    """What was read, or that it is no longer configured."""
    name = said.calendar
    if said.until is None:
        turn.drop(calendars=name)
        turn.note(NOTE, name, None)
        _follow(turn, name, ())
        own.fault_over(turn, CALENDAR + name, Ending.WITHDRAWN)
        return
    known = Calendar(said.until, said.success)
    turn.put(calendars=(name, known))
    turn.note(NOTE, name, known._asdict())
    if said.windows is not None:
        _follow(turn, name, said.windows)
    if said.until > turn.at:
        own.fault_over(turn, CALENDAR + name, Ending.RESOLVED)


def expire(turn: Turn) -> None:
    """Those that were not read in time mute nothing any more but what has begun."""
    for name, known in sorted(turn.now.calendars.items()):
        if known.until > turn.at:
            continue
        for identity, held in list(turn.now.windows.items()):
            if held.calendar == name and not held.begun and held.window.end > turn.at:
                forget(turn, identity)
        own.fault(turn, CALENDAR + name, known.until if known.success is None else known.success)


def _follow(turn: Turn, name: str, windows: tuple[Window, ...]) -> None:
    """Exactly these; one that people have changed stays as they have said."""
    wanted = {window.id: window for window in windows if window.end > turn.at}
    for identity, held in list(turn.now.windows.items()):
        if held.calendar != name or identity in wanted or held.window.end <= turn.at:
            continue
        if held.begun:
            hold(turn, replace(held, window=held.window.changed(end=turn.at)))
        else:
            forget(turn, identity)
    for identity, window in wanted.items():
        known = turn.now.windows.get(identity)
        if known is None:
            hold(turn, Held(window, window.end, calendar=name))
        elif known.calendar == name and known.window != window:
            hold(turn, replace(known, window=window, forget=max(known.forget, window.end)))
