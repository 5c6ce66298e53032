"""A network parent is down, and nothing says that more is wrong than that: the parent's own page is enough."""

from __future__ import annotations

from pacs_monitor.alerting.parents import explained_by
from pacs_monitor.alerting.rules import Target
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, IncidentKind, Why

RANK = 20


def suppress(turn: Turn, subject: Subject, _said: Event, _channel: str, _target: Target) -> Reply | None:
    if subject.incident.kind is not IncidentKind.NODE:
        return None
    parents = explained_by(turn, subject.incident)
    return Reply(Why.DEPENDENCY, ", ".join(parents)) if parents else None
