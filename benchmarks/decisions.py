"""What deciding costs: one transition in a large estate, a storm of them, and a recorded year decided again.

    python -m benchmarks.decisions [--nodes 2000] [--storm 5000] [--only desk|year]

The estate has five checks per node, sites of 50 nodes, and a switch per site that its nodes hang on. The first two are
decided by a real desk over a SQLite history: nothing of it is left out, and the loop is watched meanwhile. The year
(1,000 nodes, 20,000 transitions) is written to a SQLite file first and then replayed from it as `simulate --replay`
does. The table goes to benchmarks/results/decisions.md.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import platform
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from pacs_monitor.alerting import Desk
from pacs_monitor.alerting.journal import Journal
from pacs_monitor.alerting.slices import Slice
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.clock import ClockWatch, SystemClock
from pacs_monitor.config import Estate, canonical, load
from pacs_monitor.engine.board import BoardEntry
from pacs_monitor.history import History, HistoryReader, Revision
from pacs_monitor.intervals import Interval
from pacs_monitor.model import (
    SECOND,
    CheckId,
    DeliveryResult,
    Entry,
    Micros,
    Notification,
    Reason,
    Standing,
    State,
    Transition,
)
from pacs_monitor.process import GARBAGE, settle
from pacs_monitor.simulation.against import against_record
from pacs_monitor.simulation.world import Move, World
from pacs_monitor.supervision import Supervisor

RESULTS = Path(__file__).parent / "results" / "decisions.md"
SITE = 50
KINDS = ("ping", "tcp", "dicom_echo", "dicom_find", "web")
SINGLES = 200
"""Transitions that come alone."""
MANY = 1000
"""Decisions one after the other; those of the second half count."""
TICK = 0.002
YEAR = 365 * 86400 * SECOND
TRANSITIONS = 20_000
ENTRY = 200
"""Decisions per entry while the year is written."""


class Storm(NamedTuple):
    """Seconds."""

    took: float
    processor: float
    """Of the whole process, the writing of the record included."""
    writing: float
    """Of that, the database's."""
    notifications: int
    ticks: Sequence[float]
    """How late the loop's timers were meanwhile."""


def an_estate(folder: Path, nodes: int) -> Estate:
    file = folder / "monitor.yaml"
    lines = []
    for n in range(nodes):
        if n % SITE == 0:
            lines.append(f"  switch{n // SITE}: {{host: 10.99.{n // SITE}.1, role: network, checks: {{ping: }}}}")
        lines.append(
            f"  n{n}: {{host: 10.{n // 250}.0.{n % 250 + 1}, site: s{n // SITE}, depends_on: [switch{n // SITE}],"
            f" dicom: {{port: 104, ae_title: N{n}}}, checks: {{ping: , tcp: {{port: 80}}, dicom_echo: {{severity:"
            f' critical}}, dicom_find: , web: {{probe: http, url: "http://10.{n // 250}.0.{n % 250 + 1}/"}}}}}}'
        )
    sites = "".join(f"  s{n}: {{title: Site {n}}}\n" for n in range(-(-nodes // SITE)))
    file.write_text(
        f"monitor: {{name: bench, database: 'sqlite:///{folder}/bench.db', paging: on}}\n"
        "channels:\n  oncall: {type: webhook, url: 'http://127.0.0.1:9/'}\n"
        "  desk: {type: webhook, url: 'http://127.0.0.1:9/'}\n"
        "routes:\n  - {match: {severity: critical}, channels: [oncall], continue: true}\n"
        "default_route: {channels: [desk], remind: 4h}\ndefaults: {page_after: 0s}\n"
        f"sites:\n{sites}nodes:\n" + "\n".join(lines) + "\n"
    )
    return load(file)


class Kept:
    """The history, seen from the desk: when which transitions arrive to be recorded."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.came: dict[CheckId, float] = {}
        self.notifications = 0
        self.writing = 0.0
        self.next = asyncio.Event()

    async def record(self, entry: Entry) -> None:
        began = time.perf_counter()
        self.came |= {transition.check: began for transition in entry.transitions}
        self.next.set()
        self.notifications += len(entry.notifications)
        await self._history.record(entry)
        self.writing += time.perf_counter() - began

    async def record_results(self, results: Sequence[DeliveryResult], digest: Notification | None = None) -> None:
        await self._history.record_results(results, digest)


class Office:
    """A desk at work."""

    def __init__(self, estate: Estate, folder: Path, history: History) -> None:
        self._clock = SystemClock()
        self.entries = {
            check.id: BoardEntry(check, Standing(State.UP, last=self._clock.now()), proven=True)
            for check in estate.checks.values()
        }
        self.kept = Kept(history)
        watch = ClockWatch(self._clock, lambda _step: None)
        journal = Journal(folder / "journal")
        self.desk = Desk(self._clock, self, self.kept, estate, watch, supervisor=Supervisor(), journal=journal)

    def take(self, check: CheckId, after: State) -> None:
        entry, now = self.entries[check], self._clock.now()
        before, reason = entry.standing.state, None if after is State.UP else Reason.TCP_TIMEOUT
        entry.standing = Standing(after, now, reason)
        self.desk.take(Transition(check, before, after, now - 60 * SECOND, now - SECOND, now, reason))

    async def decided(self, checks: Iterable[CheckId]) -> None:
        while set(checks) - self.kept.came.keys():
            self.kept.next.clear()
            await self.kept.next.wait()

    async def singles(self, checks: Sequence[CheckId]) -> list[float]:
        """Seconds from each transition, which comes alone, to its entry for the record."""
        took = []
        for check in checks:
            began = time.perf_counter()
            self.take(check, State.DOWN)
            await self.decided([check])
            took.append(self.kept.came[check] - began)
            await asyncio.sleep(0.01)
        return took

    async def storm(self, checks: Sequence[CheckId]) -> Storm:
        """All of them fail within a second."""
        ticks: list[float] = []
        watching = asyncio.ensure_future(watched(ticks))
        began, spent = time.perf_counter(), time.process_time()
        for part in range(0, len(checks), 100):
            for check in checks[part : part + 100]:
                self.take(check, State.DOWN)
            await asyncio.sleep(max(0.0, began + part / len(checks) - time.perf_counter()))
        await self.decided(checks)
        took, spent = time.perf_counter() - began, time.process_time() - spent
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        return Storm(took, spent, self.kept.writing, self.kept.notifications, ticks)


async def watched(ticks: list[float]) -> None:
    """How late each timer of the loop is."""
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        ticks.append(time.perf_counter() - due)


async def calm() -> list[float]:
    """The loop's timers while nothing happens."""
    ticks: list[float] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            await watched(ticks)
    return ticks


def deciding(estate: Estate) -> list[float]:
    """Processor seconds of each decision, with its page's place in a slice, while hundreds of incidents are open."""
    world = World(estate, SystemClock().now())
    checks = [check for check in estate.checks if check.check == "web"][:MANY]
    for number, check in enumerate(checks):
        world.plan(Move(world.now + number * SECOND, check, State.DOWN, Reason.TCP_REFUSED))
    slice_, took, before = Slice(), list[float](), time.process_time()
    for decided in world.run(world.now + MANY * SECOND):
        slice_.add(decided)
        took.append(time.process_time() - before)
        before = time.process_time()
    return took[len(took) // 2 :]


@contextmanager
def as_the_daemon() -> Iterator[None]:
    """Garbage is collected as seldom, and not from what is there already."""
    before = gc.get_threshold()
    gc.set_threshold(*GARBAGE)
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


async def at_the_desk(nodes: int, storm: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        estate = an_estate(Path(folder), nodes)
        history = History.open(estate.monitor.database, estate.monitor.name, SystemClock())
        await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
        office = Office(estate, Path(folder), history)
        office.desk.start(await history.restore())
        alone = [CheckId(f"n{n}", "web") for n in range(nodes - 1, nodes // 2, -7)][:SINGLES]
        dead = [check for check in estate.checks if check.node[0] == "n" and int(check.node[1:]) < nodes // 2]
        with as_the_daemon():
            took = await office.singles(alone)
            idle = await calm()
            found = await office.storm(dead[:storm])
        await office.desk.stop(0)
        history.close()
    head = f"{len(estate.checks):,} checks"
    late = f"timers are late by {_ms(found.ticks, 0.5)}, p99 {_ms(found.ticks, 0.99)} (before: {_ms(idle, 0.99)})"
    much = f"processor {found.processor:.1f} s; {found.writing:.1f} s wait for the record"
    pure = deciding(estate)
    return [
        f"| one decision, {head} | {_ms(pure, 0.5)} | processor; p99 {_ms(pure, 0.99)} |",
        f"| one transition at the desk, {head} | {_ms(took, 0.5)} | until its entry can be recorded, beside all else |",
        f"| {len(dead[:storm]):,} transitions within a second, {head} | {found.took:.1f} s | {much}; {late} |",
    ]


async def the_year(nodes: int, transitions: int = TRANSITIONS) -> list[str]:
    """Write a year, then replay it."""
    with tempfile.TemporaryDirectory() as folder:
        estate = an_estate(Path(folder), nodes)
        now = SystemClock().now()
        start = now - YEAR
        history = History.open(estate.monitor.database, estate.monitor.name, SystemClock())
        await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
        world = World(estate, start)
        for move in _moves(estate, start, transitions):
            world.plan(move)
        slice_ = Slice()
        for number, decided in enumerate(world.run(start + YEAR), 1):
            slice_.add(decided, _notifications(decided))
            if number % ENTRY == 0:
                await history.record(slice_.entry())
                slice_ = Slice()
        await history.record(slice_.entry())
        history.close()
        reader = HistoryReader.open(estate.monitor.database, estate.monitor.name)
        now = SystemClock().now()
        memory, began = psutil.Process().memory_info().rss, time.perf_counter()
        answer = against_record(reader, Interval(start, now), estate, estate)
        took = time.perf_counter() - began
        more = (psutil.Process().memory_info().rss - memory) / 2**20
        events = sum(1 for _ in reader.events())
        reader.close()
    found = answer.difference
    differs = len(found.added) + len(found.gone) + len(found.moved)
    came = f"{events:,} events, {found.same:,} notifications the same, {differs} not; {more:.0f} MiB more"
    return [f"| a year of {nodes:,} nodes, {transitions:,} transitions, replayed | {took:.1f} s | {came} |"]


def _moves(estate: Estate, start: Micros, transitions: int) -> Iterator[Move]:
    """Half of them nodes that fail and come back, half checks; each of them lasts minutes to hours."""
    chance, nodes = random.Random(1), [name for name in estate.nodes if name[0] == "n"]
    by_node = {name: [check for check in estate.checks if check.node == name] for name in nodes}
    made = 0
    while made < transitions:
        at, lasts = start + chance.randrange(YEAR - 86400 * SECOND), chance.randrange(60, 4 * 3600) * SECOND
        checks = by_node[chance.choice(nodes)]
        failing = checks if chance.random() < 0.2 else [chance.choice(checks)]
        reason = chance.choice([Reason.TCP_TIMEOUT, Reason.TCP_REFUSED, Reason.ACSE_TIMEOUT])
        for check in failing:
            yield Move(at + chance.randrange(30) * SECOND, check, State.DOWN, reason)
            yield Move(at + lasts + chance.randrange(30, 60) * SECOND, check, State.UP)
        made += 2 * len(failing)


def _notifications(decided: Decided) -> tuple[Notification, ...]:
    """As the desk writes them, without their texts."""
    return tuple(
        Notification(
            one.id, one.channel, one.event, one.at, {"severity": one.incident.severity}, one.incident.id, one.status
        )
        for one in decided.effects.owed
    )


def _ms(seconds: Sequence[float], share: float) -> str:
    """A quantile; what ended before it could be measured has none."""
    if not seconds:
        return "-"
    return f"{sorted(seconds)[int(share * (len(seconds) - 1))] * 1000:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2000, help="With five checks each.")
    parser.add_argument("--storm", type=int, default=5000)
    parser.add_argument("--year-nodes", type=int, default=1000)
    parser.add_argument("--only", choices=["desk", "year"])
    given = parser.parse_args()
    logging.disable()
    rows = [] if given.only == "year" else asyncio.run(at_the_desk(given.nodes, given.storm))
    rows += [] if given.only == "desk" else asyncio.run(the_year(given.year_nodes))
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    load, *_ = psutil.getloadavg()
    text = (
        f"# Decisions\n\n{time.strftime('%Y-%m-%d')}, {machine}, load {load:.1f}\n(other work ran beside this where it"
        " is above 2); SQLite on the same disk.\n\n| what | took | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    print(text)
    if given.only is None:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
