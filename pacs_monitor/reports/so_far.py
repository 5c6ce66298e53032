"""How each objective fares so far in its period: worked out beside the daemon's work, never while somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from pacs_monitor.config import Estate
from pacs_monitor.config.agreed import ObjectiveSettings
from pacs_monitor.history import History, HistoryError, HistoryReader
from pacs_monitor.intervals import Interval
from pacs_monitor.latency import Counted
from pacs_monitor.model import Clock, Micros
from pacs_monitor.reports import agreements, in_time
from pacs_monitor.reports.agreed_outages import Subject
from pacs_monitor.reports.periods import Period
from pacs_monitor.reports.record import Record

log = logging.getLogger(__name__)

AFTER_START = 5.0
"""Seconds after which the first account is made: the checks run first."""
EVERY = 60.0
"""Seconds between two accounts at least."""
REST = 30.0
"""Times the duration of an account until the next one: it is pure Python, which the probes' loop waits for."""
WITHIN = 120.0
"""Seconds that one may take."""
FRESH_FOR = 600.0
"""Seconds after the next one was due for which an account is told: older ones would look like today's."""


class SoFar(NamedTuple):
    """An agreed period up to now; times in microseconds."""

    objective: str
    service: str
    """Empty for one that is judged node by node."""
    node: str
    """Empty for one of a service."""
    availability: float
    """As the agreement counts."""
    allowed: Micros
    """Downtime that is permitted in the whole period."""
    used: Micros
    measured: float
    """The share of the agreed hours so far that was measured."""
    period: Interval


class InTime(NamedTuple):
    """Of an objective on how long runs may take, the agreed period up to now."""

    objective: str
    service: str
    node: str
    runs: Counted
    target: float
    """The share that must be in time."""


class Account(NamedTuple):
    """All of them, as of a moment."""

    at: Micros
    objectives: tuple[SoFar, ...]
    in_time: tuple[InTime, ...] = ()


class ObjectivesSoFar:
    """`keep` is one task of the daemon."""

    def __init__(self, clock: Clock, history: History, estate: Callable[[], Estate]) -> None:
        """`estate` is what is in force now; after a reload call `look_again`."""
        self._clock, self._history, self._estate = clock, history, estate
        self._account: Account | None = None
        self._fresh_until = 0.0
        self._troubled = False
        self._bell = asyncio.Event()

    @property
    def account(self) -> Account | None:
        """The latest; one that has become too old says only when it was made."""
        if self._account is None or self._clock.monotonic() < self._fresh_until:
            return self._account
        return Account(self._account.at, ())

    def look_again(self) -> None:
        """The configuration may have changed."""
        self._bell.set()

    async def keep(self) -> None:
        """For as long as the daemon leads."""
        pause = AFTER_START
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            self._bell.clear()
            began = self._clock.monotonic()
            await self._look()
            pause = max(EVERY, REST * (self._clock.monotonic() - began))
            if self._account is not None and not self._troubled:
                self._fresh_until = began + pause + FRESH_FOR

    async def _look(self) -> None:
        if not self._estate().objectives:
            self._account = None
            return
        try:
            make = partial(account, timezone=self._estate().monitor.timezone, now=self._clock.now())
            self._account = await self._history.read(make, WITHIN)
            self._troubled = False
        except HistoryError as error:
            if not self._troubled:
                log.warning("objectives are not accounted for: %s", error)
            self._troubled = True


def account(reader: HistoryReader, timezone: str, now: Micros) -> Account:
    """Of the objectives in force, each in the agreed period that goes on, but those of which nothing is known."""
    moment = Period("now", Interval(now - 1, now), timezone)
    record = agreements.record_of(reader, moment)
    on_outages = agreements.on_outages(record, moment.interval)
    return Account(
        now,
        tuple(one for objective in on_outages for one in _of(record, objective, moment)),
        tuple(_in_time(one) for one in in_time.kept(record, moment, now) if one.total().judged),
    )


def _in_time(kept: in_time.Kept) -> InTime:
    return InTime(kept.objective.name, *_subject(kept.subject), kept.total(), kept.objective.share or 0)


def _subject(subject: Subject) -> tuple[str, str]:
    """A service, or else a node."""
    return (subject.name, "") if subject.kind == "service" else ("", subject.name)


def _of(record: Record, objective: ObjectiveSettings, moment: Period) -> Iterator[SoFar]:
    for period in agreements.periods(objective, moment):
        for subject in agreements.subjects(record, objective, moment.interval):
            kept = agreements.account(record, objective, period.interval, subject, moment.interval.end)
            counts, (measured, whole) = kept.terms.counts, kept.measured
            figure = agreements.availability(kept, counts)
            if figure is not None and whole:
                yield SoFar(
                    objective.name,
                    *_subject(subject),
                    figure,
                    kept.allowed,
                    kept.used(counts),
                    measured / whole,
                    period.interval,
                )
