"""What is suppressed of a subject: since when, until when, and when to look again."""

from __future__ import annotations

from dataclasses import replace

from pacs_monitor.alerting import digests
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress import Reply
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event as Said
from pacs_monitor.model import Suppressed


def with_reply(turn: Turn, subject: Subject, key: tuple[Said, str], reply: Reply | None) -> Subject:
    """Record when a reason begins and when it no longer holds, once each."""
    held = subject.suppressed.get(key)
    if held is not None and reply is not None and (held.why, held.detail) == (reply.why, reply.detail):
        return subject
    if held is None and reply is None:
        return subject
    rest = {other: row for other, row in subject.suppressed.items() if other != key}
    if held is not None:
        turn.effects.suppressed.append(replace(held, ended=turn.at))
    if reply is not None:
        said, channel = key
        row = Suppressed(subject.incident.id, said, reply.why, turn.at, channel or None, reply.detail)
        turn.effects.suppressed.append(row)
        rest[key] = row
    return turn.remember(replace(subject, suppressed=rest))


def look_again(turn: Turn, subject: Subject, channel: str, reply: Reply) -> None:
    """When the reason no longer holds; where it only waits for an opening, the digest of then tells of it."""
    if reply.until is not None:
        turn.wake(subject.incident.id, reply.until)
    if reply.opening is not None:
        digests.plan(turn, channel, reply.opening)
