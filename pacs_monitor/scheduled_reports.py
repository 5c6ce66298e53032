"""Reports that are made by themselves: put into a folder, and told of on channels.

Theory of operation. The record has, for each of them, the time until which its plan is done. Every LOOK seconds the
latest time of its `cron:` line since then is looked for (APScheduler has the plan); if there is one, the report of the
period as seen from that time is made, put into its folder, and the notifications and that time are recorded in one
entry. So a restart loses none and sends none twice, and what was missed while no daemon ran is made up once: the last
one. Only the daemon that leads has this. What fails is told once on the channels, and tried again every RETRY seconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson
from apscheduler.triggers.base import BaseTrigger

from pacs_monitor import cron, reports
from pacs_monitor.alerting import Desk
from pacs_monitor.config import Estate
from pacs_monitor.config.scheduled import ScheduledReport
from pacs_monitor.handover.timetable import identity
from pacs_monitor.history import Frozen, History, HistoryReader
from pacs_monitor.history.frozen import document
from pacs_monitor.language import _, speaking
from pacs_monitor.messages.words import voice
from pacs_monitor.model import (
    SECOND,
    Clock,
    DeliveryStatus,
    Entry,
    Event,
    Micros,
    Note,
    Notification,
    PacsMonitorError,
    Paging,
    Severity,
    dedup_key,
)
from pacs_monitor.reports.filing import file_name
from pacs_monitor.threads import in_thread

log = logging.getLogger(__name__)
LOOK = 5.0
"""Seconds between two looks at the plan."""
RETRY: Micros = 3600 * SECOND
"""Until a report that could not be made is tried again."""
MADE_WITHIN = 120.0
KIND = "reports"
"""Of the notes that remember what was done."""
BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=400))
"""How far back is looked for the latest time of a plan, step by step: the nearer, the fewer there are."""
PRIVATE = 0o640


class Source(Protocol):
    """The running daemon, as far as this asks it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def estate(self) -> Estate: ...
    @property
    def history(self) -> History: ...
    @property
    def desk(self) -> Desk: ...


class Standing(NamedTuple):
    """How far a plan is done."""

    until: Micros
    """What was due until then is done with."""
    made: Micros | None = None
    """When that was due which was last made."""
    tried: Micros | None = None
    """When that was last tried which could not be made."""
    trouble: str = ""
    """Why not."""


class Made(NamedTuple):
    """A report with its files."""

    name: str
    """Its number, or its period."""
    files: Mapping[str, Path]
    outcome: tuple[Mapping[str, Any], ...]
    remark: str = ""


def latest(plan: BaseTrigger, after: Micros, now: Micros) -> Micros | None:
    """The latest time of a plan after one moment, up to another."""
    end = datetime.fromtimestamp(now / SECOND, UTC)
    begin = datetime.fromtimestamp(after / SECOND, UTC)
    for back in BACK:
        start = max(begin, end - back)
        found, at = None, plan.get_next_fire_time(None, start)
        while at is not None and at <= end:
            found, at = at, plan.get_next_fire_time(at, at + timedelta(microseconds=1))
        if found is not None and found > begin:
            return int(found.timestamp()) * SECOND
        if start == begin:
            break
    return None


class ScheduledReports:
    """Makes what is due."""

    def __init__(self, daemon: Source) -> None:
        self._daemon = daemon
        self._standing: dict[str, Standing] = {}
        self._plan: dict[str, tuple[str, str]] = {}
        """The line and the zone of each."""
        self._started = False

    def _start(self, notes: Iterable[Note]) -> None:
        """With what the record has."""
        self._standing = {note.key: Standing(**note.data) for note in notes if note.kind == KIND and note.data}
        self._plan, self._started = _plan(self._daemon.estate), True
        self._begin(name for name in self._plan if name not in self._standing)

    def look_again(self) -> None:
        """After a reload: what is new, or has another line, begins now."""
        if not self._started:
            return
        known, self._plan = self._plan, _plan(self._daemon.estate)
        self._begin(name for name, line in self._plan.items() if known.get(name) != line)

    def standing(self) -> list[dict[str, Any]]:
        """Each with its next time, for pages."""
        now = datetime.fromtimestamp(self._daemon.clock.now() / SECOND, UTC)
        found = []
        for name, (line, zone) in self._plan.items():
            following = cron.trigger(line, zone).get_next_fire_time(None, now)
            done = self._standing.get(name, Standing(0))
            following_at = None if following is None else round(following.timestamp()) * SECOND
            found.append({"name": name, "next": following_at, "made": done.made, "trouble": done.trouble})
        return found

    async def keep(self) -> None:
        """As long as the daemon runs."""
        if not self._started:
            self._start(await self._daemon.history.read(HistoryReader.notes))
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Make what is due now."""
        for name, (line, zone) in dict(self._plan).items():
            now, done = self._daemon.clock.now(), self._standing[name]
            if done.tried is not None and done.tried <= now < done.tried + RETRY:
                continue
            due = latest(cron.trigger(line, zone), done.until, now)
            settings = self._daemon.estate.reports.get(name)
            if due is not None and settings is not None:
                await self._make(name, settings, due, now)

    async def _make(self, name: str, settings: ScheduledReport, due: Micros, now: Micros) -> None:
        done, estate = self._standing[name], self._daemon.estate
        try:
            made = await self._made(name, settings, due, now)
        except (PacsMonitorError, OSError) as error:
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
            log.error("report %s could not be made, and is tried again in an hour: %s", name, why)
            told = done.trouble == why
            self._standing[name] = done._replace(tried=now, trouble=why)
            with speaking(estate.monitor.language):
                data = {} if told else _trouble(name, why)
            owed = self._owed(settings, f"failed:{name}:{why}", due, now, data)
        else:
            log.info("report %s is made: %s", made.name, ", ".join(map(str, made.files.values())))
            self._standing[name] = Standing(due, due)
            with speaking(estate.monitor.language):
                owed = self._owed(settings, f"report:{name}", due, now, _told(made))
        if name in self._plan:
            self._daemon.desk.owe(Entry(notifications=owed, notes=(self._note(name),)))

    async def _made(self, name: str, settings: ScheduledReport, due: Micros, now: Micros) -> Made:
        period = reports.parse(settings.period, self._daemon.estate.monitor.timezone, due)
        read, by, remark = self._daemon.history.read, f"schedule {name}", ""
        if not settings.final:
            outcome, contents = await read(lambda reader: _draft(reader, period, now), MADE_WITHIN)
            if "pdf" in settings.formats:
                contents, remark = await reports.with_pdf(contents)
            return await _put(settings, Made(period.name, {}, outcome, remark), contents)
        ready = await read(lambda reader: reports.freeze(reader, period, now, by), MADE_WITHIN)
        if isinstance(ready, Frozen):
            frozen, contents = ready, await read(lambda reader: _contents(reader, ready))
        else:
            contents, remark = await reports.with_pdf(ready.contents)
            frozen = ready.report
            await self._daemon.history.freeze(frozen, contents)
        return await _put(settings, Made(frozen.number, {}, frozen.outcome, remark), contents)

    def _owed(
        self, settings: ScheduledReport, what: str, due: Micros, now: Micros, said: Mapping[str, Any]
    ) -> tuple[Notification, ...]:
        monitor = self._daemon.estate.monitor
        if not said or monitor.paging is Paging.OFF:
            return ()
        status = DeliveryStatus.SHADOW if monitor.paging is Paging.SHADOW else DeliveryStatus.PENDING
        found = []
        for channel in dict.fromkeys(settings.channels):
            own = identity(due, what, channel)
            data = {
                "schema": 1,
                "monitor": monitor.name,
                "kind": "report",
                "dedup_key": dedup_key(monitor.name, own),
                "title": monitor.name,
                "severity": Severity.INFO.value,
                "channel": channel,
                "url": monitor.link("/reports"),
                **said,
                **voice(monitor),
            }
            found.append(Notification(own, channel, Event.DIGEST, now, data, status=status))
        return tuple(found)

    def _begin(self, names: Iterable[str]) -> None:
        now, notes = self._daemon.clock.now(), []
        for name in names:
            known = self._standing.get(name)
            self._standing[name] = Standing(now, known.made if known else None)
            notes.append(self._note(name))
        if notes:
            self._daemon.desk.owe(Entry(notes=tuple(notes)))

    def _note(self, name: str) -> Note:
        return Note(KIND, name, self._standing[name]._asdict())


def _plan(estate: Estate) -> dict[str, tuple[str, str]]:
    return {name: (report.cron, estate.monitor.timezone) for name, report in estate.reports.items()}


async def _put(settings: ScheduledReport, made: Made, contents: Mapping[str, bytes]) -> Made:
    """Into the folder; where there is no PDF, the HTML is there instead."""
    wanted = [form for form in settings.formats if form in contents]
    if len(wanted) < len(settings.formats) and "html" not in wanted:
        wanted.append("html")
    files = {form: Path(settings.folder, file_name(made.name, form)) for form in wanted}
    await in_thread(lambda: _write_all({file: contents[form] for form, file in files.items()}), "report-files")
    return made._replace(files=files)


def _draft(
    reader: HistoryReader, period: reports.Period, now: Micros
) -> tuple[tuple[Mapping[str, Any], ...], dict[str, bytes]]:
    data = reports.build(reader, period, now)
    return reports.outcome(data), reports.documents(orjson.dumps(data))


def _contents(reader: HistoryReader, frozen: Frozen) -> dict[str, bytes]:
    found = {form: document(reader, frozen.number, form) for form in frozen.hashes}
    return {form: content for form, content in found.items() if content is not None}


def _write_all(files: Mapping[Path, bytes]) -> None:
    for file, content in files.items():
        _write(file, content)


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing: whoever looks into the folder finds no half of one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=file.parent, prefix=".report-")
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        Path(made).chmod(PRIVATE)
        Path(made).replace(file)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def _told(made: Made) -> dict[str, Any]:
    """What the notification says."""
    verdicts = {
        "met": _("met"),
        "missed": _("NOT met"),
        "within": _("within the allowance so far"),
        "not_assessable": _("not assessable"),
    }
    lines = [f"{one['name']}, {one['title']}, {one['period']}: {verdicts[one['verdict']]}" for one in made.outcome]
    files = [str(file) for file in made.files.values()]
    missed = sum(one["verdict"] == "missed" for one in made.outcome)
    summary = _("Availability report {name}", name=made.name)
    if made.outcome:
        summary = _(
            "Availability report {name}: {missed} of {count} agreements not met",
            name=made.name,
            missed=missed,
            count=len(made.outcome),
        )
    text = [*lines, _("Files: {files}", files=", ".join(files)), *([made.remark] if made.remark else [])]
    return {
        "summary": summary,
        "text": "\n".join(text),
        "report": {"name": made.name, "files": {form: str(file) for form, file in made.files.items()}},
    }


def _trouble(name: str, why: str) -> dict[str, Any]:
    return {
        "summary": _("The scheduled report {name} could not be made", name=name),
        "text": "\n".join([why, _("It is tried again every hour.")]),
        "report": {"name": name, "files": {}},
    }
