"""What people have said of an incident, as messages and the API have it."""

from __future__ import annotations

from typing import Any

from pacs_monitor.model import Acknowledgement, Micros, PublicNote, iso


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
