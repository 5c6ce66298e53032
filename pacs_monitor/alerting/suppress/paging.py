"""Paging is off for every member that is routed to the channel, or in shadow mode after people were paged for real."""

from __future__ import annotations

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, Paging

RANK = 10
WHY = "paging"
MEANING = "paging is off for all members that are routed there; or in shadow mode, after a page that was sent"
UNTIL = "it is switched on"


def suppress(_turn: Turn, subject: Subject, _event: Event, channel: str, target: Target) -> Reply | None:
    """In shadow mode, what people were paged about waits: only recorded, it would be taken for known."""
    if target.paging is Paging.OFF:
        return Reply(WHY)
    sent = subject.notified.get(channel)
    was_paged = sent is not None and not sent.shadow
    return Reply(WHY, Paging.SHADOW.value) if was_paged and target.paging is Paging.SHADOW else None
