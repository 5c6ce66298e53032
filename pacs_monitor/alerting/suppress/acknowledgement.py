"""Somebody has acknowledged it: nobody is reminded, nothing escalates, and no further channel is paged."""

from __future__ import annotations

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event

RANK = 50
WHY = "acknowledgement"
MEANING = "somebody deals with it; the detail names who"
UNTIL = "the acknowledgement ends, or it gets worse"


def suppress(_turn: Turn, subject: Subject, event: Event, _channel: str, _target: Target) -> Reply | None:
    said = subject.incident.acknowledgement
    if said is None or event not in (Event.OPENED, Event.REMINDED, Event.ESCALATED):
        return None
    return Reply(WHY, said.by, said.until)
