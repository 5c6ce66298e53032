"""The history of one monitor: one writer, any number of readers."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Self, TypeVar

from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import SQLAlchemyError
from ulid import ULID

from pacs_monitor.evidence import Declared, Refused, Statement
from pacs_monitor.format.human import duration
from pacs_monitor.history import audit, constancy, evidence, frozen, integrity, people, retention
from pacs_monitor.history.accumulator import HeartbeatBatch
from pacs_monitor.history.audit import AuditEntry
from pacs_monitor.history.batches import Batches
from pacs_monitor.history.coverage import LONGEST_GAP, Alive, recorded_until
from pacs_monitor.history.engines import (
    SameFile,
    advice,
    bring_up_to_date,
    in_time,
    is_sqlite,
    parse,
    reading,
    shown,
    unanswered,
    writing,
)
from pacs_monitor.history.errors import HeldError, HistoryError
from pacs_monitor.history.frozen import Frozen, Said
from pacs_monitor.history.lease import DatabaseLease
from pacs_monitor.history.objects import TestObjects, claim
from pacs_monitor.history.orphans import Orphans
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.records import RecordWriter, Revision
from pacs_monitor.history.restored import Restored, restore
from pacs_monitor.history.rows import CheckIds, upsert
from pacs_monitor.history.tables import monitors
from pacs_monitor.history.term import Term
from pacs_monitor.history.writer import Writer
from pacs_monitor.model import CheckId, Clock, DeliveryResult, Entry, Micros, Notification, State, iso
from pacs_monitor.threads import answer, in_thread, started

T = TypeVar("T")
OPENS_WITHIN = 20.0
"""Seconds for each step of opening the record, and for reading it all at the start."""
CLOSES_WITHIN = 3.0
READS_AT_ONCE = 2
PAUSE, PATIENCE = 0.02, 4.0
"""Seconds between two pieces of compaction at least, and how many times as long as the piece took."""


class History:
    """Everything that must survive: written by its own thread, durable when awaited."""

    def __init__(self, url: URL, monitor: str, clock: Clock, term: Term | None, gap: Micros) -> None:
        self._url, self._name, self._clock = url, monitor, clock
        self._lease = DatabaseLease(url.database, monitor) if is_sqlite(url) and url.database else None
        self._term = None if self._lease else term or Term(url, monitor, clock)
        self._owns_term = term is None
        self._unheld: str | None = None
        """Why our lock on SQLite's database is not held any more."""
        self._ids: CheckIds | None = None
        self._take_lease()
        self._file = SameFile(url)
        self._engine = writing(url)
        guard = self._term.guard() if self._term else _unguarded
        self._writer = Writer(self._connect, self._rolled_back, advice(url), self._file.require, guard)
        try:
            bring_up_to_date(url, OPENS_WITHIN)
            number, seed, recorded = in_time(self._writer.submit(self._claim), OPENS_WITHIN, url)
            self.reader = in_time(started(lambda: HistoryReader(url, monitor), "history"), OPENS_WITHIN, url)
        except HistoryError:
            self._let_go()
            raise
        ids = CheckIds(number)
        self._monitor = number
        self._ledger, self._batches = RecordWriter(number, ids), Batches(ids)
        self._orphans = Orphans(number, self._ledger)
        self._taken: deque[Notification] = deque()
        """Owed for what was taken up, and not yet returned: a write that was not waited for may be committed."""
        self.objects = TestObjects(ids, seed, clock, self._writer.done)
        self.off_since = recorded
        """When the run before this one was last alive, by the clock that it had; None if there was none."""
        self.last_beat: float | None = None
        """When a heartbeat was last durable, on the monotonic clock."""
        self.damage: str | None = None
        """What was found to be damaged when it was last looked for (`look_for_damage`)."""
        self._alive = Alive(number, str(ULID()), clock.now(), recorded, gap)
        self._batches_to_write: deque[HeartbeatBatch] = deque()
        self._places = asyncio.Semaphore(READS_AT_ONCE)
        self._beating: Future[None] = Future()
        self._beating.set_result(None)
        self._ids = ids

    @classmethod
    def open(cls, url: str, monitor: str, clock: Clock, term: Term | None = None, gap: Micros = LONGEST_GAP) -> Self:
        """Bring the schema up to date and take the lease, but for a term that is ours already; raises HistoryError."""
        return cls(parse(url), monitor, clock, term, gap)

    @property
    def write_failures(self) -> int:
        """Writes that failed since the start."""
        return self._writer.failures

    @property
    def trouble(self) -> str | None:
        """Why the history cannot be written now; None while it can."""
        return self._writer.trouble or self._unheld

    @property
    def lost(self) -> bool:
        """Whether what is on record is lost: the file of the database was deleted or replaced."""
        return self._file.moved

    @property
    def unready(self) -> str | None:
        """The same for everybody to read: without the database's own words."""
        if self.writing_for > self._writer.within:
            return f"the history has not answered for {duration(self.writing_for)}"
        return "the history cannot be written; the log says why" if self.trouble else None

    @property
    def writing_for(self) -> float:
        """Seconds that the running write has taken so far; 0 when there is none."""
        return self._writer.writing_for

    @property
    def behind(self) -> bool:
        """Whether writing hangs: what heartbeats would bring is to be gathered meanwhile."""
        return self._writer.hangs and not self._beating.done()

    async def restore(self) -> Restored:
        """What was left by the run before."""
        now = self._clock.now()
        return await self.read(lambda reader: restore(reader, now), OPENS_WITHIN)

    async def read(self, ask: Callable[[HistoryReader], T], within: float | None = None) -> T:
        """Ask the record something, outside the loop; HistoryError when it takes more than so many seconds.

        By default as many as a write may take.
        """
        within = self._writer.within if within is None else within
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within):
                await self._places.acquire()
                try:
                    reading = started(lambda: ask(self.reader), "history reader")
                except BaseException:  # no thread can be started
                    self._places.release()
                    raise
                reading.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(self._places.release))
                return await answer(reading)
        except TimeoutError:
            raise unanswered(self._url, within) from None

    async def adopt(
        self, checks: Collection[CheckId], revision: Revision, prints: Mapping[CheckId, str] | None = None
    ) -> None:
        """Watch exactly these checks from now on: at the start and after every reload.

        `prints` say where and as whom they ask (model.fingerprint); what is not in it asks as before.
        """
        now = self._clock.now()
        await self._durable(lambda connection: self._ledger.adopt(connection, checks, revision, now, prints or {}))

    async def record(self, entry: Entry) -> None:
        """One entry, all of it or nothing, durable when this returns; raises HistoryError."""

        def work(connection: Connection) -> None:
            self._ledger.record(connection, entry)
            for transition in entry.transitions:
                if transition.after is not State.UNKNOWN:
                    self._alive.wrote(transition.since)

        await self._durable(work)

    async def record_results(self, results: Sequence[DeliveryResult], digest: Notification | None = None) -> None:
        """How deliveries went, and the digest that is owed instead: all of it, or nothing.

        UnrecordedError when one of the notifications has not been recorded.
        """
        now = self._clock.now()
        await self._durable(lambda connection: self._ledger.record_results(connection, results, digest, now))

    async def record_audit(self, entries: Sequence[AuditEntry]) -> None:
        """What was asked for, durable; raises HistoryError."""
        await self._durable(lambda connection: audit.insert(connection, self._monitor, entries))

    async def freeze(self, report: Frozen, contents: Mapping[str, bytes]) -> None:
        """Keep a report with its documents, durable; raises TakenError, HistoryError."""
        await self._durable(lambda connection: frozen.freeze(connection, self._monitor, report, contents))

    async def say_of_report(self, number: str, said: Said) -> None:
        """What somebody says of a frozen report, durable; raises MissingError, HistoryError."""
        await self._durable(lambda connection: frozen.say(connection, self._monitor, number, said))

    async def explain(self, explanation: constancy.Explanation) -> None:
        """What somebody says of a day of a constancy log, durable; raises HistoryError."""
        await self._durable(lambda connection: constancy.explain(connection, self._monitor, explanation))

    async def state(self, new: Sequence[Statement], judge: evidence.Judge) -> Refused | None:
        """What a person states of one subject, durable, or why not by what is on record; raises HistoryError."""
        return await self._durable(lambda connection: evidence.state(connection, self._monitor, new, judge))

    async def declare(self, new: Declared, judge: evidence.JudgeDeclared) -> Refused | None:
        """An outage that no probe could see, durable, or why not by what is on record; raises HistoryError."""
        return await self._durable(lambda connection: evidence.declare(connection, self._monitor, new, judge))

    async def forget_people(self, kept: Micros) -> None:
        """Names that have been kept for so long become roles (history.people); raises HistoryError."""
        now = self._clock.now()
        await self._durable(lambda connection: people.forget_names(connection, self._monitor, now - kept))
        await self._durable(lambda connection: audit.drop_old_refusals(connection, self._monitor, now))
        while found := await self.read(lambda reader: people.find_documents(reader, now - kept), OPENS_WITHIN):
            await self._durable(partial(people.rewrite, found=found))

    async def compact(self, kept: retention.Kept) -> None:
        """Make the record small, and drop what is older than agreed (history.retention); raises HistoryError.

        Most of the time is left to others: whatever is to be written meanwhile waits for one small piece at most.
        """
        now = self._clock.now()
        while pieces := await self.read(lambda reader: retention.find(reader, kept, now), OPENS_WITHIN):
            for piece in pieces:
                began = time.monotonic()
                await self._durable(piece)
                await asyncio.sleep(max(PAUSE, PATIENCE * (time.monotonic() - began)))

    async def look_for_damage(self) -> None:
        """Sets `damage`; what cannot be read to its end in time is left as it was found before."""
        with suppress(integrity.Unfinished):
            self.damage = await in_thread(partial(integrity.damage, self._url), "history-integrity")

    async def take_orphans(self, *, adopt: bool) -> tuple[Notification, ...]:
        """Take up what a former leader handed over (history.orphans); the notifications that are owed for it.

        Also for what was taken up by a call before that failed because it took too long.
        """
        now = self._clock.now()
        taken: list[Notification] = []

        def work(connection: Connection) -> None:
            taken[:] = self._orphans.take(connection, now, adopt=adopt)

        await self._durable(work, lambda: self._taken.extend(taken))
        return tuple(self._taken.popleft() for _ in range(len(self._taken)))

    def beat(self, batch: HeartbeatBatch) -> Future[None]:
        """A heartbeat, about every 5 s: never blocks; what cannot be written now is written with a later one.

        The sign of life is a job of its own, so that nothing else can keep it from being written.
        """
        self._batches_to_write.append(batch)
        self._writer.look()
        return self._beating if self.behind else self._write_beat()

    def close(self, within: float = CLOSES_WITHIN) -> None:
        """Write what is queued and the last sign of life, then let the lease go; what hangs is left behind."""
        self._batches_to_write.append(HeartbeatBatch(self._clock.now()))
        self._write_beat()
        self.reader.close()
        self._let_go(within)

    async def _durable(self, work: Callable[[Connection], T], committed: Callable[[], None] = lambda: None) -> T:
        """The result of work, done with a sign of life; HistoryError when it fails, or takes too long.

        `committed` is called by the writer, also when nobody waits any more.
        """
        now = self._clock.now()

        def alive(connection: Connection) -> T:
            result = work(connection)
            self._alive.extend(now)
            self._alive.write(connection)
            return result

        def written() -> None:
            self._alive.written()
            committed()

        return await self._writer.done(alive, written)

    def _write_beat(self) -> Future[None]:
        self._writer.submit(self._write_alive, self._beaten)
        written = self._writer.submit(self._write_batches, self._batches.written)
        if self._beating.done():
            self._beating = written
        return written

    def _write_alive(self, connection: Connection) -> None:
        if self._lease:
            self._unheld = self._lease.keep()
        self._merge_batches()
        self._alive.write(connection)

    def _beaten(self) -> None:
        """A sign of life is durable."""
        self._alive.written()
        self.last_beat = self._clock.monotonic()

    def _write_batches(self, connection: Connection) -> None:
        self._merge_batches()
        self._batches.write(connection)

    def _merge_batches(self) -> None:
        while self._batches_to_write:
            batch = self._batches_to_write.popleft()
            if batch.step:
                self._alive.step(batch.now, batch.step)
            self._alive.extend(batch.now)
            self._batches.take(batch)

    def _rolled_back(self) -> None:
        """Pulses are merged even while the database is away, so that they do not pile up."""
        if self._ids:
            self._ids.forget()
            self._merge_batches()

    def _connect(self) -> Connection:
        """A new session writes only when this process still leads."""
        connection = self._engine.connect()
        try:
            if self._term:
                self._term.beat()
        except HistoryError:
            connection.close()
            raise
        return connection

    def _take_lease(self) -> None:
        try:
            ours = self._lease.take() if self._lease else self._lead()
        except OSError as error:
            raise HistoryError(
                f"cannot open the history {shown(self._url)}: {error.strerror}; {advice(self._url)}"
            ) from error
        if not ours:
            raise self._held()

    def _lead(self) -> bool:
        """Whether this process leads: at once, or already by a term that it was given."""
        if self._term is None or not self._owns_term:
            return True
        row, _ = self._term.look(0.0)
        if row.free and self._term.claim(row):
            return True
        self._term.close()
        return False

    def _claim(self, connection: Connection) -> tuple[int, str, Micros | None]:
        if self._term is None:
            row = {"name": self._name, "host": socket.gethostname(), "pid": os.getpid(), "since": self._clock.now()}
            upsert(connection, monitors, [row], ["name"])
        number, seed = claim(connection, self._name, self._clock.now())
        return number, seed, recorded_until(connection, number)

    def _held(self) -> HeldError:
        who = "another process"
        engine = reading(self._url)
        try:
            with engine.connect() as connection:
                row = connection.execute(select(monitors).where(monitors.c.name == self._name)).one_or_none()
            if row:
                who = f"process {row.pid} on {row.host}, since {iso(row.since)}"
        except SQLAlchemyError:
            pass  # the holder has just begun and not yet signed
        finally:
            engine.dispose()
        return HeldError(
            f"stop the monitor named {self._name!r} that already uses {shown(self._url)} ({who}), "
            "or give this one another name or database"
        )

    def _let_go(self, within: float = CLOSES_WITHIN) -> None:
        self._writer.close(within)
        self._engine.dispose()
        if self._lease:
            self._lease.release()
        if self._term and self._owns_term:
            self._term.end()


def _unguarded(_connection: Connection) -> None:
    """One monitor writes an SQLite database, because it holds the locks."""
