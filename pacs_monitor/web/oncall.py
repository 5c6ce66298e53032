"""Who is on call, and who is next: names and channels, never numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from pacs_monitor import api as answers
from pacs_monitor.config.oncall import AHEAD
from pacs_monitor.intervals import Interval
from pacs_monitor.model import Micros, iso
from pacs_monitor.rota import OnCall, Shift
from pacs_monitor.web.said import zone_of
from pacs_monitor.web.view import DaemonView
from pacs_monitor.web.words import LONGEST_NAME, moment_of
from pacs_monitor.when import parse_when

MOST = 50
"""Shifts to come that are listed."""


def add_oncall(api: APIRouter, daemon: DaemonView) -> None:
    """By every rota."""

    @api.get(
        "/api/v1/oncall",
        response_model=answers.OnCall,
        summary="Who is on call now (or `at` a time), by every rota, and who is next.",
    )
    async def oncall(
        at: Annotated[str | None, Query(max_length=LONGEST_NAME)] = None,
        following: Annotated[int, Query(alias="next", ge=0, le=MOST)] = 1,
    ) -> dict[str, Any]:
        now = daemon.clock.now()
        moment = now if at is None else moment_of("at", partial(parse_when, at, now, zone_of(daemon)))
        if moment < 0:
            raise HTTPException(422, ["at: name a time after 1970"])
        rotas = daemon.desk.plans.oncalls()
        return {
            "monitor": daemon.estate.monitor.name,
            "timezone": daemon.estate.monitor.timezone,
            "time": iso(moment),
            "oncall": [_rota(rotas[name], moment, following) for name in sorted(rotas)],
        }


def _rota(oncall: OnCall, at: Micros, count: int) -> dict[str, Any]:
    shift = oncall.at(at)
    return {
        "name": oncall.name,
        "timezone": str(oncall.zone),
        "covers": str(oncall.covers),
        "at_once": oncall.rota.at_once,
        "now": _shift(oncall, shift),
        "next": [_shift(oncall, one) for one in _following(oncall, shift, count)],
        "gaps": [{"start": iso(gap.start), "end": iso(gap.end)} for gap in oncall.gaps(Interval(at, at + AHEAD))],
    }


def _following(oncall: OnCall, shift: Shift, count: int) -> Iterator[Shift]:
    following: Shift | None = shift
    for _ in range(count):
        following = None if following is None else oncall.after(following)
        if following is None:
            return
        yield following


def _shift(oncall: OnCall, shift: Shift) -> dict[str, Any]:
    """Without people, the pages go to the channels that the configuration has for that."""
    return {
        "people": list(shift.people),
        "channels": list(oncall.channels(shift)),
        "since": None if shift.start is None else iso(shift.start),
        "until": None if shift.end is None else iso(shift.end),
        "covered": shift.covered,
        "gap": shift.is_gap,
    }
