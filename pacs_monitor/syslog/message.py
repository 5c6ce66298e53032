"""The form of a message, by RFC 5424: header, structured data, and a sentence in UTF-8."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from enum import IntEnum

from pacs_monitor.model import Micros, iso

LOG_AUDIT = 13
"""The facility (RFC 5424 6.2.1)."""
APP = "pacs-monitor"
SD_ID = "pacsMonitor@32473"
"""We have no Private Enterprise Number: 32473 is the one of examples (RFC 5612), which clashes with nobody's own."""
BOM = b"\xef\xbb\xbf"
LONGEST_VALUE = 400
"""Characters of a value: receivers take at least 2048 octets (RFC 5424 6.1 says SHOULD)."""
_TO_ESCAPE = re.compile(r'(["\\\]])')


class Severity(IntEnum):
    """RFC 5424 6.2.1, table 2."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5


def message(severity: Severity, at: Micros, kind: str, facts: Mapping[str, str], text: str) -> bytes:
    """One message; `kind` is its MSGID, `facts` become structured data: names of letters, values of any text."""
    host = _header(socket.gethostname(), 255)
    head = f"<{LOG_AUDIT * 8 + severity}>1 {iso(at)} {host} {APP} {os.getpid()} {_header(kind, 32)}"
    data = "".join(f' {name}="{_value(value)}"' for name, value in facts.items())
    return f"{head} [{SD_ID}{data}] ".encode() + BOM + _line(text).encode("utf-8", "replace")


def _header(text: str, longest: int) -> str:
    """Printable ASCII without blanks (RFC 5424 6), "-" where there is nothing."""
    return "".join(c if "!" <= c <= "~" else "?" for c in text[:longest]) or "-"


def _value(text: str) -> str:
    """PARAM-VALUE (RFC 5424 6.3.3): quotes, backslashes and brackets are escaped."""
    return _TO_ESCAPE.sub(r"\\\1", _line(text[:LONGEST_VALUE])).encode("utf-8", "replace").decode()


def _line(text: str) -> str:
    """Without line breaks and control characters, by which one message could look like two to a reader."""
    return "".join(c if c.isprintable() else "?" for c in text)
