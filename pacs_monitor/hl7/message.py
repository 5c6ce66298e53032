"""The few HL7 v2 fields that we read and write: of MSH, and MSA-1 and MSA-2 of acknowledgements (HL7 v2 2.9, 2.14).

What else stands in a message is never looked at: it can hold patient data.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from pacs_monitor.model import SECOND, Micros, PacsMonitorError, Reason

_SEGMENT_END = re.compile(r"\r\n|\r|\n")
_BEFORE = re.compile(r"(?:[\r\n\0 \t]|\xef\xbb\xbf)*")
"""What says nothing before the first segment: ends of lines, NUL, blanks, the byte order mark of UTF-8."""
_HEADER = "MSH"
_BATCHES = ("FHS", "BHS")
_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}(?:\^[A-Z][A-Z0-9]{2})?")


class MalformedError(PacsMonitorError):
    """What came is no HL7 v2 message."""


class Code(StrEnum):
    """MSA-1, table 0008: of the application (A), or of the mere receipt (C, enhanced mode)."""

    AA = "AA"
    AE = "AE"
    AR = "AR"
    CA = "CA"
    CE = "CE"
    CR = "CR"

    @property
    def refusal(self) -> Reason | None:
        """Why a message was not taken."""
        return {"E": Reason.NAK_AE, "R": Reason.NAK_AR}.get(self.value[1])


class Message:
    """A message as its fields, by the numbers that the standard gives them."""

    def __init__(self, message: bytes) -> None:
        text = message.decode("latin-1")
        text = text.removeprefix(found[0] if (found := _BEFORE.match(text)) else "")
        if text.startswith(_BATCHES):
            raise MalformedError("it is a batch (FHS, BHS); only single messages are accepted")
        if not text.startswith(_HEADER) or len(text) < 8 or text[3].isalnum():
            raise MalformedError("it does not begin with MSH and its separators")
        self.separator, self.component = text[3], text[4]
        self._segments = {
            fields[0]: fields for fields in (line.split(text[3]) for line in reversed(_SEGMENT_END.split(text)))
        }

    def field(self, segment: str, number: int) -> str:
        """A field of the first segment of this name, "" where there is none; MSH-1 is the separator itself."""
        fields = self._segments.get(segment, [])
        place = number - 1 if segment == _HEADER else number
        return fields[place].strip() if place < len(fields) else ""

    @property
    def type(self) -> str | None:
        """MSH-9, such as ORM^O01; None when it is not a message type (a wrong field may contain anything)."""
        found = self.component.join(self.field(_HEADER, 9).split(self.component)[:2]).replace(self.component, "^")
        return found if _TYPE.fullmatch(found) else None

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.field(_HEADER, 10)

    @property
    def receiver(self) -> tuple[str, str]:
        """MSH-5 and MSH-6: receiving application and facility."""
        return self.field(_HEADER, 5), self.field(_HEADER, 6)


class Acknowledgement(NamedTuple):
    """What an answer says: MSA-1, None when it is no code of table 0008, and MSA-2."""

    code: Code | None
    answers: str


def read_acknowledgement(message: bytes) -> Acknowledgement | None:
    """The acknowledgement in a message, None when it has no MSA; raises MalformedError."""
    read = Message(message)
    code = read.field("MSA", 1)
    if not (code or read.field("MSA", 2)):
        return None
    return Acknowledgement(Code(code) if code in Code.__members__ else None, read.field("MSA", 2))


def acknowledge(message: Message, accepted: bool, now: Micros, text: str = "") -> bytes | None:
    """Our answer to a message; None when it requests none (MSH-15: NE, or ER and SU by how it went; HL7 v2 2.9.3)."""
    wanted = message.field(_HEADER, 15)
    if wanted in ("NE", "ER" if accepted else "SU"):
        return None
    enhanced = wanted or message.field(_HEADER, 16)
    code = (Code.CA if accepted else Code.CR) if enhanced else (Code.AA if accepted else Code.AR)
    of = {number: message.field(_HEADER, number) for number in range(2, 13)}
    kind = message.component.join(["ACK", *of[9].split(message.component)[1:2]])
    header = [_HEADER, of[2], of[5], of[6], of[3], of[4], timestamp(now, UTC), "", kind, new_control_id()]
    segments = ([*header, of[11], of[12]], ["MSA", code, of[10], text])
    return "".join(f"{message.separator.join(segment)}\r" for segment in segments).encode("latin-1")


def new_control_id() -> str:
    """MSH-10, which has 20 characters in old versions."""
    return f"PM{secrets.token_hex(9)}"


def timestamp(now: Micros, zone: tzinfo) -> str:
    """A time as HL7 v2 writes it (2.16.79): with seconds and the offset from UTC."""
    return datetime.fromtimestamp(now // SECOND, zone).strftime("%Y%m%d%H%M%S%z")
