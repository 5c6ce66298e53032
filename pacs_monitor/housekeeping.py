"""What a leading daemon does beside its work: keeps the audit trail, forwards it, and keeps the record small.

Names become roles, hours become days, and what is older than agreed goes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable

from pacs_monitor.config import Estate, MonitorSettings
from pacs_monitor.config.audit import AuditSettings, Retention
from pacs_monitor.fields import tls_of
from pacs_monitor.format.human import pluralized
from pacs_monitor.history import AuditEntry, History, HistoryError, audited
from pacs_monitor.history.retention import Kept
from pacs_monitor.model import RECORD, SECOND, Address, Clock, Resolver, Tidies
from pacs_monitor.supervision import Supervisor
from pacs_monitor.syslog import Receiver, Sender, Severity, message
from pacs_monitor.web.audit import AuditTrail, sentence
from pacs_monitor.web.session import LONGEST, MOST_ENDED, SIGNED_OUT, Sessions

log = logging.getLogger(__name__)

DAY, HOUR = 86_400.0, 3600.0
"""Seconds between two times that names become roles, and that the record is made small, or is tried again."""
AFTER_START = 60.0
LOOKS_EVERY, LASTING = 10.0, 120.0
"""Seconds between two looks at how the record fares, and for which writes must have failed before people are told."""
FORWARDED_WITHIN = 1.0
"""Seconds for what waits for the syslog receiver when the daemon ends."""
SEVERITIES = {"done": Severity.NOTICE, "refused": Severity.WARNING, "failed": Severity.ERROR}


class Housekeeping:
    """To be used on one event loop."""

    def __init__(self, history: History, clock: Clock, resolver: Resolver, supervisor: Supervisor) -> None:
        self.syslog = Sender(resolver)
        self.audit = AuditTrail(history.record_audit, clock, self._forward)
        self.sessions = Sessions()
        self._history, self._supervisor, self._clock = history, supervisor, clock
        self._retention = Retention()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, monitor: MonitorSettings) -> None:
        self.adopt(monitor)
        work = {"audit": self.audit.keep, "syslog": self.syslog.keep, "people": self._forget_people}
        work |= {"compaction": self._compact, "integrity": self._watch_record}
        self._tasks = [self._supervisor.supervise(name, keep) for name, keep in work.items()]

    def adopt(self, monitor: MonitorSettings) -> None:
        """At the start, and after each reload."""
        self._retention = monitor.retention
        self.syslog.adopt(receiver_of(monitor.audit))

    async def recall(self, estate: Estate) -> None:
        """What the record says of the time before the start: who has signed out, and what is left behind."""
        since = self._clock.now() - LONGEST * SECOND
        said = await self._history.read(lambda reader: audited(reader, MOST_ENDED, SIGNED_OUT, since))
        self.sessions.recall([entry.details for entry in reversed(said)], self._clock.now() / SECOND)
        await self._log_stranded(estate)

    async def _log_stranded(self, estate: Estate) -> None:
        """Test objects at nodes where no check stores any more: nobody clears them away."""
        tidied = {check.id.node for check in estate.checks.values() if isinstance(check.probe, Tidies)}
        for node, count in (await self._history.objects.stranded(tidied)).items():
            left = pluralized(count, "test object")
            log.warning(
                "remove by hand: %s on %s, left by checks that no longer exist; see docs/test-stores.md", left, node
            )

    async def stop(self) -> None:
        await self.audit.settle()
        await self.syslog.stop(FORWARDED_WITHIN)
        self.abandon()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """At once, because another daemon leads."""
        for task in self._tasks:
            task.cancel()

    def _forward(self, entry: AuditEntry) -> None:
        self.syslog.send(as_message(entry))

    async def _forget_people(self) -> None:
        await self._regularly(DAY, "names of people are looked for again in an hour", self._forget)

    async def _compact(self) -> None:
        await self._regularly(HOUR, "the history is compacted again in an hour", self._make_small)

    async def _forget(self) -> None:
        await self._history.forget_people(round(self._retention.people * SECOND))

    async def _make_small(self) -> None:
        kept = self._retention
        await self._history.compact(
            Kept(*(round(each * SECOND) for each in (kept.failures, kept.trends, kept.rollups)))
        )

    async def _watch_record(self) -> None:
        """Looks for damage each day, and when a write fails; tells of that, and of writes that fail for long."""
        looked = troubled = -math.inf
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            now, trouble = self._clock.monotonic(), self._history.trouble
            began = trouble is not None and troubled == -math.inf
            troubled = (now if began else troubled) if trouble is not None else -math.inf
            if began or now - looked > DAY:
                looked = now
                known = self._history.damage
                await self._history.look_for_damage()
                if self._history.damage not in (None, known):
                    log.error("the database is damaged, restore a backup: %s", self._history.damage)
            lasting = trouble is not None and now - troubled >= LASTING
            if self._history.damage is not None or lasting:
                self._supervisor.out_of_order.add(RECORD)
            else:
                self._supervisor.out_of_order.discard(RECORD)

    async def _regularly(self, pause: float, again: str, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(AFTER_START)
        while True:
            try:
                await work()
                await asyncio.sleep(pause)
            except HistoryError as error:
                log.warning("%s: %s", again, error)
                await asyncio.sleep(HOUR)


def receiver_of(settings: AuditSettings | None) -> Receiver | None:
    if settings is None:
        return None
    return Receiver(Address(*settings.syslog), tls_of(settings.tls), settings.transport == "udp")


def as_message(entry: AuditEntry) -> bytes:
    """Without `why`: free text stays in the hospital's own database."""
    facts = {
        "id": entry.id,
        "by": entry.by,
        "token": entry.token,
        "role": entry.role,
        "address": entry.address,
        "action": entry.action,
        "outcome": entry.outcome,
        "status": str(entry.status),
        "count": str(entry.count),
        "details": json.dumps(entry.details) if entry.details else "",
    }
    return message(SEVERITIES[entry.outcome], entry.at, "audit", facts, sentence(entry))
