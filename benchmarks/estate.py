"""A large estate: what its probing, its metrics and its board cost, and whether runs are on time meanwhile.

    python -m benchmarks.estate [--nodes 10000] [--interval 30] [--seconds 120] [--checkout FOLDER]

Every node is a loopback address of its own; one in ten is a black hole. The daemon has one core (taskset), peers and
scrapers the others. `/metrics` and `/api/v1/status` are fetched every 15 s. With `--checkout` the daemon of another
version is measured first, in the same run. The table goes to benchmarks/results/estate.md.
"""

from __future__ import annotations

import argparse
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import NamedTuple

import psutil
import requests

from benchmarks.echo import free_port, wait_for

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "estate.md"
SCRAPE_EVERY = 15.0
WARM_UP = 40.0
"""Seconds until every check has run, at an interval of 30 s."""


class Seen(NamedTuple):
    """What one version did; seconds, MiB."""

    name: str
    runs: int
    missed: int
    lag_p50: float
    lag_p99: float
    metrics: float
    metrics_bytes: int
    status: float
    processor: float
    """Share of one core."""
    memory: float

    def row(self) -> str:
        return (
            f"| {self.name} | {self.runs:,} | {self.missed} | {_upto(self.lag_p50)} | {_upto(self.lag_p99)} "
            f"| {self.metrics * 1000:.0f} ms ({self.metrics_bytes / 1e6:.1f} MB) | {self.status * 1000:.0f} ms "
            f"| {self.processor:.0%} | {self.memory:.0f} MiB |"
        )


HEAD = (
    "| version | runs | skipped | lag p50 | lag p99 | /metrics (median) | /api/v1/status (median) | processor |"
    " memory |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def _upto(bound: float) -> str:
    return f"≤ {bound * 1000:g} ms"


@contextmanager
def peers(port: int, hole: int) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.peers.crowd", str(port), str(hole)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.communicate("")


def estate(folder: Path, listen: int, port: int, hole: int, nodes: int, interval: float) -> Path:
    file = folder / "monitor.yaml"
    lines = (
        f"  n{n}: {{host: 127.{3 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}, title: Node {n}, site: east,"
        f" role: modality, dicom: {{port: {port if n % 10 else hole}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        for n in range(nodes)
    )
    file.write_text(
        f"monitor: {{name: bench, database: 'sqlite:///{folder / 'bench.db'}', listen: '127.0.0.1:{listen}'}}\n"
        f"defaults: {{interval: {interval:g}s, timeout: 5s}}\nnodes:\n{''.join(lines)}"
    )
    return file


def measure(name: str, checkout: Path, nodes: int, interval: float, seconds: float) -> Seen:
    port, hole, listen = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, peers(port, hole):
        file = estate(Path(folder), listen, port, hole, nodes, interval)
        command = ["taskset", "--cpu-list", "0", sys.executable, "-m", "pacs_monitor", "run", "--config", str(file)]
        with subprocess.Popen([*command, "--log-level", "critical"], cwd=checkout) as daemon:
            try:
                return watch(name, daemon.pid, f"http://127.0.0.1:{listen}", seconds)
            finally:
                daemon.terminate()
                daemon.wait(30)


def watch(name: str, pid: int, url: str, seconds: float) -> Seen:
    wait_for(f"{url}/readyz")
    time.sleep(WARM_UP)
    process = psutil.Process(pid)
    first, _ = fetch(f"{url}/metrics")
    before, began = process.cpu_times(), time.monotonic()
    metrics, status, text = list[float](), list[float](), first
    while (due := began + SCRAPE_EVERY * len(metrics)) < began + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        text, took = fetch(f"{url}/metrics")
        metrics.append(took)
        status.append(fetch(f"{url}/api/v1/status")[1])
    after, took = process.cpu_times(), time.monotonic() - began
    late = {bound: upto - lags(first)[bound] for bound, upto in lags(text).items()}
    spent = after.user + after.system - before.user - before.system
    return Seen(
        name,
        int(late[inf]),
        int(_value(text, "pacs_runs_skipped_total") - _value(first, "pacs_runs_skipped_total")),
        quantile(late, 0.5),
        quantile(late, 0.99),
        statistics.median(metrics),
        len(text),
        statistics.median(status),
        spent / took,
        process.memory_info().rss / 2**20,
    )


def fetch(url: str) -> tuple[str, float]:
    began = time.perf_counter()
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.text, time.perf_counter() - began


def lags(text: str) -> dict[float, float]:
    found = re.findall(r'^pacs_scheduler_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    return {float(bound): float(upto) for bound, upto in found}


def quantile(late: dict[float, float], share: float) -> float:
    """The upper bound of the bucket that holds it."""
    return next(bound for bound, upto in late.items() if upto >= share * late[inf])


def _value(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--interval", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--checkout", type=Path, help="A checkout of another version, measured first.")
    given = parser.parse_args()
    versions = [("before", given.checkout)] if given.checkout else []
    rows = []
    for name, checkout in [*versions, ("now", ROOT)]:
        print(f"{name} …", file=sys.stderr)
        rows.append(measure(name, checkout, given.nodes, given.interval, given.seconds).row())
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    text = (
        f"# A large estate\n\n{time.strftime('%Y-%m-%d')}, {machine}; {given.nodes:,} nodes every"
        f" {given.interval:g} s, one in ten a black hole;\nthe daemon on one core, both pages fetched every"
        f" {SCRAPE_EVERY:g} s, for {given.seconds:g} s.\n\n" + "\n".join([HEAD, *rows]) + "\n"
    )
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
