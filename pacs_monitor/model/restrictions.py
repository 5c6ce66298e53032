"""What people forbid the engine for a time: a pause, or a maintenance window that stops or restricts probing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pacs_monitor.model.times import Micros


class RestrictionMode(StrEnum):
    """How much is forbidden."""

    READ_ONLY = "read_only"
    """Nothing is stored, sent, moved or deleted; checks that only read go on."""
    STOP = "stop"
    """Nothing at all is asked."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """What one check must not do, by the word of people."""

    mode: RestrictionMode
    text: str
    """Why, who and until when: `paused by it-duty until 10:45: detector exchange`."""
    until: Micros | None = None
    """When it ends by itself, for display: whoever gave it takes it back. None when no end is known."""
    is_pause: bool = True
    """False: a maintenance window."""

    def stops(self, *, writes: bool) -> bool:
        """Whether a check that writes, or only reads, does not run."""
        return writes or self.mode is RestrictionMode.STOP
