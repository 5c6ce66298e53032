"""MLLP framing without I/O: 0B, the message, 1C 0D (HL7 v2 appendix C, Minimal Lower Layer Protocol).

Only the head of a message is kept, since all that we read stands in its first segments; so no peer can fill our memory,
however long its messages are.
"""

from __future__ import annotations

from collections.abc import Iterator

from pacs_monitor.model import PacsMonitorError
from pacs_monitor.net.protocols import ENOUGH, WRONG, spoken

START, END, CARRIAGE_RETURN = b"\x0b", b"\x1c", b"\r"
HEAD = 65536
"""Bytes of a message that are kept."""
MOST_BETWEEN = 65536
"""Bytes outside any message after which a stream is not considered MLLP."""
_SILENT = b"\r\n\0 \t\xef\xbb\xbf"
"""What says nothing between two frames: the CR that ends one, which some senders double; the NUL by which others end or
divide them; blanks; the byte order mark of UTF-8."""


class FramingError(PacsMonitorError):
    """The bytes that come are no MLLP."""


def frame(message: bytes) -> bytes:
    """A message as it goes over the wire."""
    return START + message + END + CARRIAGE_RETURN


class Deframer:
    """Bytes in, in whatever pieces; the heads of whole messages out.

    A message is whole at 1C: the CR that must follow is not waited for, since some senders never send it. What comes
    before 0B is skipped.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._between, self._begins = 0, b""
        self.inside = False
        """A message has begun and has not ended."""
        self.skipped = False
        """There were significant bytes outside the messages."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that these bytes complete; raises FramingError when another protocol is spoken."""
        while data:
            if not self.inside:
                data = self._begin(data)
                continue
            piece, end, data = data.partition(END)
            self._head += piece[: HEAD - len(self._head)]
            if end:
                self.inside = False
                yield bytes(self._head)

    def _begin(self, data: bytes) -> bytes:
        between, start, data = data.partition(START)
        self._skip(between)
        if start:
            self._head.clear()
            self.inside, self._between = True, 0
        return data

    def _skip(self, between: bytes) -> None:
        self._begins = (self._begins + between)[:ENOUGH]
        if other := spoken(self._begins):
            raise FramingError(f"{WRONG} it speaks {other}, not MLLP")
        self._between += len(between)
        self.skipped = self.skipped or bool(between.strip(_SILENT))
        if self._between > MOST_BETWEEN:
            raise FramingError("no message begins with 0B")
