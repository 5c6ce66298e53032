"""Paging is off for every member that is routed to the channel."""

from __future__ import annotations

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, Paging

RANK = 10
WHY = "paging"
MEANING = "paging is off for all members that are routed there"
UNTIL = "it is switched on"


def suppress(_turn: Turn, _subject: Subject, _event: Event, _channel: str, target: Target) -> Reply | None:
    return Reply(WHY) if target.paging is Paging.OFF else None
