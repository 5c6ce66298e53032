"""Pauses: checks that people do not want to run, until then."""

from __future__ import annotations

from dataclasses import replace

from pydantic import TypeAdapter

from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.alerting.words import Hold, Kind, Resume
from pacs_monitor.config.matching import nothing_matches
from pacs_monitor.model import CheckId
from pacs_monitor.windows import Pause, spelled

EDGE = "windows"
"""What wakes when a window or a pause begins or ends."""
_PAUSE: TypeAdapter[Pause] = TypeAdapter(Pause)


def checks_of(pause: Pause, rules: Rules) -> frozenset[CheckId]:
    """The checks that it holds now."""
    return rules.covered(pause.match).difference(*(rules.covered(match) for match in pause.resumed))


def hold(turn: Turn, word: Hold) -> None:
    """A pause more."""
    pause = word.pause
    if pause.until <= turn.at:
        turn.refuse(Kind.INVALID, "name an end that is still to come: this pause would be over already")
    elif not turn.rules.covered(pause.match):
        turn.refuse(Kind.INVALID, nothing_matches(pause.match, turn.rules.checks))
    else:
        _put(turn, pause)
        turn.wake(EDGE, pause.until)


def resume(turn: Turn, word: Resume) -> None:
    """These run again, whichever pauses hold them; what else these hold stays so."""
    wanted = turn.rules.covered(word.match)
    if not wanted:
        turn.refuse(Kind.INVALID, nothing_matches(word.match, turn.rules.checks))
        return
    holding = [pause for pause in turn.now.pauses.values() if wanted & checks_of(pause, turn.rules)]
    if not holding:
        why = f"nothing of {spelled(word.match)} is paused; list what is with: pacs-monitor pause"
        turn.refuse(Kind.MISSING, why)
    for pause in sorted(holding, key=lambda one: one.id):
        rest = replace(pause, resumed=(*pause.resumed, word.match))
        if checks_of(rest, turn.rules):
            _put(turn, rest)
        else:
            _drop(turn, pause)


def expire(turn: Turn) -> None:
    """Those whose time is over."""
    for pause in [pause for pause in turn.now.pauses.values() if pause.until <= turn.at]:
        _drop(turn, pause)


def restored(data: object) -> Pause:
    """As a note has kept it."""
    return _PAUSE.validate_python(data)


def _put(turn: Turn, pause: Pause) -> None:
    turn.put(pauses=(pause.id, pause))
    turn.note("pause", pause.id, _PAUSE.dump_python(pause, mode="json"))


def _drop(turn: Turn, pause: Pause) -> None:
    turn.drop(pauses=pause.id)
    turn.note("pause", pause.id, None)
