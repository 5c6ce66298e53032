"""The signs of states: shape, word and colour, always together, so that no colour alone tells anything."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.language import N_, _
from pacs_monitor.model import State


class Sign(NamedTuple):
    """One of the shapes in `templates/_sprite.html`, with its word."""

    key: str
    name: str
    """Its word in English."""
    badness: int
    """The worst is 0: what consists of several is as bad as the worst of them."""

    @property
    def word(self) -> str:
        """In the language that is spoken."""
        return _(self.name)

    @property
    def place(self) -> int:
        """In lists."""
        return _PLACES[self.key]

    @property
    def is_well(self) -> bool:
        """Nobody has to look at it."""
        return self.key in ("up", "absent")


DOWN = Sign("down", N_("down"), 0)
DEGRADED = Sign("degraded", N_("degraded"), 1)
UNKNOWN = Sign("unknown", N_("not being checked"), 2)
UNMEASURED = Sign("unmeasured", N_("not measured yet"), 3)
UNWATCHED = Sign("unwatched", N_("not watched"), 4)
PAUSED = Sign("paused", N_("paused"), 5)
ABSENT = Sign("absent", N_("switched off"), 6)
UP = Sign("up", N_("up"), 7)
SIGNS = {sign.key: sign for sign in (DOWN, DEGRADED, UNKNOWN, UNMEASURED, UNWATCHED, PAUSED, UP, ABSENT)}
"""By key, in the order of lists: what needs somebody, what people have stopped, what is well, what is off."""
_PLACES = {key: place for place, key in enumerate(SIGNS)}
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
