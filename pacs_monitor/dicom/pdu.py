"""PDUs on the wire (PS3.8 9.3): framing with limits, a small reader, and P-DATA-TF as we write it.

Whatever the bytes, the answer is a PDU or `Malformed`. What negotiates an association is read in negotiation.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from pacs_monitor.dicom.identity import MAXIMUM_LENGTH
from pacs_monitor.model import PacsMonitorError


class PduType(IntEnum):
    A_ASSOCIATE_RQ = 1
    A_ASSOCIATE_AC = 2
    A_ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    A_RELEASE_RQ = 5
    A_RELEASE_RP = 6
    A_ABORT = 7


HEADER = Struct(">BxL")
_PDV = Struct(">LBB")
_NEGOTIATION_LIMIT = 128 * 1024
_LIMITS = {
    PduType.A_ASSOCIATE_RQ: _NEGOTIATION_LIMIT,
    PduType.A_ASSOCIATE_AC: _NEGOTIATION_LIMIT,
    PduType.A_ASSOCIATE_RJ: 4,
    PduType.P_DATA_TF: MAXIMUM_LENGTH + 6,
    PduType.A_RELEASE_RQ: 4,
    PduType.A_RELEASE_RP: 4,
    PduType.A_ABORT: 4,
}
"""Bytes after the header. A longer announced length is refused, so that no peer can make us buffer more.

Some peers do not count the header of a presentation data value, and send six bytes more than we take (PS3.8 D.1.1).
"""

SENT_AT_ONCE = 64 * 1024
"""Bytes: the longest P-DATA-TF PDU that we send, whatever more the peer would take."""

A_RELEASE_RQ = HEADER.pack(PduType.A_RELEASE_RQ, 4) + bytes(4)
A_RELEASE_RP = HEADER.pack(PduType.A_RELEASE_RP, 4) + bytes(4)
A_ABORT = HEADER.pack(PduType.A_ABORT, 4) + bytes(4)
"""Source 0: the service user, which is us, has no more use for the association (PS3.8 9.3.8)."""
A_ABORT_BY_PROVIDER = HEADER.pack(PduType.A_ABORT, 4) + bytes((0, 0, 2, 0))
"""Source 2, reason 0: what the peer sent is no answer that the upper layer knows."""


class Malformed(PacsMonitorError):  # noqa: N818 - a finding about bytes, which becomes a NetFailure
    """These bytes are not what the standard says. The text is ours and repeats nothing of them."""


class Framer:
    """Cuts a stream of bytes into PDUs; keeps at most one unfinished one."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Whether a part of a PDU waits for the rest."""
        return bool(self._rest)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The PDUs that are complete now, each as its PduType and what follows its header; raises Malformed."""
        data = self._rest + data if self._rest else data
        start, self._rest = 0, b""
        while len(data) - start >= 6:
            kind, length = HEADER.unpack_from(data, start)
            limit = _LIMITS.get(kind)
            if limit is None:
                raise Malformed(_guess(data[start:]))
            if length > limit or length < min(limit, 4):
                raise Malformed(f"a PDU of type {kind:02X}H announced {length} bytes; allowed are 4 to {limit}")
            end = start + 6 + length
            if end > len(data):
                break
            yield kind, data[start + 6 : end]
            start = end
        if start < len(data) and data[start] not in _LIMITS:
            raise Malformed(_guess(data[start:]))
        self._rest = data[start:]


def _guess(data: bytes) -> str:
    if data.startswith(b"HTTP/"):
        return "an HTTP server answered"
    if data.startswith(b"SSH-"):
        return "an SSH server answered"
    if data.startswith(b"\x0b"):
        return "an HL7 listener answered (MLLP)"
    if data.lstrip()[:1] == b"<":
        return "a web server answered"
    return f"it answered with type {data[0]:02X}H, which is not a DICOM PDU (PS3.8 9.3)"


def is_tls(data: bytes) -> bool:
    """Whether a first answer is a TLS record, alert or handshake (RFC 8446 5.1): the port wants TLS."""
    return data[:1] in (b"\x15", b"\x16") and data[1:2] == b"\x03"


class Rejected(NamedTuple):
    """A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: int
    source: int
    diagnostic: int


class Aborted(NamedTuple):
    """A-ABORT (PS3.8 9.3.8)."""

    source: int
    reason: int


class Pdv(NamedTuple):
    """One presentation data value (PS3.8 9.3.5.1, E.2)."""

    context_id: int
    is_command: bool
    is_last: bool
    fragment: bytes


def read_reject(body: bytes) -> Rejected:
    return Rejected(*four(body)[1:])


def write_reject(rejected: Rejected) -> bytes:
    return HEADER.pack(PduType.A_ASSOCIATE_RJ, 4) + bytes((0, *rejected))


def read_abort(body: bytes) -> Aborted:
    return Aborted(*four(body)[2:])


def read_data(body: bytes) -> Iterator[Pdv]:
    start = 0
    while start < len(body):
        if len(body) - start < 6:
            raise Malformed("a presentation data value ends early")
        length, context_id, control = _PDV.unpack_from(body, start)
        end = start + 4 + length
        if length < 2 or end > len(body):
            raise Malformed("a presentation data value does not fit its PDU")
        yield Pdv(context_id, bool(control & 1), bool(control & 2), body[start + 6 : end])
        start = end


def write_data(context_id: int, is_command: bool, value: bytes, maximum_length: int) -> Iterator[bytes]:
    """P-DATA-TF PDUs of one fragment each that carry a whole command or data set; 0 is no limit (PS3.8 D.1.1)."""
    limit = min(maximum_length or SENT_AT_ONCE, SENT_AT_ONCE) - 6
    size = len(value)
    for start in range(0, size, limit):
        fragment = value[start : start + limit]
        control = is_command | (2 if start + limit >= size else 0)
        header = HEADER.pack(PduType.P_DATA_TF, len(fragment) + 6)
        yield header + _PDV.pack(len(fragment) + 2, context_id, control) + fragment


def four(value: bytes) -> bytes:
    """The first four bytes of a field; raises Malformed."""
    if len(value) < 4:
        raise Malformed("a field of 4 bytes ends early")
    return value[:4]
