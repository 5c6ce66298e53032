"""What a peer speaks instead, by the first bytes that it sends: a wrong port shows at once."""

from __future__ import annotations

import re

WRONG = "wrong port or protocol?"
"""How a message begins whose likeliest cause is the configured port, or `tls`, or http for https."""
ENOUGH = 10
"""Bytes by which a protocol is known."""
_BEGINNINGS = (
    ("HTTP", re.compile(rb"HTTP/\d|(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|PRI) ")),  # RFC 9112 2
    ("TLS", re.compile(rb"[\x14-\x16]\x03[\x00-\x04]")),  # RFC 8446 5.1
    ("DICOM", re.compile(rb"[\x01-\x07]\x00\x00\x00")),  # PS3.8 9.3.1
    ("MLLP", re.compile(rb"\x0b")),
    ("SSH", re.compile(rb"SSH-")),  # RFC 4253 4.2
)


def spoken(begins: bytes) -> str | None:
    """The protocol that a stream of bytes begins like; None when it is none of those that are met here."""
    return next((name for name, beginning in _BEGINNINGS if beginning.match(begins)), None)
