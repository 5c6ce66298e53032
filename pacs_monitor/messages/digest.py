"""The `data` of a digest: what a channel did not hear of while it was not to be paged, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pacs_monitor.language import _, _n
from pacs_monitor.messages import page
from pacs_monitor.messages.scene import Scene
from pacs_monitor.model import Incident, Severity, dedup_key, iso

NAMED = 10
"""Incidents that the summary names of each sort; `missed` and `open` have all of them."""


def data(
    identity: str,
    channel: str,
    over: Sequence[Incident],
    going_on: Sequence[Incident],
    scene: Scene,
    *,
    gaps: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Everything that a channel may render; the same keys as in the digest of a channel that delivered nothing.

    `gaps` has, by rota, the hours to come in which nobody is on call.
    """
    missed = [_entry(incident, scene) for incident in over]
    still = [_entry(incident, scene) for incident in going_on]
    return {
        "schema": page.SCHEMA,
        "monitor": scene.name,
        "kind": "digest",
        "dedup_key": dedup_key(scene.name, identity),
        "title": scene.name,
        "severity": Severity.INFO.value,
        "channel": channel,
        "summary": _summary(missed, still, gaps),
        "missed": missed,
        "open": still,
        "url": scene.monitor.url,
        "unrecorded": False,
        **({"rota_gaps": dict(gaps)} if gaps else {}),
    }


def _entry(incident: Incident, scene: Scene) -> dict[str, Any]:
    return {
        "incident": incident.id,
        "dedup_key": dedup_key(scene.name, incident.id),
        "severity": incident.severity.value,
        "summary": page.summary(incident, scene),
        "since": iso(incident.since),
        "ended": None if incident.ended is None else iso(incident.ended),
    }


def _summary(missed: Sequence[dict[str, Any]], still: Sequence[dict[str, Any]], gaps: Mapping[str, str]) -> str:
    parts = []
    if missed:
        parts.append(
            _n(
                "{count} incident began and ended outside paging hours: {named}",
                "{count} incidents began and ended outside paging hours: {named}",
                len(missed),
                named=_named(missed),
            )
        )
    if still:
        parts.append(
            _n(
                "{count} incident still open: {named}",
                "{count} incidents still open: {named}",
                len(still),
                named=_named(still),
            )
        )
    parts += [_("Nobody is on call by the rota {rota} {hours}", rota=rota, hours=hours) for rota, hours in gaps.items()]
    return ". ".join(parts)


def _named(entries: Sequence[dict[str, Any]]) -> str:
    named, more = "; ".join(str(entry["summary"]) for entry in entries[:NAMED]), len(entries) - NAMED
    return _("{named}; and {more} more", named=named, more=more) if more > 0 else named
