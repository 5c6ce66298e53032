"""Why a notification is not sent: a chain, one file each; the first that answers is recorded.

A file defines `RANK` (the lowest is asked first) and `suppress(turn, subject, event, channel, target)`, which returns
a Reply, or None where it has no objection. It is asked for every channel, whenever something about the subject has
changed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from pacs_monitor.alerting.rules import Target
from pacs_monitor.alerting.situation import Subject
from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.alerting.turn import Turn
from pacs_monitor.model import Event, Why

Suppress = Callable[[Turn, Subject, Event, str, Target], Reply | None]

EXPLAINED = (Why.DEPENDENCY, Why.GROUP)

__all__ = ["Reply", "chain", "suppressed"]


def suppressed(turn: Turn, subject: Subject, event: Event, channel: str, target: Target) -> Reply | None:
    """The first reason not to send this channel the event about the subject now."""
    for suppress in chain():
        if (reply := suppress(turn, subject, event, channel, target)) is not None:
            return reply
    return _as_before(subject, channel)


def _as_before(subject: Subject, channel: str) -> Reply | None:
    """While nothing is known of a node, what explained its failure still does; whether it recovered is not known."""
    held = subject.suppressed.get((Event.OPENED, channel))
    if held is None or held.why not in EXPLAINED:
        return None
    if subject.incident.in_trouble:
        return None
    return Reply(Why(held.why), held.detail)


@cache
def chain() -> tuple[Suppress, ...]:
    """In the order in which they are asked."""
    names = [f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if found.name != "reply"]
    modules = sorted(map(import_module, names), key=lambda module: module.RANK)
    return tuple(module.suppress for module in modules)
