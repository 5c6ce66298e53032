"""What a page says that goes to a fallback, because another channel does not deliver it."""

from __future__ import annotations

from typing import Any

from pacs_monitor.language import _


def of(channel: str, summary: str = "") -> dict[str, Any]:
    """The part of a notification's data that differs; `summary` is the page's own, where it is to say so too."""
    told = {"fallback_for": channel}
    if not summary:
        return told
    return {
        **told,
        "summary": _("{summary}; sent here because {channel} does not answer", summary=summary, channel=channel),
    }
