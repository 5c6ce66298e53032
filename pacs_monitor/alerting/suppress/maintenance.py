"""All that fails is in planned maintenance, or was until a moment ago: nobody is paged before `page_after` is over."""

from __future__ import annotations

from pacs_monitor.alerting import coverage
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, IncidentKind

RANK = 40
WHY = "maintenance"
MEANING = "all that fails is in planned maintenance; the detail names it"
UNTIL = "`page_after` from the end of the window, if it still fails"


def suppress(turn: Turn, subject: Subject, event: Event, _channel: str, target: Target) -> Reply | None:
    """Reminders and escalation as well; what was told before stays told."""
    incident = subject.incident
    if event not in (Event.OPENED, Event.REMINDED, Event.ESCALATED):
        return None
    if incident.kind is not IncidentKind.NODE:
        rest = coverage.whole(turn, incident)
    else:
        problems = target.problems or incident.active
        rest = coverage.rests(turn, [one for one in problems if one.due <= turn.at] or problems)
        for later in problems:
            turn.wake(incident.id, later.due)
    return None if rest is None else Reply(WHY, *rest)
