"""What the engine must not do, by what people have said: pauses, and windows that stop or restrict. Pure.

A pause wins over a window, and a window that stops over one that is read-only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from zoneinfo import ZoneInfo

from pacs_monitor.alerting import pauses
from pacs_monitor.alerting.restart import situation_of
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.config.estate import Estate
from pacs_monitor.format.human import moment
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import CheckId, Micros, Restriction, RestrictionMode
from pacs_monitor.windows import Pause, Probing, Window

_MODES = {Probing.READ_ONLY: RestrictionMode.READ_ONLY, Probing.STOP: RestrictionMode.STOP}
_STRICTNESS = (Probing.READ_ONLY, Probing.STOP)


def restrictions(situation: Situation, rules: Rules, now: Micros) -> dict[CheckId, Restriction]:
    """Of each check that is restricted; of several windows or pauses that say the same, the one that ends last."""
    found: dict[CheckId, Restriction] = {}
    windows = [window for window in windows_in_force(situation, rules, now) if window.probing in _MODES]
    for window in sorted(windows, key=lambda one: (_STRICTNESS.index(one.probing), one.end, one.id)):
        text = _of_window(window, rules.zone, now)
        given = Restriction(_MODES[window.probing], text, window.end, is_pause=False)
        found |= dict.fromkeys(rules.covered(window.match), given)
    holding = [pause for pause in situation.pauses.values() if pause.until > now]
    for pause in sorted(holding, key=lambda one: (one.until, one.id)):
        given = Restriction(RestrictionMode.STOP, _of_pause(pause, rules.zone, now), pause.until)
        found |= dict.fromkeys(pauses.checks_of(pause, rules), given)
    return found


def restored_restrictions(restored: Restored, estate: Estate, now: Micros) -> dict[CheckId, Restriction]:
    """Before anything is decided after a start."""
    return restrictions(situation_of(restored, estate.checks, now), Rules(estate), now)


def windows_in_force(situation: Situation, rules: Rules, now: Micros) -> Iterator[Window]:
    """Those that hold at a time: of people, and of the configuration unless people have changed them."""
    in_force = rules.planned.in_force(now)
    for held in situation.windows.values():
        if held.window.holds(now) and not (held.of_file and held.window.id not in in_force):
            yield held.window
    yield from (window for window in in_force.values() if window.id not in situation.windows)


def _of_pause(pause: Pause, zone: ZoneInfo, now: Micros) -> str:
    return f"paused by {pause.by} until {moment(pause.until, zone, now)}" + (f": {pause.why}" if pause.why else "")


def _of_window(window: Window, zone: tzinfo, now: Micros) -> str:
    by = f" (by {window.by})" if window.by else ""
    what = "is not asked" if window.probing is Probing.STOP else "is not written to"
    return f"{what} until {moment(window.end, zone, now)}: maintenance '{window.name}'{by}"
