"""A network parent is down, and nothing says that more is wrong than that: the parent's own page is enough."""

from __future__ import annotations

from pacs_monitor.alerting.parents import explained_by
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, IncidentKind

RANK = 20
WHY = "dependency"
MEANING = "a dead network parent explains all that is wrong; the detail names it"
UNTIL = "the parent is back and the node still fails, or fails in another way"
WHILE_UNKNOWN = True


def suppress(turn: Turn, subject: Subject, _event: Event, _channel: str, _target: Target) -> Reply | None:
    if subject.incident.kind is not IncidentKind.NODE:
        return None
    parents = explained_by(turn, subject.incident)
    return Reply(WHY, ", ".join(parents)) if parents else None
