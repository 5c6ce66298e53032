"""MLLP framing without I/O: 0B, the message, 1C 0D (HL7 v2 appendix C, Minimal Lower Layer Protocol).

Only the head of a message is kept, since all that we read stands in its first segments; so no peer can fill our memory,
however long its messages are.
"""

from __future__ import annotations

from collections.abc import Iterator

from pacs_monitor.model import PacsMonitorError

START, END, CARRIAGE_RETURN = b"\x0b", b"\x1c", b"\r"
HEAD = 65536
"""Bytes of a message that are kept."""
_BETWEEN = b"\r\n"
"""What may stand between two frames: the CR that ends one, which some senders leave out and others double."""


class FramingError(PacsMonitorError):
    """The bytes that come are no MLLP."""


def frame(message: bytes) -> bytes:
    """A message as it goes over the wire."""
    return START + message + END + CARRIAGE_RETURN


class Deframer:
    """Bytes in, in whatever pieces; the heads of whole messages out.

    A message is whole at 1C: the CR that must follow is not waited for, since some senders never send it.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self.inside = False
        """A message has begun and has not ended."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that these bytes complete; raises FramingError when there is anything between two frames."""
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
        data = data.lstrip(_BETWEEN)
        if data and not data.startswith(START):
            raise FramingError("a message does not begin with 0B")
        self._head.clear()
        self.inside = bool(data)
        return data[1:]
