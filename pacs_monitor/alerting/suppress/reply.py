"""What a link of the chain answers."""

from __future__ import annotations

from typing import NamedTuple

from pacs_monitor.model import Micros, Why


class Reply(NamedTuple):
    """Why a notification is not sent; `until` where an end is known."""

    why: Why
    detail: str = ""
    until: Micros | None = None
