"""What changed last at a node, before and in its trouble: what was measured, and what people did. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.format.human import moment
from pacs_monitor.language import _
from pacs_monitor.model import SECOND, Change, CheckId, Micros, iso

WITHIN = 14 * 86_400 * SECOND
"""How far back a change is worth a line."""
TOLD = 3
"""The latest ones are told."""


class What(StrEnum):
    """What sort of change; a key in the page, so it stays English."""

    VERSION = "version"
    CERTIFICATE = "certificate"
    SERVICES = "services"
    CONFIGURATION = "configuration"
    MAINTENANCE = "maintenance"


class Changed(NamedTuple):
    """One change, and when it was first seen or done."""

    at: Micros
    what: What
    check: CheckId | None = None
    """Which check saw it; None for what people did."""
    before: str = ""
    after: str = ""
    name: str = ""
    """Of the maintenance."""


def seen(check: CheckId, at: Micros, change: Change) -> Changed:
    """What a probe found different about its peer; digests and UIDs say nothing to people."""
    if change.what.endswith("certificate"):
        return Changed(at, What.CERTIFICATE, check)
    if change.what == "software version":
        return Changed(at, What.VERSION, check, change.before, change.after)
    return Changed(at, What.VERSION if "implementation" in change.what else What.SERVICES, check)


def data(changes: Iterable[Changed], zone: ZoneInfo, now: Micros) -> list[dict[str, Any]]:
    """The latest first; each with a sentence."""
    return [
        {
            "at": iso(one.at),
            "what": one.what.value,
            "check": None if one.check is None else str(one.check),
            "text": _sentence(one, moment(one.at, zone, now)),
        }
        for one in _latest(changes, now)
    ]


def _latest(changes: Iterable[Changed], now: Micros) -> list[Changed]:
    told = sorted(_once(one for one in changes if now - WITHIN <= one.at <= now), key=lambda one: -one.at)
    return told[:TOLD]


def _once(changes: Iterable[Changed]) -> Iterator[Changed]:
    """Several checks see one change: the first of them is named."""
    known = set[tuple[object, ...]]()
    for one in sorted(changes, key=lambda one: one.at):
        minute = one.at // (600 * SECOND)
        if (key := (one.what, one.name, one.before, one.after, minute)) not in known:
            known.add(key)
            yield one


def _sentence(one: Changed, at: str) -> str:
    match one.what:
        case What.CERTIFICATE:
            return _("another certificate, first seen by {check} at {at}", check=_name(one), at=at)
        case What.VERSION if one.before and one.after:
            return _(
                "software version {before} became {after}, first seen by {check} at {at}",
                before=one.before,
                after=one.after,
                check=_name(one),
                at=at,
            )
        case What.VERSION:
            return _("another software version, first seen by {check} at {at}", check=_name(one), at=at)
        case What.SERVICES:
            return _("other services are accepted, first seen by {check} at {at}", check=_name(one), at=at)
        case What.CONFIGURATION:
            return _("the monitor's configuration of this node, at {at}", at=at)
        case _:
            return _("maintenance '{name}' ended at {at}", name=one.name, at=at)


def _name(one: Changed) -> str:
    return "" if one.check is None else one.check.check
