"""The states of a service of Windows, and what is reported of each (pure; SERVICE_STATUS of winsvc.h)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

OWN_PROCESS = 0x10
"""SERVICE_WIN32_OWN_PROCESS."""
ACCEPTS = 0x1 | 0x100
"""SERVICE_ACCEPT_STOP and SERVICE_ACCEPT_PRESHUTDOWN: shutdown itself would leave it five seconds only."""
SERVICE_SPECIFIC = 1066
"""ERROR_SERVICE_SPECIFIC_ERROR: the other code says what was wrong."""
STEP = 3.0
"""Seconds between two reports while it starts or ends."""
START_HINT = 30_000
STOP_HINT = 15_000
"""Milliseconds until the next report, at the latest; after them Windows takes the service for hung."""
OURS = 1 << 29
"""Windows reads a code without this bit as one of its own: of 1, the event log would say "Incorrect function"."""

Report = tuple[int, int, int, int, int, int, int]
"""Type, state, accepted controls, exit code, our exit code, checkpoint, hint."""


class State(IntEnum):
    STOPPED = 1
    START_PENDING = 2
    STOP_PENDING = 3
    RUNNING = 4


class Exit(IntEnum):
    """How it ended. Whatever is not FINE makes Windows start it again."""

    FINE = 0
    CONFIGURATION = OURS | 1
    """The configuration has errors."""
    REFUSED = OURS | 2
    """It could not do its work, and said why: the database, the port, another daemon."""
    FAULT = OURS | 3
    """Something that it does not know."""
    HUNG = OURS | 4
    """It did not end in time."""


@dataclass(frozen=True, slots=True)
class Life:
    """A service now. Each method is what happens to it, and leaves it as it is where that cannot happen any more."""

    state: State = State.START_PENDING
    step: int = 1
    exit: Exit = Exit.FINE

    def goes_on(self) -> Life:
        """It still starts, or still ends."""
        return replace(self, step=self.step + 1) if self.is_pending else self

    def ready(self) -> Life:
        return Life(State.RUNNING, 0) if self.state is State.START_PENDING else self

    def ending(self) -> Life:
        return Life(State.STOP_PENDING) if self.state in (State.START_PENDING, State.RUNNING) else self

    def ended(self, exit_: Exit) -> Life:
        return self if self.state is State.STOPPED else Life(State.STOPPED, 0, exit_)

    @property
    def is_pending(self) -> bool:
        return self.state in (State.START_PENDING, State.STOP_PENDING)

    def report(self) -> Report:
        accepts = ACCEPTS if self.state is State.RUNNING else 0
        code = SERVICE_SPECIFIC if self.exit else 0
        hint = {State.START_PENDING: START_HINT, State.STOP_PENDING: STOP_HINT}.get(self.state, 0)
        return OWN_PROCESS, self.state, accepts, code, self.exit, self.step, hint
