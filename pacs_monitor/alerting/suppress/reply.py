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
    opening: Micros | None = None
    """What is suppressed only waits: the channel hears of it at this opening, in its digest, or by itself after it."""
