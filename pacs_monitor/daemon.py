"""The one place where things are wired: estate, history, engine, desk, outbox, web; signals and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from pacs_monitor import __version__
from pacs_monitor import config as configuration
from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.adopting import adopt
from pacs_monitor.alerting.journal import Journal, journal_file
from pacs_monitor.config import ConfigError, Estate, Problem
from pacs_monitor.delivery import Outbox
from pacs_monitor.engine.clock import ClockWatch, SystemClock
from pacs_monitor.engine.engine import Engine
from pacs_monitor.engine.listening import Listeners
from pacs_monitor.history import History, HistoryError, IncidentFile, Pulse, Restored, Revision, SeatLocks, Tally
from pacs_monitor.model import Clock, Incident, Micros, Node, State, Tidies, Transition
from pacs_monitor.net import Resolver
from pacs_monitor.net.accepting import Refusals
from pacs_monitor.orphans import orphans
from pacs_monitor.supervision import Supervisor
from pacs_monitor.threads import in_thread
from pacs_monitor.web.app import create_app
from pacs_monitor.web.server import WebServer
from pacs_monitor.wording import login_name

log = logging.getLogger(__name__)
HEARTBEAT = 5.0
"""Seconds between heartbeats: how exactly a gap in the coverage is known."""
TROUBLE = (State.DEGRADED, State.DOWN)
"""The log warns of these."""
PROBES_END_WITHIN = 4.0
DELIVERIES_END_WITHIN = 2.0
RELOAD_ENDS_WITHIN = 1.0
ENDS_WITHIN = 9.0
LEFT_AT_LAST = 9.8
"""Seconds of the ten that an end may take; at last the process is left as it is."""
LOADS_WITHIN = 20.0
"""Seconds for reading the configuration and its files, which may lie on a network share."""


def run(estate: Estate) -> None:
    """Run the daemon until SIGTERM or SIGINT, and end the process."""
    raise_descriptor_limit()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run_until_told(estate))
        leave()


def leave(code: int = 0) -> None:
    """End the process now: the interpreter would wait for threads of pools that hang in a system call."""
    logging.shutdown()
    os._exit(code)


def leave_at_last(seconds: float) -> None:
    """Leave after so many seconds, also when the event loop itself hangs."""

    def give_up() -> None:
        log.error("the daemon did not end within %g s and is left as it is", seconds)
        leave(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where the platform has it."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop


def raise_descriptor_limit() -> None:
    """As many file descriptors as the system allows: each run in progress holds one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run_until_told(estate: Estate) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    reloads: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        task = loop.create_task(house.try_reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, hang_up)  # before anything takes time: without a handler it would end us
    house = Daemon(estate)
    await house.start()
    gc.collect()
    gc.freeze()  # what is there now stays: to look through it again and again would cost a tenth of the time
    try:
        await told.wait()
    finally:
        leave_at_last(LEFT_AT_LAST)
        await house.stop()


class Daemon:
    """The running daemon (web.house.House)."""

    def __init__(self, estate: Estate, clock: Clock | None = None) -> None:
        self.estate = estate
        self.clock: Clock = clock or SystemClock()
        self.last_reload_successful = True
        self.supervisor = Supervisor()
        self._tally = Tally()
        self.history = History.open(estate.monitor.database, estate.monitor.name, self.clock)
        self._resolver = Resolver()
        self._seats = _shared_seats(estate)
        self.engine = Engine(
            self.clock,
            self._resolver,
            self._told,
            ledger=self.history.objects,
            shared=self._seats,
            on_result=self._tally.take,
            look=self._look_at_the_clock,
            supervisor=self.supervisor,
        )
        self._watch = ClockWatch(self.clock, self._clock_was_set)
        self._journal = Journal(journal_file(estate))
        self.desk = Desk(
            self.clock,
            self.engine.board,
            self.history,
            estate,
            self._watch,
            supervisor=self.supervisor,
            journal=self._journal,
        )
        self.refusals: Refusals = Counter()
        self._listeners = Listeners(
            self.engine.runner,
            self._resolver,
            self.clock,
            nodes=self._nodes,
            ours=self.history.objects.holds,
            refusals=self.refusals,
        )
        self._heart: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()
        self._ending = False
        self._kept: asyncio.Task[None] | None = None
        self._web: WebServer | None = None

    async def start(self) -> None:
        """Bind, remember, then probe."""
        async with self._reloading:
            await self._start()

    async def _start(self) -> None:
        self.supervisor.watch(asyncio.get_running_loop())
        try:
            self._web = WebServer(create_app(self), self.estate.monitor, self.refusals)
        except BaseException:
            self.history.close()
            raise
        revision = Revision(self.estate.revision, f"{login_name()}, at the start")
        await self.history.adopt(self.estate.checks.keys(), revision)
        restored = await adopt(self._journal, self.history, self.estate, await self.history.restore(), self.clock.now())
        await self._listeners.adopt(self.estate.monitor)
        self.engine.start()
        self._adopt(self.estate, restored)
        self.engine.tidy()
        await self._tell_stranded()
        self.desk.start(restored)
        self._web.start()
        self._heart = self.supervisor.supervise("heartbeat", self._beat)
        host, port = self.address
        checks, nodes = len(self.estate.checks), len(self.estate.nodes)
        log.info("pacs_monitor %s watches %d checks of %d nodes; http://%s:%d", __version__, checks, nodes, host, port)

    @property
    def address(self) -> tuple[str, int]:
        """Where the API is served."""
        if self._web is None:
            raise RuntimeError("the daemon was not started")
        return self._web.address

    async def stop(self) -> None:
        """End cleanly within 10 s, whatever hangs: probes first, then what is owed, the web last."""
        log.info("ending")
        self._ending = True
        clock = asyncio.get_running_loop().time
        at_last = clock() + ENDS_WITHIN

        async def end(what: str, ending: Awaitable[object]) -> None:
            try:
                async with asyncio.timeout_at(at_last):
                    await ending
            except TimeoutError:
                log.error("%s did not end in time", what)
            except Exception as error:  # noqa: BLE001 - whatever fails, the rest is ended too
                self.supervisor.failed(what, error)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RELOAD_ENDS_WITHIN):
                await self._reloading.acquire()
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.gather(self._heart, return_exceptions=True)
        await end("engine", self.engine.stop(PROBES_END_WITHIN))
        await end("listeners", self._listeners.stop())
        await end("desk", self.desk.stop(DELIVERIES_END_WITHIN))
        self._pulse()
        if self._web is not None:
            await end("web", self._web.stop())
        self.history.close(max(at_last - clock(), 0.0))
        if self._seats is not None:
            self._seats.close()
        log.info("ended")

    @property
    def deliveries(self) -> Outbox:
        return self.desk.outbox

    async def test_channel(self, channel: str) -> str:
        return await self.desk.test(channel)

    def open_incidents(self) -> tuple[Incident, ...]:
        return self.desk.open_incidents()

    def unwritten(self, identity: str) -> IncidentFile | None:
        return self.desk.unwritten(identity)

    def unready(self) -> str | None:
        if self._heart is None or self._heart.done():
            return "the daemon is starting or ending"
        return self.history.unready or self.supervisor.trouble

    @property
    def lookups(self) -> int:
        return self._resolver.in_progress

    @property
    def task_failures(self) -> Mapping[str, int]:
        return self.supervisor.failures

    async def reload(self, who: str) -> dict[str, Any]:
        """Read the configuration again and take it over; raises and changes nothing when it is bad or not recorded."""
        async with self._reloading:
            try:
                new = await self._load()
                changes = configuration.diff(self.estate, new).lines()
                await self.history.adopt(new.checks.keys(), Revision(new.revision, who, diff="\n".join(changes)))
                restored = await self.history.restore()
                if self._ending:
                    raise HistoryError("the daemon is ending")
            except (ConfigError, HistoryError):
                self.last_reload_successful = False
                raise
            estate = configuration.in_force(self.estate, new)
            changes += await self._listeners.adopt(estate.monitor)
            self.estate = estate
            self._adopt(self.estate, restored)
            self.desk.reloaded(self.estate)
            if self._web is not None:
                changes += self._web.renew(self.estate.monitor.tls)
            self.last_reload_successful = True
            log.info("reloaded %s: %s", new.file, "; ".join(changes) or "nothing changed")
            return {"revision": new.revision, "changes": changes}

    async def preview(self) -> list[str]:
        """What a reload would change now; raises ConfigError when the file is bad."""
        return configuration.diff(self.estate, await self._load()).lines()

    async def _load(self) -> Estate:
        file = self.estate.file
        try:
            async with asyncio.timeout(LOADS_WITHIN):
                return await in_thread(lambda: configuration.load(file), "configuration")
        except TimeoutError:
            problem = f"it, or a file that it names, cannot be read within {LOADS_WITHIN:g} s; does its disk answer?"
            raise ConfigError([Problem(str(file), 1, "", problem)]) from None

    async def try_reload(self) -> None:
        """SIGHUP: the old estate stays in force when the reload fails, and the log says why."""
        try:
            await self.reload("SIGHUP")
        except ConfigError as error:
            for problem in error.problems:
                log.error("not reloaded: %s", problem)
        except HistoryError as error:
            log.error("not reloaded: %s", error)

    def _nodes(self) -> Iterable[Node]:
        """The nodes as they are now: a reload replaces the estate."""
        return self.estate.nodes.values()

    async def _tell_stranded(self) -> None:
        """Test objects at nodes where no check stores any more: nobody clears them away."""
        tidied = {check.id.node for check in self.estate.checks.values() if isinstance(check.probe, Tidies)}
        for node, count in (await self.history.objects.stranded(tidied)).items():
            log.warning("%d test objects on %s are left by checks that are gone; see docs/test-stores.md", count, node)

    def _adopt(self, estate: Estate, restored: Restored) -> None:
        checks = tuple(estate.checks.values())
        self._tally.adopt(checks)
        timezone = estate.monitor.timezone
        self.engine.adopt(checks, estate.references, restored.standings, restored.memory, timezone)

    def _told(self, transition: Transition) -> None:
        log.log(logging.WARNING if transition.after in TROUBLE else logging.INFO, "%s", _line(transition))
        self.desk.take(transition)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._pulse()

    def _pulse(self) -> None:
        for step in (self._watch.look, self.engine.sweep, orphans.sweep, self._record_pulse):
            self.supervisor.attempt("heartbeat", step)

    def _record_pulse(self) -> None:
        if self.history.lost and not self._kept:
            self._kept = self.supervisor.supervise("journal", self.desk.keep)
        if self.history.behind:  # what is counted stays in the tally, which holds little per check
            self.history.beat(Pulse(self.clock.now()))
            return
        entries = self.engine.board.entries
        memory = {check: entries[check].memory for check in self._tally.ran() if check in entries}
        self.history.beat(self._tally.pulse(self.clock.now(), memory))

    def _look_at_the_clock(self) -> None:
        self._watch.look()

    def _clock_was_set(self, step: Micros) -> None:
        self.engine.clock_was_set(step)
        self.desk.clock_was_set(step)
        self._tally.clock_was_set(step)
        self._record_pulse()  # before anything else is recorded by the clock's new time


def _shared_seats(estate: Estate) -> SeatLocks | None:
    """Where `pacs-monitor probe` sees that a daemon runs, and what it is asking; it runs without if need be."""
    try:
        seats = SeatLocks(estate.monitor.database, estate.monitor.name)
    except HistoryError as error:
        log.error("pacs-monitor probe --direct may ask what this daemon is asking: %s", error)
        return None
    if not seats.announce():
        log.error("another process on this machine says that it is the daemon of this name and database")
    return seats


def _line(transition: Transition) -> str:
    """A transition for the log: what, and all that was seen of it."""
    before, after = transition.before, transition.after
    moved = f"still {after}" if before is after else f"{before} -> {after}"
    why = f" ({transition.reason})" if transition.reason else ""
    return f"{transition.check}: {moved}{why}" + (f": {transition.detail}" if transition.detail else "")
