"""Pauses between attempts that fail: each twice as long as the one before, up to a longest one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """All times in seconds. Jitter is for the caller to add, where many retry at once."""

    first: float
    longest: float
    pause: float = field(init=False)
    """The pause after the next failure."""

    def __post_init__(self) -> None:
        self.pause = self.first

    def failed(self) -> float:
        """How long to wait now; the pause after this one is twice as long."""
        pause, self.pause = self.pause, min(self.pause * 2, self.longest)
        return pause

    def reset(self) -> None:
        """It worked: the next failure is a first one again."""
        self.pause = self.first
