"""The handover: what the next shift has to know."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from pacs_monitor import api as answers
from pacs_monitor.handover.form import as_json
from pacs_monitor.handover.gather import gather
from pacs_monitor.web.view import DaemonView


def add_handover(api: APIRouter, daemon: DaemonView) -> None:
    """It is read by whoever asks, and by that not given: the next one that is sent tells all since the last one."""

    @api.get(
        "/api/v1/handover",
        response_model=answers.Handover,
        summary="What the next shift has to know, as data and as text.",
    )
    async def handover() -> dict[str, Any]:
        zone = ZoneInfo(daemon.estate.monitor.timezone)
        return as_json(await gather(daemon, daemon.timetable.last_handover), zone)
