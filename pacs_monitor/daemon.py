"""The one place where things are wired: estate, history, engine, desk, outbox, web."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, Self, TypeVar

from pacs_monitor import __version__
from pacs_monitor import config as configuration
from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.journal import Journal, journal_file
from pacs_monitor.alerting.recovery import recover
from pacs_monitor.alerting.restart import cut_off
from pacs_monitor.alerting.restrictions import restored_restrictions
from pacs_monitor.alerting.standing import poller, refresher
from pacs_monitor.change_calendars import ChangeCalendars
from pacs_monitor.clock import ClockWatch, SystemClock
from pacs_monitor.config import ConfigError, Estate
from pacs_monitor.dead_mans_switch import DeadMansSwitch
from pacs_monitor.engine.engine import Engine
from pacs_monitor.format.human import login_name, pluralized
from pacs_monitor.handover.timetable import Timetable
from pacs_monitor.history import (
    HeartbeatBatch,
    History,
    HistoryError,
    Restored,
    ResultAccumulator,
    Revision,
    shared_seats,
)
from pacs_monitor.history.recent import Recent
from pacs_monitor.housekeeping import Housekeeping
from pacs_monitor.instance import Instance
from pacs_monitor.leadership import Role
from pacs_monitor.listeners import Listeners
from pacs_monitor.loading import load_in_time
from pacs_monitor.messages.changes import WITHIN
from pacs_monitor.messages.words import transition_line
from pacs_monitor.model import TROUBLE, Address, Clock, Entry, Micros, Node, Result, State, Transition
from pacs_monitor.net import Resolver
from pacs_monitor.net.connection_server import Refusals
from pacs_monitor.reaper import reaper
from pacs_monitor.reports.so_far import ObjectivesSoFar
from pacs_monitor.scheduled_reports import ScheduledReports
from pacs_monitor.self_checks import self_checks
from pacs_monitor.supervision import Supervisor
from pacs_monitor.threads import in_thread
from pacs_monitor.web.app import create_app
from pacs_monitor.web.server import WebServer

log = logging.getLogger(__name__)
T = TypeVar("T")
HEARTBEAT = 5.0
"""Seconds between heartbeats: how exactly a gap in the coverage is known."""
PROBES_END_WITHIN, DELIVERIES_END_WITHIN, RELOAD_ENDS_WITHIN, FENCED_ENDS_WITHIN = 4.0, 2.0, 1.0, 1.0
ENDS_WITHIN = 9.0
"""Seconds of the ten that an end may take."""


class Daemon:
    """The daemon that leads (web.view.DaemonView)."""

    def __init__(self, estate: Estate, clock: Clock, instance: Instance, history: History) -> None:
        self.estate, self.clock = estate, clock
        self.last_reload_successful, self._ending = True, False
        self.taken_over: Callable[[], None] = lambda: None
        """Called when a reload has brought another estate into force."""
        self.supervisor, self._reloading = Supervisor(), asyncio.Lock()
        self.instance, self.history = instance, history
        self._accumulator, self._resolver = ResultAccumulator(), Resolver()
        self._seats = shared_seats(estate.monitor.database, estate.monitor.name)
        self._watch = ClockWatch(self.clock, self._clock_was_set)
        self.engine = Engine(
            self.clock,
            self._resolver,
            self._on_transition,
            ledger=self.history.objects,
            shared=self._seats,
            on_result=self._on_result,
            look=self._watch.look,
            supervisor=self.supervisor,
        )
        runner = self.engine.runner
        self.engine.permitted = self.instance.permitted
        runner.may_run, runner.may_write = self.instance.may_run, self.instance.may_write
        self._journal = Journal(journal_file(estate))
        self.desk = Desk(
            self.clock,
            self.engine.board,
            self.history,
            estate,
            self._watch,
            supervisor=self.supervisor,
            journal=self._journal,
            permitted=self.instance.permitted,
            ask=self.engine.ask,
        )
        self.desk.plans.restrict = self.engine.restrict
        self._accumulator.latencies.planned = self.desk.plans.maintenance_of
        runner.isolation.on_cut = self.desk.site_cut
        self.refusals: Refusals = Counter()
        self._listeners = Listeners(
            runner, self._resolver, clock, nodes=self._nodes, ours=history.objects.holds, refusals=self.refusals
        )
        self.keeping = Housekeeping(self.history, self.clock, self._resolver, self.supervisor)
        self.audit, self.sessions = self.keeping.audit, self.keeping.sessions
        self.dead_mans_switch = DeadMansSwitch(clock, lambda: self.estate.monitor.heartbeat, self_checks(self))
        self.change_calendars = ChangeCalendars(
            clock, lambda: self.estate, self.desk.plans.calendars, self.desk.happened
        )
        self.timetable = Timetable(self)
        self.objectives = ObjectivesSoFar(clock, history, lambda: self.estate)
        self.scheduled_reports = ScheduledReports(self)
        self._beside: list[asyncio.Task[None]] = []
        self._keeper: asyncio.Task[None] | None = None
        self._taking: asyncio.Task[None] | None = None
        self._heart: asyncio.Task[None] | None = None
        self._kept: asyncio.Task[None] | None = None
        self._web: WebServer | None = None

    @classmethod
    async def open(cls, estate: Estate, clock: Clock | None = None, instance: Instance | None = None) -> Self:
        """A daemon with its history, opened outside the loop (it connects, migrates and takes the lease).

        `instance` is needed where several may run. Raises HistoryError.
        """
        clock = clock or SystemClock()
        instance = instance or Instance(estate.monitor, clock)
        monitor = estate.monitor
        opening = partial(History.open, monitor.database, monitor.name, clock, instance.term)
        return cls(estate, clock, instance, await in_thread(opening, "history-open"))

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
        if self._seats is not None and not await in_thread(self._seats.announce, "seats-announce"):
            log.error("another process on this machine claims to be the daemon of this name and database")
        self._keeper = self.supervisor.supervise("leadership", lambda: self.instance.keep(self._orphaned))
        await self.history.take_orphans(adopt=True)
        whole = await in_thread(partial(configuration.canonical, self.estate), "configuration")
        revision = Revision(self.estate.revision, f"{login_name()}, at the start", content=whole)
        await self.history.adopt(self.estate.checks.keys(), revision, self.estate.prints)
        restored = await recover(
            self._journal, self.history, self.estate, await self.history.restore(), self.clock.now()
        )
        await self._listeners.adopt(self.estate.monitor)
        self.engine.start()
        self.engine.runner.isolation.cut = cut_off(restored)
        self.engine.restrict(restored_restrictions(restored, self.estate, self.clock.now()))
        self._adopt(self.estate, restored)
        self.engine.tidy()
        await self.keeping.recall(self.estate)
        since = self.clock.now() - WITHIN
        self.desk.latest.restore(await self.history.read(lambda reader: Recent.read(reader, since)))
        self.desk.start(restored, self.history.off_since)
        self.timetable.start(restored.notes)
        self._heart = self.supervisor.supervise("heartbeat", self._heartbeat_loop)
        self.keeping.start(self.estate.monitor)
        beside = {"dead man's switch": self.dead_mans_switch.keep, "objectives": self.objectives.keep}
        beside |= {"refresh": refresher(self).keep, "acknowledgements": poller(self).keep}
        beside |= {"change calendars": self.change_calendars.keep, "reports": self.scheduled_reports.keep}
        beside |= {"timetable": self.timetable.keep}
        self._beside = [self.supervisor.supervise(name, keep) for name, keep in beside.items()]
        self._web.start()
        (host, port), scheme = self.address, "https" if self.estate.monitor.tls else "http"
        checks, nodes = pluralized(len(self.estate.checks), "check"), pluralized(len(self.estate.nodes), "node")
        where, paging = f"{scheme}://{Address(host, port)}", self.estate.monitor.paging
        log.info("pacs_monitor %s: monitoring %s of %s, paging %s; %s", __version__, checks, nodes, paging, where)

    @property
    def address(self) -> tuple[str, int]:
        """Where the API is served."""
        if self._web is None:
            raise RuntimeError("the daemon was not started")
        return self._web.address

    async def stop(self) -> None:
        """End cleanly within 10 s, whatever hangs: probes first, then what is owed, the web last."""
        log.info("ending")
        at_last = await self._begin_to_end()
        await self._end(at_last, "engine", self.engine.stop(PROBES_END_WITHIN))
        await self._end(at_last, "listeners", self._listeners.stop())
        await self._end(at_last, "desk", self.desk.stop(DELIVERIES_END_WITHIN))
        self._write_heartbeat()
        if self._web is not None:
            await self._end(at_last, "web", self._web.stop())
        await self._end(at_last, "housekeeping", self.keeping.stop())
        self._close(max(at_last - asyncio.get_running_loop().time(), 0.0))
        log.info("ended")

    async def step_down(self) -> tuple[Entry, ...]:
        """Another daemon leads, or this one cannot: end all within 10 s, write and send nothing.

        What could not be recorded.
        """
        started = self._heart is not None
        at_last = await self._begin_to_end()
        await self._end(at_last, "engine", self.engine.stop(0))
        await self._end(at_last, "listeners", self._listeners.stop())
        unrecorded = await self._end(at_last, "desk", self.desk.abandon()) if started else None
        self.keeping.abandon()
        if self._web is not None:
            await self._end(at_last, "web", self._web.stop())
        self._close(FENCED_ENDS_WITHIN)
        return unrecorded or ()

    async def _begin_to_end(self) -> float:
        """No reload begins any more, nor goes on for long; until when all else is to have ended, in the loop's time."""
        self._ending = True
        at_last = asyncio.get_running_loop().time() + ENDS_WITHIN
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RELOAD_ENDS_WITHIN):
                await self._reloading.acquire()
        await self._end_beats()
        return at_last

    async def _end(self, at_last: float, what: str, ending: Awaitable[T]) -> T | None:
        """None when it fails, or has not ended by then: the rest is ended too."""
        try:
            async with asyncio.timeout_at(at_last):
                return await ending
        except TimeoutError:
            log.error("%s did not stop in time", what)
        except Exception as error:  # noqa: BLE001 - whatever fails, the rest is ended too
            self.supervisor.failed(what, error)
        return None

    def _close(self, within: float) -> None:
        self.history.close(within)
        if self._seats is not None:
            self._seats.close()

    async def forget(self) -> None:
        """What could not be recorded is another leader's now."""
        await self._journal.clear()

    async def _end_beats(self) -> None:
        every = self._keeper, self._taking, self._heart, *self._beside
        tasks = [task for task in every if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def role(self) -> Role:
        return self.instance.role

    @property
    def audit_lost(self) -> int:
        return self.keeping.syslog.lost

    def refuses_words(self) -> str | None:
        if self.role is not Role.LEADER:
            return f"say it to the leader: another daemon of this name leads now ({self.instance.leader})"
        if self._ending or self._heart is None:
            return "try again: the daemon is starting or stopping"
        return None

    def unready(self) -> str | None:
        if self.role is not Role.LEADER:
            return "fenced: another daemon of this name is the leader"
        if self._heart is None or self._heart.done():
            return "the daemon is starting or stopping"
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
                return await self._take_over(who)
            finally:
                self.engine.stay()

    async def _take_over(self, who: str) -> dict[str, Any]:
        try:
            new = await load_in_time(self.estate.file)
            changes = configuration.diff(self.estate, new).lines()
            whole = await in_thread(partial(configuration.canonical, new), "configuration")
            revision = Revision(new.revision, who, "\n".join(changes), whole)
            known = self.estate.prints
            self.engine.leave({check for check, now in new.prints.items() if known.get(check, now) != now})
            await self.history.adopt(new.checks.keys(), revision, new.prints)
            restored = await self.history.restore()
            if self._ending:
                raise HistoryError("the daemon is stopping")
        except (ConfigError, HistoryError):
            self.last_reload_successful = False
            raise
        estate = configuration.in_force(self.estate, new)
        changes += await self._listeners.adopt(estate.monitor)
        self.estate = estate
        self.engine.restrict(self.desk.plans.restrictions(estate))
        self._adopt(self.estate, restored)
        self.keeping.adopt(self.estate.monitor)
        self.desk.reloaded(self.estate)
        for beside in (self.dead_mans_switch, self.change_calendars, self.objectives, self.scheduled_reports):
            beside.look_again()
        self.timetable.reloaded()
        if self._web is not None:
            changes += self._web.renew(self.estate.monitor.tls)
        self.last_reload_successful = True
        self.taken_over()
        log.info("reloaded %s: %s", new.file, "; ".join(changes) or "nothing changed")
        for warning in (warnings := [str(one) for one in new.warnings]):
            log.warning("%s", warning)
        return {"revision": new.revision, "changes": changes, "warnings": warnings}

    async def preview(self) -> list[str]:
        """What a reload would change now; raises ConfigError when the file is bad."""
        return configuration.diff(self.estate, await load_in_time(self.estate.file)).lines()

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

    def _adopt(self, estate: Estate, restored: Restored) -> None:
        checks = tuple(estate.checks.values())
        self._accumulator.adopt(checks, estate.prints, restored.proven, estate.logged)
        monitor, proven, known = estate.monitor, restored.proven | restored.held, (restored.standings, restored.memory)
        self._accumulator.latencies.adopt(configuration.limits_of(estate), monitor.timezone)
        self.engine.adopt(checks, estate.references, *known, monitor.timezone, proven=proven, site=monitor.site)

    def _on_result(self, result: Result, state: State) -> None:
        self._accumulator.take(result, state)
        self.desk.latest.measured(result)
        self.desk.measured(result.check)

    def _on_transition(self, transition: Transition) -> None:
        log.log(logging.WARNING if transition.after in TROUBLE else logging.INFO, "%s", transition_line(transition))
        self.desk.take(transition)

    def _orphaned(self) -> None:
        """Beside the looks at the instance row, which nothing may hold up."""
        if self._taking is None or self._taking.done():
            self._taking = self.supervisor.supervise("orphans", self._take_orphans)

    async def _take_orphans(self) -> None:
        self.desk.outbox.feed(await self.history.take_orphans(adopt=False), of_a_run_before=True)

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._write_heartbeat()

    def _write_heartbeat(self) -> None:
        for step in (self._watch.look, self.engine.sweep, reaper.sweep, self._record_heartbeat):
            self.supervisor.attempt("heartbeat", step)

    def _record_heartbeat(self) -> None:
        if self.history.lost and not self._kept:
            self._kept = self.supervisor.supervise("journal", self.desk.keep)
        if self.history.behind:  # what is counted stays in the accumulator, which holds little per check
            self.history.beat(HeartbeatBatch(self.clock.now()))
            return
        memory = self.engine.remembered(self._accumulator.ran())
        self.history.beat(self._accumulator.take_batch(self.clock.now(), memory))

    def _clock_was_set(self, step: Micros) -> None:
        self.engine.clock_was_set(step)
        self.desk.clock_was_set(step)
        self._accumulator.clock_was_set(step)
        self._record_heartbeat()  # before anything else is recorded by the clock's new time
