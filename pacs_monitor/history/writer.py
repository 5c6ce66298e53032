"""The one writer: a thread that owns one connection and a queue of jobs.

Theory of operation. Jobs that wait together share one transaction (group commit: one fsync for all of them). If that
transaction fails for a reason that may be one job's own, it is rolled back and every job gets a transaction to itself,
so that a failing one takes no other with it; a job must therefore be fit to run twice. If the database itself is gone,
all of them fail at once, the connection is dropped, and the next job connects again.

A database may also hang, and a system call that hangs cannot be ended. Nobody waits longer than WRITE_WITHIN for a job,
and while one write hangs nobody waits at all. A job that was given up is not begun any more; if it was under way, it
may still become durable, so that writing the same again must do no harm. The thread is left behind at the end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from pacs_monitor.format.human import duration
from pacs_monitor.history.errors import FencedError, HistoryError, MovedError, describe
from pacs_monitor.threads import answer

log = logging.getLogger(__name__)
T = TypeVar("T")

TOGETHER = 256
"""The most jobs in one transaction."""
WRITE_WITHIN = 5.0
"""Seconds that a caller waits for the history."""
_SESSION_GOES_ON = frozenset({"55P03", "57014"})
"""PostgreSQL's codes for a lock or an answer that did not come in time: the session and its lease are still good."""


@dataclass(frozen=True, slots=True)
class Job:
    work: Callable[[Connection], Any]
    committed: Callable[[], None]
    """Called in the writer's thread once the work is durable."""
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs jobs in the order of their coming; what `connect` raises goes to whoever waits.

    `require` is called before each transaction, `guard` in it when its work is done: what that raises undoes all of it.
    """

    within = WRITE_WITHIN
    """Seconds that a caller waits, of every writer: tests that are not about it wait for longer, on a busy disk."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        rolled_back: Callable[[], None],
        what_to_do: str,
        require: Callable[[], None] = lambda: None,
        guard: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        self.trouble: str | None = None
        """Why nothing can be written now."""
        self._failed = self._given_up = 0
        self._connect, self._rolled_back, self._what_to_do = connect, rolled_back, what_to_do
        self._require, self._guard = require, guard
        self._connection: Connection | None = None
        self._closed = False
        self._began: float | None = None
        """When the running transaction began, on the monotonic clock."""
        self._slow = False
        """The last transaction failed, and took so long to fail that nobody should wait for the next one."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    @property
    def failures(self) -> int:
        """Jobs that failed, or were not waited for any longer, since the start."""
        return self._failed + self._given_up

    @property
    def writing_for(self) -> float:
        """Seconds that the running transaction has taken so far; 0 when there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    @property
    def hangs(self) -> bool:
        """Whether waiting for a write has no sense now."""
        return self._slow or self.writing_for > self.within

    def submit(self, work: Callable[[Connection], T], committed: Callable[[], None] = lambda: None) -> Future[T]:
        """Queue a job; its future is done when the work is durable, or has failed with HistoryError."""
        job = Job(work, committed)
        if self._closed:
            job.future.set_exception(HistoryError("the history is closed"))
        else:
            self._jobs.put(job)
        return job.future

    async def done(self, work: Callable[[Connection], T], committed: Callable[[], None] = lambda: None) -> T:
        """The result of a job, durable; HistoryError when it fails, or is not durable in time (`within`).

        A caller that is cancelled does not take the job back.
        """
        if self.hangs:
            raise self._unanswered()
        future = self.submit(work, committed)
        try:
            async with asyncio.timeout(self.within):
                return await answer(future)
        except TimeoutError:
            future.cancel()
            raise self._unanswered() from None

    def look(self) -> None:
        """Regularly: notice and log that a write hangs."""
        if self.writing_for > self.within and not self.trouble:
            self.trouble = self._words()
            log.error("%s", self.trouble)

    def close(self, within: float) -> None:
        """Write what is queued, then end; a thread that hangs is left behind after so many seconds."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join(within)
        if self._thread.is_alive():
            log.error("the history did not close within %.1f s; unwritten entries are lost", within)

    def _unanswered(self) -> HistoryError:
        self._given_up += 1
        return HistoryError(self.trouble if self.trouble and self._slow else self._words())

    def _words(self) -> str:
        return f"the history has not answered for {duration(max(self.writing_for, self.within))}; {self._what_to_do}"

    def _run(self) -> None:
        ended = False
        while not ended:
            batch = self._waiting()
            ended = None in batch
            jobs = [job for job in batch if job is not None and job.future.set_running_or_notify_cancel()]
            if jobs:
                self._guarded(jobs)
        self._disconnect()

    def _guarded(self, jobs: Sequence[Job]) -> None:
        """Serve them; whatever goes wrong besides, nobody waits for ever and the thread goes on."""
        try:
            self._serve(jobs)
        except Exception as error:  # noqa: BLE001 - the last guard of the one writer
            log.error("the history writer failed and continues: %s", type(error).__name__)
            self._began = None
            self._disconnect()
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(HistoryError(f"the history writer failed: {type(error).__name__}"))

    def _waiting(self) -> list[Job | None]:
        batch = [self._jobs.get()]
        try:
            while len(batch) < TOGETHER:
                batch.append(self._jobs.get_nowait())
        except Empty:
            pass
        return batch

    def _serve(self, jobs: Sequence[Job]) -> None:
        failure = self._timed(jobs)
        if failure and len(jobs) > 1 and not _is_outage(failure) and not isinstance(failure, FencedError):
            for job in jobs:
                self._resolve_futures([job], self._timed([job]))
        else:
            self._resolve_futures(jobs, failure)

    def _timed(self, jobs: Sequence[Job]) -> Exception | None:
        self._began = began = time.monotonic()
        failure = self._attempt(jobs)
        self._slow = failure is not None and _is_outage(failure) and time.monotonic() - began > self.within / 2
        self._began = None
        return failure

    def _attempt(self, jobs: Sequence[Job]) -> Exception | None:
        """One transaction for all of these jobs; whoever waits gets the answer only when it is committed."""
        try:
            self._require()
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.begin():
                results = [job.work(self._connection) for job in jobs]
                self._guard(self._connection)  # last: it keeps others from taking the lead until the commit
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever a job does; the job's future has it
            self._rolled_back()
            if _is_outage(error) and not _session_goes_on(error):
                self._disconnect()
            return error
        for job, result in zip(jobs, results, strict=True):
            job.committed()
            job.future.set_result(result)
        return None

    def _resolve_futures(self, jobs: Sequence[Job], failure: Exception | None) -> None:
        if failure is None:
            if self.trouble:
                log.warning("the history can be written again")
            self.trouble = None
            return
        error = self._explained(failure)
        if not self.trouble and not isinstance(failure, FencedError):  # which the leadership logs once
            log.error("%s", error)
        if _is_outage(failure):
            self.trouble = str(error)
        self._failed += len(jobs)
        for job in jobs:
            job.future.set_exception(error)

    def _explained(self, failure: Exception) -> Exception:
        if not isinstance(failure, SQLAlchemyError):
            return failure
        explained = HistoryError(f"cannot write the history: {describe(failure)}; {self._what_to_do}")
        explained.__cause__ = failure
        return explained

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except SQLAlchemyError as error:
            log.debug("closing a broken connection: %s", describe(error))


def _session_goes_on(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _SESSION_GOES_ON


def _is_outage(error: Exception) -> bool:
    """Whether the database is to blame, rather than one job."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if type(error) is DatabaseError:  # SQLite's word for a damaged file; what derives from it is more particular
        return True
    if type(error) is HistoryError:  # what `connect` says; what derives from it is more particular
        return True
    return isinstance(error, (OperationalError, InterfaceError, MovedError))
