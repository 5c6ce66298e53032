"""What the sentence of a page says beside what is wrong: why it comes here, and where else it may be acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pacs_monitor.language import _
from pacs_monitor.model import Event


def with_asides(summary: str, event: Event, data: Mapping[str, Any]) -> str:
    """The sentence of a notification with these data, in the language that is spoken."""
    instead_of, kept_in = data.get("fallback_for"), data.get("acknowledgement_kept_in")
    if instead_of and event is Event.OPENED:
        summary = _("{summary}; sent here because {channel} does not answer", summary=summary, channel=instead_of)
    pages = event in (Event.OPENED, Event.REMINDED, Event.ESCALATED) or data.get("worse") is True
    if kept_in and pages:
        summary = _("{summary}; an acknowledgement is kept in {service}", summary=summary, service=kept_in)
    return summary
