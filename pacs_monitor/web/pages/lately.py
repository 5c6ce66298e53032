"""What was while nobody was at work: incidents that have ended since the evening of the last working day.

They are read again when another incident is open than before, once more when that is surely on record, and else once a
minute: whoever watches the board does not ask the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.messages import page
from pacs_monitor.messages.told import told
from pacs_monitor.model import SECOND, Ending, Incident, Micros
from pacs_monitor.web import records
from pacs_monitor.web.pages.times import span
from pacs_monitor.web.view import DaemonView

EVENING = time(17)
FRIDAY = 4
MOST = 200
"""Incidents that are read."""
SHOWN = 20
"""Of them, told one by one."""
KEPT, KEPT_AT_FIRST = 60.0, 5.0
"""Seconds; at first for as long as the record may be behind what is open."""


class Over(NamedTuple):
    """An incident that has ended, in one line."""

    incident: Incident
    summary: str
    lasted: str


class Lately(NamedTuple):
    """What has ended since a moment."""

    since: Micros
    ended: Sequence[Incident] = ()
    """The latest first."""
    has_more: bool = False
    """There were too many to read them all."""
    last: Incident | None = None
    """The one that ended last, whenever that was."""
    unreadable: str = ""


class LatelyTold(NamedTuple):
    """The same in words."""

    lately: Lately
    rows: Sequence[Over]
    longest: str


class Recent:
    """Keeps what has ended."""

    def __init__(self, daemon: DaemonView) -> None:
        self._daemon = daemon
        self._lock = asyncio.Lock()
        self._kept: tuple[Hashable, float, Lately] | None = None

    async def look(self) -> LatelyTold:
        """In the language that is spoken."""
        daemon = self._daemon
        lately = await self._lately()
        shown = lately.ended[:SHOWN]
        scene = records.scene(daemon, *shown)
        rows = [Over(one, page.summary(one, scene), lasted(one)) for one in shown]
        longest = max(lately.ended, key=_length, default=None)
        return LatelyTold(lately, rows, "" if longest is None else lasted(longest))

    async def _lately(self) -> Lately:
        daemon = self._daemon
        async with self._lock:
            now = daemon.clock.monotonic()
            since = last_evening(daemon.clock.now(), ZoneInfo(daemon.estate.monitor.timezone))
            key = since, frozenset(one.id for one in daemon.desk.open_incidents())
            is_new = self._kept is None or self._kept[0] != key
            if self._kept is None or is_new or now >= self._kept[1]:
                self._kept = key, now + (KEPT_AT_FIRST if is_new else KEPT), await self._read(since)
            return self._kept[2]

    async def _read(self, since: Micros) -> Lately:
        try:
            return await self._daemon.history.read(lambda reader: _of(reader, since))
        except HistoryError as error:
            return Lately(since, unreadable=told(str(error)))


def last_evening(now: Micros, zone: ZoneInfo) -> Micros:
    """17:00 of the last Monday to Friday before today: on a Monday that is Friday's."""
    day = datetime.fromtimestamp(now // SECOND, UTC).astimezone(zone).date() - timedelta(days=1)
    while day.weekday() > FRIDAY:
        day -= timedelta(days=1)
    return round(datetime.combine(day, EVENING, zone).timestamp()) * SECOND


def lasted(incident: Incident) -> str:
    """From its begin to its end."""
    return span(_length(incident) / SECOND)


def _length(incident: Incident) -> Micros:
    return (incident.ended or incident.since) - incident.since


def _of(reader: HistoryReader, since: Micros) -> Lately:
    found = reader.incidents(start=since, limit=MOST)
    over = [(one.ended, one) for one in found if one.ended is not None and one.ending is not Ending.MERGED]
    ended = [one for _at, one in sorted(over, key=lambda row: -row[0])]
    last = ended[0] if ended else next((one for one in reader.incidents(limit=1) if one.ended is not None), None)
    return Lately(since, ended, len(found) == MOST, last)
