"""Calendars out of their settings: the names that they say of each other, circles, and hours that never come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from pacs_monitor.calendars import Calendar, Hours
from pacs_monitor.config.draft import Draft
from pacs_monitor.config.sections import CalendarSettings
from pacs_monitor.config.tree import at
from pacs_monitor.config.validate import Validator
from pacs_monitor.model import SECOND


def build_calendars(validator: Validator, draft: Draft, timezone: str) -> dict[str, Calendar]:
    """Every calendar that can be built; one that never opens, or never for longer than its grace, is a problem."""
    zone, built = ZoneInfo(timezone), dict[str, Calendar]()
    settings = {name: piece.settings for name, piece in draft.calendars.items()}
    for name, piece in draft.calendars.items():
        calendar = calendar_of(name, settings, zone, built)
        if calendar is None:
            continue  # what it names is not there, or names it in turn: that is told where names are checked
        now = round(time.time()) * SECOND
        if calendar.next_opening(now) is None and not calendar.is_open(now):
            validator.error(piece.tree.mark, piece.path, "is never open; shorten 'except', or write other hours")
        elif calendar.pages_from(now) is None:
            message = "is never open for longer than this, so nothing is ever paged; shorten it"
            validator.error(at(piece.tree, ("opening_grace",)).mark, (*piece.path, "opening_grace"), message)
    return built


def calendar_of(
    name: str,
    settings: Mapping[str, CalendarSettings],
    zone: ZoneInfo,
    built: dict[str, Calendar],
    inside: tuple[str, ...] = (),
) -> Calendar | None:
    """One of them, and into `built` with what it needs; None where that is not there, or names it in turn."""
    if name in built or name in inside or name not in settings:
        return built.get(name)
    said, other = settings[name], None
    if said.outside_of is not None:
        other = calendar_of(said.outside_of, settings, zone, built, (*inside, name))
        if other is None:
            return None
    grace = round(said.opening_grace * SECOND)
    built[name] = Calendar(name, said.hours or Hours(()), zone, said.exceptions, grace, other)
    return built[name]
