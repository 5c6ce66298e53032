"""Why a notification is not sent: a chain, one file each; the first that answers is recorded.

A file of the chain is all that there is to a reason. It defines

- `WHY`: its word, a value of the label of `pacs_notifications_suppressed_total`, and what records and people are told;
- `MEANING` and `UNTIL`: what it means and when it no longer holds, for the table of docs/alerting.md;
- `RANK`: the lowest is asked first;
- `suppress(turn, subject, event, channel, target)`: a Reply, or None where it has no objection. It is asked for every
  channel, whenever something about the subject has changed;
- `WHILE_UNKNOWN = True`, if it explains failures: it still does while nothing is known of the node.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import NamedTuple

from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.targets import Target
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, Suppressed, Why

Suppress = Callable[[Turn, Subject, Event, str, Target], Reply | None]


class Link(NamedTuple):
    """One file of the chain."""

    rank: int
    why: str
    meaning: str
    until: str
    suppress: Suppress
    while_unknown: bool


__all__ = ["Link", "Reply", "Suppress", "chain", "hold", "suppressed", "words"]


def suppressed(turn: Turn, subject: Subject, event: Event, channel: str, target: Target) -> Reply | None:
    """The first reason not to send this channel the event about the subject now."""
    for link in chain():
        if (reply := link.suppress(turn, subject, event, channel, target)) is not None:
            return reply
    return _as_before(subject, channel)


def hold(turn: Turn, subject: Subject, event: Event, channel: str, reply: Reply | None) -> Subject:
    """Record when a reason not to send begins, and when it no longer holds, once each."""
    key = event, channel
    held = subject.suppressed.get(key)
    if held is not None and reply is not None and (held.why, held.detail) == (reply.why, reply.detail):
        return subject
    if held is None and reply is None:
        return subject
    rest = {other: row for other, row in subject.suppressed.items() if other != key}
    if held is not None:
        turn.effects.suppressed.append(replace(held, ended=turn.at))
    if reply is not None:
        row = Suppressed(subject.incident.id, event, reply.why, turn.at, channel or None, reply.detail)
        turn.effects.suppressed.append(row)
        rest[key] = row
    return turn.remember(replace(subject, suppressed=rest))


def words() -> tuple[str, ...]:
    """Every reason that there is: those of the chain, and the others."""
    return (*(link.why for link in chain()), *Why)


def _as_before(subject: Subject, channel: str) -> Reply | None:
    """While nothing is known of a node, what explained its failure still does; whether it recovered is not known."""
    held = subject.suppressed.get((Event.OPENED, channel))
    if held is None or subject.incident.in_trouble:
        return None
    explains = any(link.why == held.why and link.while_unknown for link in chain())
    return Reply(held.why, held.detail) if explains else None


@cache
def chain() -> tuple[Link, ...]:
    """In the order in which they are asked."""
    names = [f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if found.name != "reply"]
    return tuple(sorted(map(_link, names)))


def _link(name: str) -> Link:
    file = import_module(name)
    explains = getattr(file, "WHILE_UNKNOWN", False)
    return Link(file.RANK, file.WHY, file.MEANING, file.UNTIL, file.suppress, explains)
