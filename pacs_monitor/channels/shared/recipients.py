"""What each recipient of a channel still has to get, and who is refused, while others get everything.

A message is delivered once somebody has it, so that one full mailbox holds up nobody. Whoever was refused for now gets
it later; nothing overtakes: once a later message of the same incident was taken, the earlier ones are not sent to him
any more. It is in memory alone: after a restart nobody gets what only he missed. The clock is monotonic, in seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pacs_monitor.channels.shared.smtp import Rejection

log = logging.getLogger(__name__)

RETRIED_FOR = 3600.0
"""Seconds for which a recipient who was refused for now is tried again; greylisting takes minutes."""
MOST = 200
"""Messages that are kept for this."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A message, and those who do not have it yet."""

    id: str
    about: str
    """The incident, or what else it is about."""
    message: bytes
    to: tuple[str, ...]
    until: float


class Recipients:
    """Of one channel; safe to use from several threads."""

    def __init__(self, channel: str) -> None:
        self._channel, self._lock = channel, threading.Lock()
        self._owed: dict[str, Owed] = {}
        self._refused: dict[str, Rejection] = {}

    def note(self, sent: Owed, taken: Iterable[str], rejected: Mapping[str, Rejection]) -> None:
        """What became of an attempt to hand this over to `sent.to`."""
        with self._lock:
            for to in taken:
                if self._refused.pop(to, None) is not None:
                    log.warning("channel %s: mail to %s is accepted again", self._channel, to)
                self._settle(sent.about, to)
            for to, rejection in rejected.items():
                if to not in self._refused:
                    log.error("channel %s: mail to %s is not accepted: %s", self._channel, to, rejection)
                self._refused[to] = rejection
            self._owed.pop(sent.id, None)
            waits = tuple(to for to, rejection in rejected.items() if not rejection.is_final)
            if waits:
                self._owed[sent.id] = Owed(sent.id, sent.about, sent.message, waits, sent.until)
            while len(self._owed) > MOST:
                del self._owed[next(iter(self._owed))]

    def owed(self, now: float) -> list[Owed]:
        """What to try again, the oldest first."""
        with self._lock:
            self._owed = {identity: owed for identity, owed in self._owed.items() if owed.until > now}
            return list(self._owed.values())

    def warnings(self) -> list[str]:
        with self._lock:
            return [f"mail to {to} is not accepted, others get it: {why}" for to, why in sorted(self._refused.items())]

    def _settle(self, about: str, to: str) -> None:
        """He has something of this that is not older than what he missed."""
        for identity, owed in list(self._owed.items()):
            if owed.about == about and to in owed.to:
                left = tuple(one for one in owed.to if one != to)
                self._owed[identity] = Owed(owed.id, owed.about, owed.message, left, owed.until)
                if not left:
                    del self._owed[identity]
