"""The pages of a large estate: what each costs, while ten browsers watch the board and everything is probed.

    python -m benchmarks.pages [--nodes 2000] [--browsers 10] [--seconds 60] [--checkout FOLDER]

Each node has five checks every minute; one node in fifty is a black hole. The daemon has one core of its own; peers,
browsers (Debian's Chromium, a context each) and the measuring share the others. The table goes to
benchmarks/results/pages.md. With `--checkout` the daemon of another version is measured first, in the same run, and
both tables are only printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import NamedTuple

import requests
from playwright.sync_api import Page, sync_playwright

from benchmarks import counted
from benchmarks.echo import free_port, wait_for
from benchmarks.estate import lags, peers, quantile
from benchmarks.waits import Loop

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "pages.md"
CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
WARM_UP = 75.0
"""Seconds until every check has run, at an interval of a minute."""
TIMES = 5
"""How often a view is asked for; the median counts."""
LATE = 0.05
"""Seconds: a run that begins later than that was late."""
HTML = {"Accept": "text/html"}
PAINT = """() => ({
  bytes: performance.getEntriesByType('navigation')[0].transferSize,
  server: performance.getEntriesByType('navigation')[0].responseStart,
  paint: (performance.getEntriesByName('first-contentful-paint')[0] || {startTime: NaN}).startTime})"""


class View(NamedTuple):
    """One address: seconds until its last byte, and bytes as sent (compressed where they are)."""

    name: str
    took: float
    sent: int
    first: int
    """Queries when it was asked for first."""
    then: int
    """The fewest after that, for something else may read at the same time."""

    def row(self) -> str:
        took, sent = f"{self.took * 1000:.0f} ms", f"{self.sent / 1000:.1f} kB"
        return f"| {self.name} | {took} | {sent} | {self.first} | {self.then} |"


def estate(folder: Path, listen: int, port: int, hole: int, nodes: int) -> Path:
    """Two associations and three connections for each node."""
    file = folder / "monitor.yaml"
    lines = "".join(
        f"  n{n}: {{host: 127.3.{n // 250}.{n % 250 + 1}, title: Node {n}, site: site {n % 8}, role: modality,"
        f" dicom: {{port: {at}, ae_title: PEER}}, checks: {{dicom_echo: , again: {{probe: dicom_echo}},"
        f" tcp: {{port: {at}}}, connect: {{probe: tcp, port: {at}}}, third: {{probe: tcp, port: {at}}}}}}}\n"
        for n, at in ((n, port if n % 50 else hole) for n in range(nodes))
    )
    file.write_text(
        f"monitor: {{name: bench, database: 'sqlite:///{folder / 'bench.db'}', listen: '127.0.0.1:{listen}'}}\n"
        f"defaults: {{interval: 60s, timeout: 5s}}\nnodes:\n{lines}"
    )
    return file


def leave_a_core() -> None:
    """From now on, what this process starts leaves the first core to the daemon, where there is another one."""
    others = os.sched_getaffinity(0) - {0}
    if others:
        os.sched_setaffinity(0, others)


@contextmanager
def daemon(nodes: int, checkout: Path) -> Iterator[tuple[str, Path]]:
    """Its address, and the file that says what it was seen to do (benchmarks.counted)."""
    port, hole, listen = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as name, peers(port, hole):
        folder = Path(name)
        file, seen = estate(folder, listen, port, hole, nodes), folder / "seen"
        command = ["taskset", "--cpu-list", "0", sys.executable, "-P", counted.__file__, str(seen), "run"]
        its = os.environ | {"PYTHONPATH": str(checkout)}
        with subprocess.Popen([*command, "--config", str(file), "--log-level", "critical"], env=its) as process:
            try:
                wait_for(f"http://127.0.0.1:{listen}/readyz")
                yield f"http://127.0.0.1:{listen}", seen
            finally:
                process.terminate()
                process.wait(30)


def views(url: str, queries: Callable[[], int]) -> list[View]:
    """Each address that a person or Prometheus opens."""
    incidents = requests.get(f"{url}/api/v1/incidents", timeout=60).json()
    first = incidents[0]["id"] if isinstance(incidents, list) else incidents["incidents"][0]["id"]
    pages = {
        "board": "/",
        "board, one site": "/?q=site+3",
        "wall": "/wall",
        "node": "/nodes/n7",
        "check": "/checks/n7/dicom_echo",
        "incident": f"/incidents/{first}",
        "maintenance": "/maintenance",
        "reports": "/reports",
        "monitor": "/monitor",
    }
    with requests.Session() as session:
        found = [_view(session, name, url + path, HTML, queries) for name, path in pages.items()]
        etag = session.get(f"{url}/?part=1", headers=HTML, timeout=60).headers["ETag"]
        found.insert(1, _view(session, "board, nothing new", f"{url}/?part=1", HTML | {"If-None-Match": etag}, queries))
        found += [_view(session, path, url + path, {}, queries) for path in ("/api/v1/status", "/metrics")]
    return found


def _view(session: requests.Session, name: str, url: str, headers: dict[str, str], queries: Callable[[], int]) -> View:
    took, sent, asked = list[float](), 0, list[int]()
    for _ in range(TIMES):
        before, began = queries(), time.perf_counter()
        with session.get(url, headers=headers, timeout=60, stream=True) as answer:
            answer.raise_for_status()
            sent = len(answer.raw.read(decode_content=False))
        took.append(time.perf_counter() - began)
        asked.append(queries() - before)
    return View(name, statistics.median(took), sent, asked[0], min(asked[1:]))


def first_look(looks: list[dict[str, float]]) -> str:
    """What browsers saw of it, in the middle."""
    paint, server, sent = (statistics.median(look[key] for look in looks) for key in ("paint", "server", "bytes"))
    return (
        f"The first look (median): first byte after {server:.0f} ms, first paint after {paint:.0f} ms,"
        f" {sent / 1000:.1f} kB sent.\n"
    )


def lateness(url: str, seen: Path, seconds: float, wait: Callable[[float], None] = time.sleep) -> dict[str, str]:
    """How late runs and the event loop of the daemon are for some time."""
    before, loop = lags(requests.get(f"{url}/metrics", timeout=60).text), Loop(url)
    loop.start()
    since = counted.seen(seen)
    wait(seconds)
    waits, delays, collections = loop.stop(), counted.delays(seen, since), counted.collections(seen, since)
    after = lags(requests.get(f"{url}/metrics", timeout=60).text)
    late = {bound: upto - before[bound] for bound, upto in after.items()}
    return {
        "runs": f"{int(late[inf]):,}",
        "lag of runs, p99": f"≤ {quantile(late, 0.99) * 1000:g} ms",
        "runs that were more than 50 ms late": f"{1 - late[LATE] / late[inf]:.2%}",
        "longest delays of the event loop": _longest(delays),
        "longest waits for an answer of it, from outside": _longest(waits),
        "full collections of garbage": f"{len(collections)}: " + _longest(collections) if collections else "0",
    }


def _longest(times: list[float]) -> str:
    at_most = f" (p99 {times[int(len(times) * 0.99)] * 1000:.0f} ms)"
    return ", ".join(f"{seconds * 1000:.0f}" for seconds in times[-1:-4:-1]) + " ms" + at_most


def watched(url: str, seen: Path, browsers: int, seconds: float) -> tuple[list[dict[str, float]], dict[str, str]]:
    """The first looks of browsers at the board, and what becomes of the daemon while they watch it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        pages: list[Page] = []
        looks: list[dict[str, float]] = []
        for _ in range(browsers):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(url, wait_until="load", timeout=60_000)
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
            looks.append(page.evaluate(PAINT))
            pages.append(page)
        found = lateness(url, seen, seconds, lambda seconds: pages[0].wait_for_timeout(seconds * 1000))
        shown = [page.locator("#age").inner_text() for page in pages]
        assert all(shown), shown
        browser.close()
    return looks, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--checkout", type=Path, help="A checkout of another version, measured first.")
    given = parser.parse_args()
    if given.checkout:
        print(measured(given.nodes, given.browsers, given.seconds, checkout=given.checkout))
    text = measured(given.nodes, given.browsers, given.seconds)
    if not given.checkout:
        RESULTS.write_text(text)
    print(text)


def measured(nodes: int, browsers: int, seconds: float, warm_up: float = WARM_UP, checkout: Path = ROOT) -> str:
    """The page of results."""
    leave_a_core()
    with daemon(nodes, checkout) as (url, seen):
        time.sleep(warm_up)
        rows = [view.row() for view in views(url, lambda: counted.seen(seen).queries)]
        alone = lateness(url, seen, seconds)
        looks, found = watched(url, seen, browsers, seconds)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return (
        f"# The pages of a large estate\n\n{time.strftime('%Y-%m-%d')}, {machine}, load {os.getloadavg()[0]:.1f};"
        f" {nodes:,} nodes with 5 checks each every 60 s, one node\nin 50 a black hole; the daemon on one core, the"
        f" browsers and the peers on the others.\n\n## Each view, alone\n\n| view | to its last byte | sent |"
        f" queries at first | then |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\n## {browsers} browsers watch the board for {seconds:g} s\n\n{first_look(looks)}\n"
        f"| what | nobody watches | {browsers} browsers |\n|---|---|---|\n"
        + "".join(f"| {what} | {value} | {found[what]} |\n" for what, value in alone.items())
    )


if __name__ == "__main__":
    main()
