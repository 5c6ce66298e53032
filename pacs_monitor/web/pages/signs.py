"""The signs of states: shape, word and colour, always together, so that no colour alone tells anything."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.model import State


class Sign(NamedTuple):
    """One of the shapes in `templates/_sprite.html`, with its word."""

    key: str
    word: str
    badness: int
    """The worst is 0."""

    @property
    def is_well(self) -> bool:
        """Nobody has to look at it."""
        return self.key in ("up", "absent")


DOWN = Sign("down", "down", 0)
DEGRADED = Sign("degraded", "degraded", 1)
UNKNOWN = Sign("unknown", "not being checked", 2)
UNMEASURED = Sign("unmeasured", "not measured yet", 3)
UNWATCHED = Sign("unwatched", "not watched", 4)
PAUSED = Sign("paused", "paused", 5)
ABSENT = Sign("absent", "off", 6)
UP = Sign("up", "up", 7)
SIGNS = {sign.key: sign for sign in (DOWN, DEGRADED, UNKNOWN, UNMEASURED, UNWATCHED, PAUSED, ABSENT, UP)}
"""By key, the worst first."""
_OF_STATE = {
    State.UP: UP,
    State.DEGRADED: DEGRADED,
    State.DOWN: DOWN,
    State.ABSENT: ABSENT,
    State.UNKNOWN: UNKNOWN,
}


def sign_of(state: State | str, *, stopped: bool = False, measured: bool = True) -> Sign:
    """Of a check: what people have stopped and what has never run look different from what cannot be checked."""
    if state == State.UNKNOWN and stopped:
        return PAUSED
    if state == State.UNKNOWN and not measured:
        return UNMEASURED
    return _OF_STATE[State(state)]
