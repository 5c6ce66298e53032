"""Who we are to a peer (PS3.7 D.3.3.2), and how much we take at once (PS3.8 D.1)."""

from __future__ import annotations

IMPLEMENTATION_CLASS_UID = "2.25.316623633944636814876069796555226767746"
"""Fixed for this project: a UUID-derived UID (PS3.5 B.2)."""
IMPLEMENTATION_VERSION_NAME = "PACSMON_0_1"
MAXIMUM_LENGTH = 16384
"""Bytes: the longest P-DATA-TF PDU that we ask our peers to send, without its header of 6 bytes."""
