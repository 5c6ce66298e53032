"""What scraping a large estate costs, with every kind of series in it.

    python -m benchmarks.scrape [--nodes 10000] [--seconds 60]

Each node has a check every minute; one in fifty is a black hole. There are services, objectives on outages and on
durations, a channel that cannot deliver, and maintenance. The daemon has one core (taskset). First nobody scrapes, then
`/metrics` is fetched every 15 s, gzipped: the difference is what scraping costs. Another scraper then takes it site by
site. The table goes to benchmarks/results/scrape.md.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import requests

from benchmarks.echo import free_port, wait_for
from benchmarks.estate import SCRAPE_EVERY, lags, peers, quantile
from benchmarks.waits import Loop

RESULTS = Path(__file__).parent / "results" / "scrape.md"
WARM_UP = 75.0
"""Seconds until every check has run and the objectives are accounted."""
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0"
SITES = 20
SERVICES = 50


class Phase(NamedTuple):
    """Seconds; what nobody scraped has no bytes."""

    name: str
    processor: float
    """Of a second."""
    took: float
    sent: int
    whole: int
    lag_p99: float
    waits: Sequence[float]
    scrapes: int

    def row(self, quiet: float, seconds: float) -> str:
        each = (self.processor - quiet) * seconds / self.scrapes * 1000 if self.scrapes else 0.0
        took, size = (
            (f"{self.took * 1000:.0f} ms", f"{self.sent / 1e6:.2f} MB ({self.whole / 1e6:.1f} MB before gzip)")
            if self.scrapes
            else ("", "")
        )
        return (
            f"| {self.name} | {self.processor:.1%} | {f'{each:.0f} ms' if self.scrapes else ''} | {took} | {size} "
            f"| ≤ {self.lag_p99 * 1000:g} ms | {self.waits[-1] * 1000:.0f} ms |"
        )


HEAD = (
    "| what | processor | of it for each | to its last byte | sent | lag of runs, p99 |"
    " longest wait for the event loop |\n"
    "|---|---|---|---|---|---|---|"
)


def estate(folder: Path, listen: int, port: int, hole: int, nodes: int) -> Path:
    """With whatever has metrics of its own."""
    file = folder / "monitor.yaml"
    lines = "".join(
        f"  n{n}: {{host: 127.{3 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}, title: Node {n}, site: s{n % SITES},"
        f" role: modality, dicom: {{port: {port if n % 50 else hole}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        for n in range(nodes)
    )
    services = "".join(
        f"  service{n}: {{any: [{', '.join(f'n{k}/dicom_echo' for k in range(n, nodes, max(1, nodes // 10)))}]}}\n"
        for n in range(min(SERVICES, nodes))
    )
    objectives = "".join(
        f"  - {{name: Service {n}, service: service{n}, availability: 99.9%, per: quarter}}\n"
        f"  - {{name: Time {n}, service: service{n}, measure: dicom_echo, within: 3s, share: 95%, per: month}}\n"
        for n in range(min(SERVICES, nodes))
    )
    file.write_text(
        f"monitor: {{name: bench, database: 'sqlite:///{folder / 'bench.db'}', listen: '127.0.0.1:{listen}'}}\n"
        f"defaults: {{interval: 60s, timeout: 5s}}\n"
        f"channels: {{pager: {{type: webhook, url: 'http://127.0.0.1:{hole}/', secret: '{SECRET}'}}}}\n"
        f"services:\n{services}objectives:\n{objectives}nodes:\n{lines}"
    )
    return file


def watch(name: str, url: str, daemon: psutil.Process, seconds: float, addresses: Sequence[str]) -> Phase:
    """One phase; `addresses` are fetched one after the other, every 15 s."""
    before, loop = _lags(url), Loop(url)
    loop.start()
    spent, began = daemon.cpu_times(), time.monotonic()
    took, sent, whole, scrapes = list[float](), 0, 0, 0
    while (due := began + SCRAPE_EVERY * scrapes) < began + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        scrapes += 1
        sent = whole = 0
        start = time.perf_counter()
        for address in addresses:
            with requests.get(url + address, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=60) as answer:
                answer.raise_for_status()
                packed = answer.raw.read(decode_content=False)
            sent, whole = sent + len(packed), whole + len(gzip.decompress(packed))
        took.append(time.perf_counter() - start)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    now, passed = daemon.cpu_times(), time.monotonic() - began
    processor = (now.user + now.system - spent.user - spent.system) / passed
    waits, late = loop.stop(), _lags(url)
    runs = {bound: upto - before[bound] for bound, upto in late.items()}
    return Phase(
        name, processor, statistics.median(took), sent, whole, quantile(runs, 0.99), waits, scrapes if addresses else 0
    )


def _lags(url: str) -> dict[float, float]:
    return lags(requests.get(f"{url}/metrics/monitor", timeout=60).text)


def measured(nodes: int, seconds: float, warm_up: float = WARM_UP) -> str:
    """The page of results."""
    port, hole, listen = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{listen}"
    with tempfile.TemporaryDirectory() as name, peers(port, hole):
        file = estate(Path(name), listen, port, hole, nodes)
        command = ["taskset", "--cpu-list", "0", sys.executable, "-m", "pacs_monitor", "run", "--config", str(file)]
        with subprocess.Popen([*command, "--log-level", "critical"]) as process:
            try:
                wait_for(f"{url}/readyz")
                time.sleep(warm_up)
                daemon = psutil.Process(process.pid)
                text = requests.get(f"{url}/metrics", timeout=60).text
                sites = [f"/metrics/site/s{n}" for n in range(SITES)] + ["/metrics/monitor"]
                phases = [
                    watch("nobody scrapes", url, daemon, seconds, []),
                    watch("`/metrics` every 15 s", url, daemon, seconds, ["/metrics"]),
                    watch(f"its {SITES} sites one by one every 15 s", url, daemon, seconds, sites),
                ]
            finally:
                process.terminate()
                process.wait(30)
    families = len(re.findall("^# TYPE pacs_", text, re.MULTILINE))
    series = len(re.findall("^pacs_", text, re.MULTILINE))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return (
        f"# Scraping a large estate\n\n{time.strftime('%Y-%m-%d')}, {machine}, load {os.getloadavg()[0]:.1f};"
        f" {nodes:,} nodes every 60 s, {SERVICES} services, {2 * SERVICES} objectives:\n{families} families,"
        f" {series:,} series; the daemon on one core, each phase for {seconds:g} s.\n\n{HEAD}\n"
        + "\n".join(phase.row(phases[0].processor, seconds) for phase in phases)
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    text = measured(given.nodes, given.seconds)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
