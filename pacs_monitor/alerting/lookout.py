"""What the board and the supervisor know and alerting has not heard of, looked for at the beginning of each turn."""

from __future__ import annotations

from pacs_monitor.alerting import observer
from pacs_monitor.alerting.events import TasksFailing
from pacs_monitor.alerting.inbox import Inbox
from pacs_monitor.alerting.observer import Board, Moment
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.model import Clock, Micros
from pacs_monitor.supervision import Supervisor


class Lookout:
    """Looks, and puts what is new into the inbox."""

    def __init__(self, board: Board, clock: Clock, supervisor: Supervisor) -> None:
        self.off_since: Micros | None = None
        """Since when the monitor was off before this run, as far as is known."""
        self._board, self._clock, self._supervisor = board, clock, supervisor
        self._faults: tuple[str, ...] = ()
        self._is_new = True  # nobody has looked yet
        self._started = clock.now()

    def clock_was_set(self, step: Micros) -> None:
        """The run began as long ago as before."""
        self._started += step

    def look(self, inbox: Inbox, situation: Situation) -> None:
        """Once a turn, before anything is decided."""
        now = self._clock.now()
        inbox.retry(now)
        moment = Moment(now, self._clock.monotonic(), self._started)
        entries = self._board.entries
        if self._is_new:
            self._is_new = False
            inbox.put_first(now, observer.started(self.off_since, situation, entries, moment))
        for what in observer.unheard(entries, situation, inbox.moving(), moment):
            inbox.put(now, what)
        failing = tuple(sorted(self._supervisor.failing | self._supervisor.out_of_order))
        if failing != self._faults:
            self._faults = failing
            inbox.put(now, TasksFailing(failing))
