"""The channel has too many incidents to open at once: the worst go first, and a summary stands for the rest."""

from __future__ import annotations

from pacs_monitor.alerting import storms
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, IncidentKind, Paging

RANK = 90
WHY = storms.WHY
MEANING = "too many incidents opened on the channel within a minute; the detail names the summary that tells of it"
UNTIL = "the next batch is decided; told in a summary: it gets worse than that said, or a reminder is due"


def suppress(turn: Turn, subject: Subject, event: Event, channel: str, target: Target) -> Reply | None:
    if event is not Event.OPENED or subject.incident.kind is not IncidentKind.NODE or target.paging is not Paging.ON:
        return None
    held = storms.held(turn, subject, channel, target)
    return None if held is None else Reply(WHY, *held)
