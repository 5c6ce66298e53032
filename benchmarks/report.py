"""What a report of a quarter of a large estate takes: time, memory, and the size of the record.

    python -m benchmarks.report [--nodes 1000] [--transitions 20000]

1,000 nodes with five checks each, a service and agreements over them, 3 % of the checks flapping, the others failing
for minutes to hours; runs are counted by the UTC day as after three days. Each format is written by the command itself,
in a process of its own; the PDF is that of those who sign. Then a day of hourly counts is made one of daily counts,
without the rests that the daemon takes in between. The table goes to benchmarks/results/report.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from sqlalchemy import create_engine, insert, select

from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate, canonical, load
from pacs_monitor.history import History, HistoryReader, Revision, retention
from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import bucket
from pacs_monitor.intervals import FOREVER
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.reports import parse

RESULTS = Path(__file__).parent / "results" / "report.md"
QUARTER = "2026-Q3"
DAY = 86_400 * SECOND
FLAPPING = 0.03
FORMATS = ("html", "csv", "json", "table", "pdf")
LOOK = 0.02
"""Seconds between two looks at a process."""
ROWS = 20_000
"""Inserted at once."""


class Took(NamedTuple):
    """Of one command."""

    seconds: float
    processor: float
    memory: float
    """At most, in MiB."""


def an_estate(folder: Path, nodes: int) -> Estate:
    file = folder / "monitor.yaml"
    lines = [
        f"  n{n}: {{host: 10.{n // 250}.0.{n % 250 + 1}, site: s{n // 50}, role: {'archive' if n % 20 == 0 else 'ct'},"
        f" dicom: {{port: 104, ae_title: N{n}}}, checks: {{ping: , tcp: {{port: 80}}, dicom_echo: , dicom_find: ,"
        f' web: {{probe: http, url: "http://10.{n // 250}.0.{n % 250 + 1}/"}}}}}}'
        for n in range(nodes)
    ]
    sites = "".join(f"  s{n}: {{title: Site {n}}}\n" for n in range(-(-nodes // 50)))
    services = "".join(f"  pacs{n}: {{any: [n{n}/dicom_echo, n{n + 1}/dicom_echo]}}\n" for n in range(0, 20, 2))
    objectives = "".join(
        f"  - {{name: PACS {n}, service: pacs{n}, availability: 99.9%, counts: felt, contract: SLA {n}}}\n"
        for n in range(0, 20, 2)
    )
    file.write_text(
        f"monitor: {{name: bench, database: 'sqlite:///{folder}/bench.db', timezone: Europe/Berlin}}\n"
        "default_route: {channels: []}\n"
        f"sites:\n{sites}services:\n{services}objectives:\n{objectives}"
        "  - {name: Archives, match: {role: archive}, availability: 99%, per: month}\n"
        "nodes:\n" + "\n".join(lines) + "\n"
    )
    return load(file)


async def written(folder: Path, nodes: int, transitions: int) -> Estate:
    """A quarter on record."""
    estate = an_estate(folder, nodes)
    history = History.open(estate.monitor.database, estate.monitor.name, SystemClock())
    await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
    history.close()
    start, end = parse(QUARTER, estate.monitor.timezone, SystemClock().now()).interval
    engine = create_engine(estate.monitor.database)
    with engine.begin() as connection:
        ids = list(connection.scalars(select(t.checks.c.id).order_by(t.checks.c.id)))
        connection.execute(t.watches.update().values(started=start - DAY))
        connection.execute(t.identities.update().values(started=start - DAY, proven=start - DAY))
        connection.execute(t.revisions.update().values(at=start - DAY))
        connection.execute(t.coverage.delete())
        monitor = connection.scalar(select(t.monitors.c.id))
        ran = {"run": "01J00000000000000000000000", "number": 0, "monitor_id": monitor, "started": start - DAY}
        connection.execute(insert(t.coverage), [{**ran, "ended": end + DAY, "cause": None}])
        for table, rows in (
            (t.transitions, list(_transitions(ids, start, end, transitions))),
            (t.rollups, list(_rollups(ids, start, end))),
        ):
            for first in range(0, len(rows), ROWS):
                connection.execute(insert(table), rows[first : first + ROWS])
    engine.dispose()
    return estate


def _transitions(ids: Sequence[int], start: Micros, end: Micros, count: int) -> Iterator[dict[str, Any]]:
    """In order of time, as a daemon records them; half of them are of the checks that flap."""
    chance = random.Random(1)
    flapping = chance.sample(list(ids), round(len(ids) * FLAPPING))
    spells: dict[int, list[tuple[Micros, Micros]]] = {}
    for number in range(count // 2):
        flaps = number % 2 == 0
        check = chance.choice(flapping if flaps else ids)
        at = start + chance.randrange(end - start - DAY)
        spells.setdefault(check, []).append((at, chance.randrange(60, 300 if flaps else 4 * 3600) * SECOND))
    rows = [_row(check, "unknown", "up", start - DAY, None) for check in ids]
    for check, found in spells.items():
        free = start
        for at, lasts in sorted(found):
            began = max(at, free)
            free = began + lasts + 120 * SECOND
            rows.append(_row(check, "up", "down", began, began - 60 * SECOND))
            rows.append(_row(check, "down", "up", began + lasts, began + lasts - 15 * SECOND))
    yield from sorted(rows, key=lambda row: (row["since"], row["check_id"]))


def _row(check: int, before: str, after: str, since: Micros, last: Micros | None) -> dict[str, Any]:
    reason = "tcp_refused" if after == "down" else None
    return {
        "check_id": check,
        "before": before,
        "after": after,
        "last_before": last,
        "since": since,
        "noticed": since + 30 * SECOND,
        "reason": reason,
        "phase": reason and "connect",
        "detail": "",
    }


def _rollups(ids: Sequence[int], start: Micros, end: Micros) -> Iterator[dict[str, Any]]:
    chance = random.Random(2)
    middle = {check: bucket(chance.uniform(0.001, 0.2)) for check in ids}
    counts = {"ok": 1439, "warn": 0, "fail": 1, "unknown": 0, "brief": 1, "seconds": 3.0, "over": {}, "width": 86_400}
    for day in range((start + DAY) // DAY * DAY, end, DAY):
        for check in ids:
            buckets = {middle[check] + n: 1440 // (2 + abs(n)) for n in range(-4, 5)}
            yield {"check_id": check, "started": day, "buckets": buckets, **counts}


def measured(folder: Path, form: str) -> Took:
    """One report, as the command writes it: the processor time with what prints it, the memory without."""
    arguments = ["-m", "pacs_monitor", "report", QUARTER, "--format", form, "--config", str(folder / "monitor.yaml")]
    arguments += [] if form == "table" else ["--output", str(folder / f"report.{form}")]
    arguments += ["--part", "signers"] if form == "pdf" else []
    began = time.perf_counter()
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    memory, ended = 0.0, 0
    while not ended:
        memory = max(memory, _peak(child))
        time.sleep(LOOK)
        ended, status, used = os.wait4(child, os.WNOHANG)
    took = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"the report as {form} failed")
    return Took(took, used.ru_utime + used.ru_stime, memory)


def _peak(process: int) -> float:
    """MiB so far; the kernel's ru_maxrss would include this process, from which it was started."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def compacted(estate: Estate) -> str:
    """A day of hourly counts of all checks, written after the quarter, becomes one of daily counts."""
    start = parse(QUARTER, estate.monitor.timezone, SystemClock().now()).interval.end // DAY * DAY + DAY
    engine = create_engine(estate.monitor.database)
    with engine.begin() as connection:
        ids = list(connection.scalars(select(t.checks.c.id)))
        for hour in range(start, start + DAY, 3600 * SECOND):
            connection.execute(insert(t.rollups), [_an_hour(check, hour) for check in ids])
    reader = HistoryReader.open(estate.monitor.database, estate.monitor.name)
    kept = retention.Kept(FOREVER, FOREVER, FOREVER)
    took, used, longest = time.perf_counter(), time.process_time(), 0.0
    while pieces := retention.find(reader, kept, start + 9 * DAY):
        for piece in pieces:
            began = time.perf_counter()
            with engine.begin() as connection:
                piece(connection)
            longest = max(longest, time.perf_counter() - began)
    took, used = time.perf_counter() - took, time.process_time() - used
    reader.close()
    engine.dispose()
    what = f"compaction of {24 * len(ids):,} hourly counts"
    return f"| {what} | {took:.1f} s | {used:.1f} s | a write waits {longest * 1000:.0f} ms at most |"


def _an_hour(check: int, hour: Micros) -> dict[str, Any]:
    counts = {"ok": 60, "warn": 0, "fail": 0, "unknown": 0, "brief": 0, "seconds": 3.0, "over": {}, "width": 3600}
    return {"check_id": check, "started": hour, "buckets": {bucket(0.01): 50, bucket(0.1): 10}, **counts}


def table(nodes: int, transitions: int) -> list[str]:
    """A row for the record, and one for each format."""
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in)
        estate = asyncio.run(written(folder, nodes, transitions))
        size = (folder / "bench.db").stat().st_size / 1e6
        rows = [f"| the record of {nodes:,} nodes with {transitions:,} transitions | | | {size:.0f} MB |"]
        for form in FORMATS:
            took = measured(folder, form)
            what = f"{form}, for those who sign" if form == "pdf" else form
            rows.append(f"| {what} | {took.seconds:.1f} s | {took.processor:.1f} s | {took.memory:.0f} MiB |")
        rows.append(compacted(estate))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000, help="With five checks each.")
    parser.add_argument("--transitions", type=int, default=20_000)
    given = parser.parse_args()
    rows = table(given.nodes, given.transitions)
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    load_now, *_ = psutil.getloadavg()
    text = (
        f"# Reports of a quarter\n\n{time.strftime('%Y-%m-%d')}, {machine}, load {load_now:.1f}\n(other work ran beside"
        " this where it is above 2: then the processor time tells more).\n\n| what | took | processor | memory, or size"
        " |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    print(text)
    RESULTS.write_text(text)


if __name__ == "__main__":
    main()
