"""What a page says that goes to a fallback, because another channel does not deliver it."""

from __future__ import annotations

from typing import Any


def of(channel: str, summary: str = "") -> dict[str, Any]:
    """The part of a notification's data that differs; `summary` is the page's own, where it is to say so too."""
    told = {"fallback_for": channel}
    return {**told, "summary": f"{summary}; sent here because {channel} does not answer"} if summary else told
