"""Notifications that test a channel: a plain one, and pages of every shape, about a node that does not exist.

Each is marked in every text that people see: title, node and summary begin with TEST, and `kind` or `test` says so to
programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from ulid import ULID

from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.format.human import duration
from pacs_monitor.language import N_, _, speaking
from pacs_monitor.messages import digest, group, page
from pacs_monitor.messages.page import SCHEMA
from pacs_monitor.messages.scene import Scene
from pacs_monitor.messages.words import voice
from pacs_monitor.model import (
    SECOND,
    CheckId,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Phase,
    Problem,
    Reason,
    Severity,
    State,
)

NO_FAULT = N_("TEST – no fault")  # noqa: RUF001 - a dash, as people write it
"""The text of a test begins so."""
NODE, SITE = "TEST", "TEST-SITE"
IMPACT = N_("nobody is affected: somebody tries a channel of the monitor")
NEXT_STEP = N_("Nothing to do: nothing has failed.")
LASTS = 90 * SECOND
"""How long the invented trouble has lasted."""


class Shape(StrEnum):
    """What is sent as a test, beside the plain one."""

    OPENED = "opened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    GROUP = "group"
    DIGEST = "digest"


_EVENTS: Mapping[Shape, tuple[Event, ...]] = {
    Shape.OPENED: (Event.OPENED, Event.RESOLVED),
    Shape.CHANGED: (Event.OPENED, Event.CHANGED, Event.RESOLVED),
    Shape.RESOLVED: (Event.OPENED, Event.RESOLVED),
    Shape.GROUP: (Event.OPENED, Event.RESOLVED),
    Shape.DIGEST: (Event.DIGEST,),
}


def trial(channel: str, monitor: MonitorSettings, now: Micros) -> Notification:
    """A notification that somebody has asked for."""
    with speaking(monitor.language):
        words = _(
            "channel {channel} of the monitor {monitor} works; no action is needed",
            channel=channel,
            monitor=monitor.name,
        )
        return _test(_identity(now), channel, monitor, now, words)


def shaped(shape: Shape | None, channel: str, monitor: MonitorSettings, now: Micros) -> tuple[Notification, ...]:
    """What a test of this shape sends, in this order: whatever opens is ended by the last one. None: the plain one."""
    if shape is None:
        return (trial(channel, monitor, now),)
    identity, scene = f"TEST-{_identity(now)}", Scene(monitor.name, monitor, checks={}, standings={}, now=now)
    with speaking(monitor.language):
        return tuple(
            Notification(_identity(now), channel, event, now, _data(identity, shape, event, channel, scene))
            for event in _EVENTS[shape]
        )


def planned_trial(
    identity: str, channel: str, monitor: MonitorSettings, now: Micros, ack_within: float | None
) -> Notification:
    """The regular one; `ack_within`, in seconds, where the channel takes answers."""
    regular = N_("the regular test of channel {channel} of the monitor {monitor}; no action is needed")
    answered = N_("the regular test of channel {channel} of the monitor {monitor}; acknowledge it within {within}")
    with speaking(monitor.language):
        within = duration(ack_within) if ack_within else ""
        words = _(answered if within else regular, channel=channel, monitor=monitor.name, within=within)
        return _test(identity, channel, monitor, now, words)


def _identity(now: Micros) -> str:
    return str(ULID.from_timestamp(now / SECOND))


def _test(identity: str, channel: str, monitor: MonitorSettings, now: Micros, words: str) -> Notification:
    data = {
        "schema": SCHEMA,
        "monitor": monitor.name,
        "kind": "test",
        "title": monitor.name,
        "summary": f"{_(NO_FAULT)}: {words}",
        "url": monitor.url,
        **voice(monitor),
    }
    return Notification(identity, channel, Event.TEST, now, data)


def _data(identity: str, shape: Shape, event: Event, channel: str, scene: Scene) -> dict[str, Any]:
    """What a page of this shape says, with our marks in place of what it would say of a fault."""
    monitor, now, no_fault = scene.monitor, scene.now, _(NO_FAULT)
    incident = _invented(identity, shape, now, over=event not in (Event.OPENED, Event.CHANGED))
    if shape is Shape.DIGEST:
        told, invented = digest.data(identity, channel, (incident,), (), scene), _("an invented incident")
        told["missed"] = [{**one, "summary": f"{no_fault}: {invented}"} for one in told["missed"]]
    elif shape is Shape.GROUP:
        told = {**group.data(incident, event, monitor.name, monitor, now, titles={}), "page": 1, "worse": False}
    else:
        told = page.data(incident, event, scene)
    name = Notification("", channel, event, now, told).type
    asked = _(
        "this is a test page ({name}) of channel {channel} of the monitor {monitor}; no action is needed",
        name=name,
        channel=channel,
        monitor=monitor.name,
    )
    texts = {"summary": f"{no_fault}: {asked}", "title": no_fault, "url": monitor.url, "test": True}
    step = "" if incident.ended else _(NEXT_STEP)
    more = {"impact": _(IMPACT), "detail": f"{no_fault}: {asked}", "next_step": step, "points_to": ""}
    return {**told, **voice(monitor), **texts, **({} if shape is Shape.DIGEST else more)}


def _invented(identity: str, shape: Shape, now: Micros, *, over: bool) -> Incident:
    """An incident of a node, or of a site, that is in no configuration."""
    checks = (
        [CheckId(NODE, "test")] if shape is not Shape.GROUP else [CheckId(f"{NODE}-{n}", "test") for n in (1, 2, 3)]
    )
    since, reason = now - LASTS, Reason.TCP_REFUSED
    problems = [
        Problem(check, State.DOWN, Severity.CRITICAL, reason, Phase.CONNECT, NO_FAULT, None, since, now, now)
        for check in checks
    ]
    incident = Incident(
        identity,
        IncidentKind.GROUP if shape is Shape.GROUP else IncidentKind.NODE,
        SITE if shape is Shape.GROUP else f"unreachable:{NODE}",
        Severity.CRITICAL,
        State.DOWN,
        reason,
        Phase.CONNECT,
        "",
        None,
        since,
        now,
        tuple(checks),
        problems=tuple(problems),
    )
    if not over:
        return incident
    left = tuple(replace(problem, left=now) for problem in problems)
    return replace(incident, ended=now, ending=Ending.RESOLVED, problems=left)
