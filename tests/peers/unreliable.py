"""A receiver of webhooks that fails in every way that receivers fail, and works again when told."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from enum import StrEnum
from http.server import BaseHTTPRequestHandler

from tests.peers.receiver import Receiver


class Mood(StrEnum):
    """How it answers."""

    WELL = "well"
    REFUSES = "refuses"
    """Nobody listens."""
    HANGS = "hangs"
    """It reads the request and never answers."""
    RESETS = "resets"
    """A reset in the middle of the answer's head."""
    REDIRECTS = "redirects"
    NOT_FOUND = "not found"
    TOO_MANY = "too many"
    """429 with `Retry-After: 1`."""
    ERROR = "error"


BREAKS_OFF = 0
"""The status of a post whose answer was never given."""
STATUSES: Mapping[Mood, int] = {
    Mood.RESETS: BREAKS_OFF,
    Mood.REDIRECTS: 302,
    Mood.NOT_FOUND: 404,
    Mood.TOO_MANY: 429,
    Mood.ERROR: 500,
}
BAD = tuple(mood for mood in Mood if mood is not Mood.WELL)


class Unreliable(Receiver):
    """`mood` may be set at any time, from the thread that made it."""

    _mood = Mood.WELL

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        before, self._mood = self._mood, mood
        self.status = STATUSES.get(mood, 200)
        self.headers = {"Retry-After": "1"} if mood is Mood.TOO_MANY else {}
        if mood is Mood.HANGS:
            self.answers.clear()
        else:
            self.answers.set()
        if mood is Mood.REFUSES and before is not Mood.REFUSES:
            self.down()
        if mood is not Mood.REFUSES and before is Mood.REFUSES:
            self.up()

    def breaks_off(self, handler: BaseHTTPRequestHandler, status: int) -> bool:
        """In the mood for it: half a status line, then RST."""
        if status != BREAKS_OFF:
            return False
        handler.wfile.write(b"HTTP/1.1 2")
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())  # with this linger, closing resets
        return True
