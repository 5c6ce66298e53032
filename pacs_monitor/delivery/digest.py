"""The digest of a channel: incidents that began and ended while it took nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pacs_monitor.language import _, _n, speaking
from pacs_monitor.model import Event, Micros, Notification, Severity, dedup_key, iso

SCHEMA = 1
NAMED = 10
"""Incidents that the summary names; `missed` has all of them."""


def missed(notifications: Sequence[Notification]) -> dict[str, Any]:
    """One incident that nobody was notified of, from its opened and all that waited behind it."""
    opened, last = notifications[0].data, notifications[-1]
    over = not last.opens
    return {
        "incident": opened.get("incident"),
        "dedup_key": opened.get("dedup_key"),
        "severity": opened.get("severity"),
        "summary": (last.data if over else opened).get("summary", ""),
        "since": opened.get("since"),
        "ended": last.data.get("resolved") or (iso(last.created) if over else None),
    }


def digest(identity: str, now: Micros, incidents: Sequence[dict[str, Any]], like: Notification) -> Notification:
    """Tells of these; channel, monitor and address are those of one of their notifications."""
    with speaking(like.language):
        return Notification(identity, like.channel, Event.DIGEST, now, _data(identity, incidents, like))


def extended(before: Notification, incidents: Sequence[dict[str, Any]]) -> Notification:
    """The same digest with these too; only where the receiver surely has not seen it."""
    every = [*before.data["missed"], *incidents]
    with speaking(before.language):
        data = dict(before.data) | {"missed": every, "summary": _summary(before.channel, every)}
    return Notification(before.id, before.channel, Event.DIGEST, before.created, data)


def _data(identity: str, incidents: Sequence[dict[str, Any]], like: Notification) -> dict[str, Any]:
    monitor = like.data.get("monitor", "")
    return {
        "schema": SCHEMA,
        "monitor": monitor,
        "kind": "digest",
        "dedup_key": dedup_key(monitor, identity),
        "title": monitor,
        "severity": Severity.INFO.value,
        "channel": like.channel,
        "summary": _summary(like.channel, incidents),
        "missed": list(incidents),
        "url": str(like.data.get("url", "")).partition("/incidents/")[0],
        **{key: like.data[key] for key in ("language", "timezone") if key in like.data},
    }


def _summary(channel: str, incidents: Sequence[dict[str, Any]]) -> str:
    named, more = "; ".join(str(incident["summary"]) for incident in incidents[:NAMED]), len(incidents) - NAMED
    return _n(
        "While channel {channel} delivered nothing, one incident began and ended: {named}",
        "While channel {channel} delivered nothing, {count} incidents began and ended: {named}",
        len(incidents),
        channel=channel,
        named=_("{named}; and {more} more", named=named, more=more) if more > 0 else named,
    )
