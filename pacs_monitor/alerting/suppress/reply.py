"""What a link of the chain answers."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.model import Micros


class Reply(NamedTuple):
    """Why a notification is not sent; `until` where an end is known."""

    why: str
    """The word of the link."""
    detail: str = ""
    until: Micros | None = None
