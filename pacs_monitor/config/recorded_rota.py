"""Rotas as the record has them: who is on call when, so that a replay decides as it was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pacs_monitor.calendars import Hours, WeeklyTimes
from pacs_monitor.config.shift_calendar import ShiftCalendar
from pacs_monitor.intervals import Interval
from pacs_monitor.rota import OnCall, Rota, Rotation, Span


def written(oncall: OnCall) -> dict[str, Any]:
    """With the names of people and channels, without numbers and addresses; times in microseconds, UTC."""
    rota = oncall.rota
    return {
        "zone": str(oncall.zone),
        "covers": str(oncall.covers),
        "otherwise": list(oncall.otherwise),
        "people": {who: list(channels) for who, channels in oncall.people},
        "at_once": rota.at_once,
        "shifts": [_rotation(rotation) for rotation in rota.rotations],
        "ical": rota.listed.text if isinstance(rota.listed, ShiftCalendar) else None,
        "overrides": _spans(rota.overrides),
        "vacations": _spans(rota.vacations),
    }


def read(name: str, said: Mapping[str, Any]) -> OnCall:
    """As it was written."""
    zone, ical = ZoneInfo(said["zone"]), said.get("ical")
    rota = Rota(
        rotations=tuple(map(_read_rotation, said["shifts"])),
        listed=ShiftCalendar(ical, zone) if ical else None,
        overrides=_read_spans(said["overrides"]),
        vacations=_read_spans(said["vacations"]),
        at_once=said["at_once"],
    )
    people = tuple((who, tuple(channels)) for who, channels in said["people"].items())
    return OnCall(name, rota, tuple(said["otherwise"]), people, zone, Hours.parse(said["covers"]))


def _rotation(rotation: Rotation) -> dict[str, Any]:
    is_rule = isinstance(rotation.handover, str)
    return {
        "order": list(rotation.order),
        "start": rotation.start.isoformat(),
        "zone": str(rotation.zone),
        "rrule" if is_rule else "handover": str(rotation.handover),
        "hours": str(rotation.hours),
    }


def _read_rotation(said: Mapping[str, Any]) -> Rotation:
    handover = said["rrule"] if "rrule" in said else WeeklyTimes.parse(said["handover"])
    start, hours = datetime.fromisoformat(said["start"]), Hours.parse(said["hours"])
    return Rotation(tuple(said["order"]), start, ZoneInfo(said["zone"]), handover, hours)


def _spans(spans: Sequence[Span]) -> list[dict[str, Any]]:
    return [{"who": span.who, "from": span.during.start, "to": span.during.end} for span in spans]


def _read_spans(said: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(one["who"], Interval(one["from"], one["to"])) for one in said)
