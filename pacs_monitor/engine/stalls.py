"""When the event loop itself stood still: the process was stopped, the machine stalled, a processor was not to be had.

A timer that is late proves it. Only a run that ended badly asks for it, so that runs pay nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from pacs_monitor.format.human import duration
from pacs_monitor.model import Blame, Clock, Outcome, Phase, Reason, Status

TICK = 0.25
"""Seconds between two looks at the clock."""
NOTICED = 0.25
"""Seconds of lateness that are a stall; less is what any busy loop has."""
KEPT = 256
"""Stalls that are remembered."""
SHARE = 0.25
"""Of a check's timeout: when the loop stood still for longer within a run, the node did not have its time."""
WAITED_FOR = frozenset(
    {Reason.TCP_TIMEOUT, Reason.TLS_TIMEOUT, Reason.ACSE_TIMEOUT, Reason.DIMSE_TIMEOUT, Reason.TIMEOUT}
    | {Reason.NO_ACK, Reason.SILENT, Reason.STORED_NOT_FOUND, Reason.PARTIAL, Reason.SLOW, Reason.FRAMING}
    | {Reason.CLOSED, Reason.CLOSED_BEFORE_ACCEPT, Reason.ABORTED_BY_PEER, Reason.TCP_RESET}
)
"""What a run sees when time has passed without us: nothing came in time, or the peer had waited long enough for us."""


class _Stall(NamedTuple):
    began: float
    ended: float


class Stalls:
    """Looks at the clock again and again, and remembers when it could not; times are the loop's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalls: deque[_Stall] = deque(maxlen=KEPT)

    def start(self) -> None:
        self._tick()

    def stop(self) -> None:
        self._due = None
        if self._timer is not None:
            self._timer.cancel()

    def within(self, began: float) -> float:
        """Seconds for which the loop stood still since then, as far as is known; 0 before `start`."""
        self._look()
        return sum(stall.ended - max(stall.began, began) for stall in self._stalls if stall.ended > began)

    def _tick(self) -> None:
        self._look()
        self._due = self._clock.monotonic() + TICK
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _look(self) -> None:
        """A tick that is late, perhaps before its own turn comes: runs may learn of the stall's end before it."""
        now = self._clock.monotonic()
        if self._due is not None and now - self._due > NOTICED:
            self._stalls.append(_Stall(self._due, now))
            self._due = now


def unless_stalled(outcome: Outcome, stood_still: float, timeout: float) -> Outcome:
    """What a run saw, or that it measured nothing, because we stood still for too much of the node's time."""
    if outcome.reason not in WAITED_FOR or outcome.reason.blame is Blame.MONITOR:
        return outcome
    if stood_still <= (0.0 if outcome.reason is Reason.SLOW else SHARE * timeout):
        return outcome
    detail = f"the monitor itself stalled for {duration(stood_still)}; until then this check reported: {outcome.detail}"
    phase = outcome.phase or Phase.OPERATION
    return replace(outcome, status=Status.UNKNOWN, reason=Reason.NOT_MEASURED, phase=phase, detail=detail)
