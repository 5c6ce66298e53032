"""The node is one of a group that became unreachable together: the group is notified of instead."""

from __future__ import annotations

from pacs_monitor.alerting.sites import group_of
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, IncidentKind

RANK = 30
WHY = "group"
MEANING = "its site became unreachable; the detail names it"
UNTIL = "the group ends, and the node is still dead"
WHILE_UNKNOWN = True


def suppress(turn: Turn, subject: Subject, _event: Event, _channel: str, _target: Target) -> Reply | None:
    if subject.incident.kind is not IncidentKind.NODE:
        return None
    group = group_of(turn, subject.incident)
    return Reply(WHY, group.incident.cause) if group is not None else None
