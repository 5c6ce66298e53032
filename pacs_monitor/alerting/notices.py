"""What channels are told of a window of maintenance itself: that it begins, is about to end, has ended."""

from __future__ import annotations

from pacs_monitor.alerting.turn import Notice, Turn
from pacs_monitor.model import CheckId, DeliveryStatus, Paging
from pacs_monitor.model import Event as Said
from pacs_monitor.windows import Window


def tell(turn: Turn, said: Said, window: Window, failing: tuple[CheckId, ...]) -> None:
    """The window's own channel; that it is about to end while something fails, else the channels of what fails."""
    modes = {window.notify: turn.rules.mode} if window.notify in turn.rules.channels else {}
    if not modes and said is Said.MAINTENANCE_ENDING:
        modes = turn.rules.told_of(failing, turn.now)
    for channel, paging in modes.items():
        if paging is not Paging.OFF:
            status = DeliveryStatus.SHADOW if paging is Paging.SHADOW else DeliveryStatus.PENDING
            turn.effects.notices.append(Notice(turn.identity(), channel, said, window, turn.at, failing, status))
