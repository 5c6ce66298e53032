"""Who asks, as the gate has found out (web.auth)."""

from __future__ import annotations

from typing import NamedTuple

CALLER = "pacs_monitor.caller"
"""In the scope: who asks (Caller); not there without `auth`."""


class Caller(NamedTuple):
    """A name and a role: of a token, or of a person whom a proxy has signed in."""

    name: str
    role: str


NOBODY = Caller("", "")
"""Whoever asks without a token."""
