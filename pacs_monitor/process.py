"""The process of the daemon: its limits, its signals, its end, and its life as standby and leader."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from pacs_monitor import signals, systemd
from pacs_monitor.alerting.journal import Journal, journal_file
from pacs_monitor.alerting.recovery import recover_as_standby
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.daemon import Daemon
from pacs_monitor.history import FencedError, HistoryError
from pacs_monitor.instance import Instance
from pacs_monitor.leadership import Role
from pacs_monitor.standby import first_of, stand_by
from pacs_monitor.supervision import Supervisor

log = logging.getLogger(__name__)
GARBAGE = (10_000, 2, 2**31 - 1)
"""Objects made until the youngest are looked through: each run makes hundreds, of which none refers to itself. After so
many times those of middle age are, too: more of them at once would be too long a step. All are when we say so."""
ALL_EVERY = 600.0
"""Seconds between two times that all are looked through: with 10,000 checks that holds up everything for 0.3 s."""
SWITCH = 0.0005
"""Seconds for which a thread keeps the interpreter while the event loop waits for it: at each of its system calls."""
LEFT_AT_LAST = 9.8
"""Seconds of the ten that an end may take, until the process is left as it is."""


class ServiceManager(Protocol):
    """Who runs this process: it asks for the end, and is told how the process does."""

    def at_end(self, call: Callable[[], None]) -> None:
        """Call it, on the event loop that runs, when the process is to end; at once if that has been asked before."""

    def ready(self, status: str) -> None:
        """The process does what it is for, or waits for its turn."""

    def ending(self) -> None: ...

    def leave(self, code: int = 0) -> None:
        """End the process now."""


class Foreground:
    """A shell, systemd, a container: signals ask for the end, and systemd is told, where there is one."""

    def at_end(self, call: Callable[[], None]) -> None:
        signals.at_end(call)

    def ready(self, status: str) -> None:
        systemd.tell(systemd.ready(status))

    def ending(self) -> None:
        systemd.tell(systemd.ENDING)

    def leave(self, code: int = 0) -> None:
        leave(code)


def run(estate: Estate, manager: ServiceManager | None = None) -> None:
    """Run the daemon until it is asked to end, and end the process."""
    raise_descriptor_limit()
    manager = manager or Foreground()
    sys.setswitchinterval(SWITCH)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run_until_stopped(estate, manager))
        manager.leave()


def interruptible() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, for what has to end in order; see __main__."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave(code: int = 0) -> None:
    """End the process now: the interpreter would wait for threads of pools that hang in a system call."""
    logging.shutdown()
    os._exit(code)


def leave_at_last(seconds: float, leave: Callable[[int], None]) -> None:
    """Leave after so many seconds, also when the event loop itself hangs."""

    def give_up() -> None:
        log.error("the daemon did not stop within %g s; exiting anyway", seconds)
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
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every platform

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle() -> None:
    """An estate has come into force, and stays: to look through it again and again would cost a tenth of the time."""
    gc.unfreeze()  # the one before it goes
    gc.collect()
    gc.freeze()


async def collect_regularly() -> None:
    """Left to itself, Python would look through all objects most often while pages or metrics are made."""
    while True:
        await asyncio.sleep(ALL_EVERY)
        gc.collect()


async def _run_until_stopped(estate: Estate, manager: ServiceManager) -> None:
    loop, stop, read_again = asyncio.get_running_loop(), asyncio.Event(), False

    def end() -> None:
        if not stop.is_set():
            stop.set()
            manager.ending()
            leave_at_last(LEFT_AT_LAST, manager.leave)

    manager.at_end(end)
    supervisor = Supervisor()
    kept = [supervisor.supervise("watchdog", systemd.keep_watched), supervisor.supervise("garbage", collect_regularly)]
    reloads: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        nonlocal read_again
        if daemon is None:
            log.info("the configuration will be read again when this process becomes the leader")
            read_again = True
            return
        task = loop.create_task(daemon.try_reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    signals.at_hang_up(hang_up)  # before anything takes time: without a handler it would end us
    daemon: Daemon | None = None
    instance = Instance(estate.monitor, SystemClock())
    try:
        await _hand_over(estate, instance)
        if instance.term is not None:
            manager.ready("waiting for its turn to lead")
        while (led := await stand_by(estate, instance, stop)) is not None:
            try:
                daemon = await _opened(led, instance, stop)
            except HistoryError as error:
                _require_passing(error, instance)
                await instance.step_down()
                continue
            if daemon is None:
                break
            if read_again:
                read_again = False
                loop.call_soon(hang_up)  # after the start has begun, which it waits for
            await _lead(daemon, instance, stop, manager)
            estate, daemon = daemon.estate, None
    finally:
        leave_at_last(LEFT_AT_LAST, manager.leave)
        for task in kept:
            task.cancel()
        await instance.end()


async def _hand_over(estate: Estate, instance: Instance) -> None:
    """What the run before left unrecorded on this machine is the leader's, whoever that is by now."""
    if instance.term is not None:
        journal = Journal(journal_file(estate))
        entries = await recover_as_standby(journal, estate, SystemClock().now())
        instance.owe(entries, journal.clear)


async def _opened(estate: Estate, instance: Instance, stop: asyncio.Event) -> Daemon | None:
    """The daemon; None when this process is asked to end before the database has answered."""
    opening = asyncio.create_task(Daemon.open(estate, instance=instance))
    await first_of(opening, asyncio.create_task(stop.wait()))
    return opening.result() if opening.done() else None


async def _lead(daemon: Daemon, instance: Instance, stop: asyncio.Event, manager: ServiceManager) -> None:
    """Until this process is asked to end, or another one leads."""
    try:
        await daemon.start()
    except HistoryError as error:
        unrecorded = await daemon.step_down()
        _require_passing(error, instance)
        await instance.step_down(unrecorded, daemon.forget)
        return
    except BaseException:
        await daemon.step_down()
        raise
    manager.ready("monitoring")
    gc.set_threshold(*GARBAGE)
    settle()
    daemon.taken_over = settle
    try:
        await first_of(asyncio.create_task(stop.wait()), asyncio.create_task(instance.fenced.wait()))
    finally:
        if instance.role is not Role.FENCED:
            await daemon.stop()
    if instance.role is Role.FENCED:
        manager.ready("waiting for its turn to lead")
        await instance.step_down(await daemon.step_down(), daemon.forget)
        gc.unfreeze()


def _require_passing(error: HistoryError, instance: Instance) -> None:
    """Log what keeps this process from leading; raise it unless another one leads, or this one has stood by before."""
    if not instance.stood_by and not isinstance(error, FencedError):
        raise error
    log.error("standby again: %s", error)
