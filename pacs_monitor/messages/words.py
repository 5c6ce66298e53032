"""Small things that messages, the API and the log say alike."""

from __future__ import annotations

from typing import Any

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.model import Acknowledgement, Micros, PublicNote, Transition, iso


def voice(monitor: MonitorSettings) -> dict[str, str]:
    """The language of a page, and the zone in which people read its times."""
    return {"language": monitor.language, "timezone": monitor.timezone}


def acknowledged(said: Acknowledgement | None) -> dict[str, Any] | None:
    """Who deals with it, why, and until when; None if nobody has said so."""
    if said is None:
        return None
    return {"by": said.by, "why": said.why, "at": iso(said.at), "until": iso(said.until), "ticket": said.ticket}


def public_note(note: PublicNote | None, now: Micros) -> dict[str, Any] | None:
    """What users were told, when they were promised more, and whether that is overdue."""
    if note is None:
        return None
    promised = note.next_update
    return {
        "text": note.text,
        "at": iso(note.at),
        "next_update": None if promised is None else iso(promised),
        "overdue": promised is not None and promised <= now,
    }


def transition_line(transition: Transition) -> str:
    """A transition for the log: what, and all that was seen of it."""
    before, after = transition.before, transition.after
    moved = f"still {after}" if before is after else f"{before} -> {after}"
    why = f" ({transition.reason})" if transition.reason else ""
    return f"{transition.check}: {moved}{why}" + (f": {transition.detail}" if transition.detail else "")
