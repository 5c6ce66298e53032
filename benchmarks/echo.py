"""C-ECHO, five ways against the same fast local peer, paced alike: processor time and latency of each, and ratios.

    python -m benchmarks.echo [--rate 300] [--seconds 20] [--repeat 5] [--before CHECKOUT]

The table goes to benchmarks/results/echo.md. Every node of the daemon and every target of blackbox_exporter is a
loopback address of its own, so that no two runs wait for one seat. Each client runs in a process of its own. With
`--repeat` they take turns, and of each the run with the median processor time counts. `--before` measures the daemon of
another checkout in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import requests
import uvloop
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from benchmarks.paced import Figures, paced, processor_time, sequential
from pacs_monitor.clock import SystemClock
from pacs_monitor.engine.runner import Runner
from pacs_monitor.model import Check, CheckId, DicomEndpoint, Node, Thresholds
from pacs_monitor.net import Resolver
from pacs_monitor.probes import kinds

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "echo.md"
NODES = 300
THREADS = 8
WARM_UP = 5.0


def target(n: int) -> str:
    """A loopback address of its own for every node."""
    return f"127.1.{n // 250}.{n % 250 + 1}"


@contextmanager
def peer(port: int) -> Iterator[list[float]]:
    """The peer; after the block, the list holds the wire times that it saw."""
    times: list[float] = []
    command = [sys.executable, "-m", "benchmarks.peer", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield times
        out, _ = process.communicate("")
        times.extend(json.loads(out))


def by_association(port: int, rate: float, seconds: float) -> Figures:
    """This project's association, through the probe."""

    async def main() -> Figures:
        probe, clock = kinds()["dicom_echo"], SystemClock()
        runner = Runner(clock, Resolver())
        checks = [
            Check(
                CheckId(f"n{n}", "dicom_echo"),
                Node(f"n{n}", host=target(n), dicom=DicomEndpoint(port, "PEER", "PACSMON")),
                probe,
                probe.settings(),
                interval=1.0,
                retry_interval=1.0,
                timeout=5.0,
                thresholds=Thresholds(),
            )
            for n in range(NODES)
        ]

        async def ask(n: int) -> float:
            result = await runner.run_once(checks[n % NODES], {})
            assert result.outcome.reason is None, result
            return result.duration

        await paced(ask, rate, 1.0)
        before, began = processor_time(), time.perf_counter()
        latencies = await paced(ask, rate, seconds)
        return Figures.of("association", time.perf_counter() - began, processor_time() - before, latencies)

    return uvloop.run(main())


def by_pynetdicom(port: int, rate: float, seconds: float) -> Figures:
    """`AE.associate`, paced at the same rate by threads, since one after the other it does not reach it."""
    ae = AE(ae_title="PACSMON")
    ae.add_requested_context(Verification)
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5

    def call(n: int) -> float:
        began = time.perf_counter()
        association = ae.associate(target(n % NODES), port, ae_title="PEER")
        assert association.is_established
        assert association.send_c_echo().Status == 0
        association.release()
        return time.perf_counter() - began

    async def main() -> Figures:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(THREADS) as pool:

            async def ask(n: int) -> float:
                return await loop.run_in_executor(pool, call, n)

            await paced(ask, rate, 1.0)
            before, began = processor_time(), time.perf_counter()
            latencies = await paced(ask, rate, seconds)
            return Figures.of(
                "pynetdicom `AE.associate`", time.perf_counter() - began, processor_time() - before, latencies
            )

    return uvloop.run(main())


def by_echoscu(port: int, rate: float, seconds: float) -> Figures:
    """DCMTK's echoscu, a process for each, one at a time: no faster than ten a second."""

    def ask(n: int) -> None:
        subprocess.run(["echoscu", "-aec", "PEER", target(n % NODES), str(port)], check=True, capture_output=True)

    return sequential("DCMTK `echoscu`", ask, seconds, resource.RUSAGE_CHILDREN, min(rate, 10))


def by_daemon(port: int, rate: float, seconds: float) -> Figures:
    """The whole daemon: rhythm, probe, state, board, history, and a scrape of its metrics every 5 s."""
    listen = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "monitor.yaml"
        file.write_text(estate(port, listen, NODES / rate, Path(folder)))
        command = [sys.executable, "-m", "pacs_monitor", "run", "--config", str(file), "--log-level", "error"]
        with subprocess.Popen(command) as process:
            try:
                return watch(process.pid, f"http://127.0.0.1:{listen}", seconds)
            finally:
                process.terminate()
                process.wait(20)


def watch(pid: int, url: str, seconds: float) -> Figures:
    """Processor time and runs of the daemon over a while, and the durations that it reports."""
    wait_for(f"{url}/readyz")
    time.sleep(WARM_UP)
    process = psutil.Process(pid)
    runs, before, began = runs_of(url), process.cpu_times(), time.perf_counter()
    latencies: list[float] = []
    while (left := began + seconds - time.perf_counter()) > 0:
        time.sleep(min(5.0, left))
        status = requests.get(f"{url}/api/v1/status", timeout=10).json()
        latencies += [c["last"]["duration_seconds"] for node in status["nodes"] for c in node["checks"] if c["last"]]
    took, after = time.perf_counter() - began, process.cpu_times()
    count = runs_of(url) - runs
    spent = after.user + after.system - before.user - before.system
    figures = Figures.of("the whole daemon", took, spent, latencies)
    return Figures(figures.name, count, count / took, spent / count, figures.median, figures.p99)


def runs_of(url: str) -> int:
    text = requests.get(f"{url}/metrics", timeout=10).text
    return int(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("pacs_probe_runs_total{")))


def estate(port: int, listen: int, interval: float, folder: Path) -> str:
    nodes = "".join(
        f"  n{n}: {{host: {target(n)}, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        for n in range(NODES)
    )
    return (
        f"monitor: {{name: bench, database: 'sqlite:///{folder / 'bench.db'}', listen: '127.0.0.1:{listen}'}}\n"
        f"defaults: {{interval: {round(interval * 1000)}ms, timeout: 5s}}\nnodes:\n{nodes}"
    )


def by_blackbox(port: int, rate: float, seconds: float) -> Figures:
    """blackbox_exporter's TCP probe, which only connects; asked over kept connections."""
    listen = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "blackbox.yml"
        config.write_text("modules: {tcp_connect: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}}\n")
        command = [
            "prometheus-blackbox-exporter",
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{listen}",
        ]
        with subprocess.Popen([*command, "--log.level=error"], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(f"http://127.0.0.1:{listen}/-/healthy")
                return uvloop.run(ask_blackbox(process.pid, listen, port, rate, seconds))
            finally:
                process.terminate()


async def ask_blackbox(pid: int, listen: int, port: int, rate: float, seconds: float) -> Figures:
    pool: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()

    async def ask(n: int) -> float:
        began = time.perf_counter()
        if pool.empty():
            reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        else:
            reader, writer = pool.get_nowait()
        path = f"/probe?module=tcp_connect&target={target(n % NODES)}:{port}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
        assert b"probe_success 1" in body
        pool.put_nowait((reader, writer))
        return time.perf_counter() - began

    process = psutil.Process(pid)
    await paced(ask, rate, WARM_UP)
    before, began = process.cpu_times(), time.perf_counter()
    latencies = await paced(ask, rate, seconds)
    took, after = time.perf_counter() - began, process.cpu_times()
    while not pool.empty():
        pool.get_nowait()[1].close()
    spent = after.user + after.system - before.user - before.system
    return Figures.of("blackbox_exporter, TCP connect only", took, spent, latencies)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} did not come up")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


WAYS: dict[str, Callable[[int, float, float], Figures]] = {
    "association": by_association,
    "daemon": by_daemon,
    "blackbox": by_blackbox,
    "pynetdicom": by_pynetdicom,
    "echoscu": by_echoscu,
}


Row = tuple[Figures, float]
"""What one way cost, and the median wire time at the peer."""


def measure(way: str, rate: float, seconds: float, checkout: Path = ROOT) -> Row:
    """One way in a process of its own, by the code of a checkout."""
    port = free_port()
    with peer(port) as times:
        command = [sys.executable, "-m", "benchmarks.echo", "--way", way, "--port", str(port)]
        command += ["--rate", str(rate), "--seconds", str(seconds)]
        out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=checkout).stdout
    return Figures(**json.loads(out.splitlines()[-1])), statistics.median(times)


def median_run(runs: list[Row]) -> Row:
    """The run with the median processor time."""
    return sorted(runs, key=lambda run: run[0].processor)[len(runs) // 2]


def report(rows: list[Row], rate: float, repeat: int) -> str:
    daemon = next(figures for figures, _ in rows if figures.name == "the whole daemon")
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# C-ECHO: processor time and latency",
        "",
        f"{time.strftime('%Y-%m-%d')}, {machine}; all against the same local peer, in one run,",
        (
            f"paced at {rate:g} runs a second (pynetdicom by {THREADS} threads; echoscu, one after the other, at 10);"
            f" the median of {repeat}."
        ),
        "",
        "| client | runs/s | processor per run | ratio to the daemon | reports (median) | p99 | wire (median) |",
        "|---|---|---|---|---|---|---|",
    ]
    for figures, wire in rows:
        lines.append(
            f"| {figures.name} | {figures.rate:.0f} | {figures.processor * 1000:.2f} ms "
            f"| {figures.processor / daemon.processor:.2f} | {figures.median * 1000:.2f} ms "
            f"| {figures.p99 * 1000:.2f} ms | {wire * 1000:.2f} ms |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=300.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--before", type=Path, help="A checkout whose daemon is measured as well.")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        figures: dict[str, Any] = asdict(WAYS[given.way](given.port, given.rate, given.seconds))
        print(json.dumps(figures))
        return
    ways: dict[str, tuple[str, Path]] = {way: (way, ROOT) for way in WAYS}
    if given.before:
        ways["the whole daemon, before"] = "daemon", given.before
    runs: dict[str, list[Row]] = {name: [] for name in ways}
    for turn in range(given.repeat):
        for name, (way, checkout) in ways.items():
            print(f"{turn + 1}/{given.repeat} {name} …", file=sys.stderr)
            runs[name].append(measure(way, given.rate, given.seconds, checkout))
    rows = [median_run(of_one) for of_one in runs.values()]
    if given.before:
        rows[-1] = replace(rows[-1][0], name="the whole daemon, before"), rows[-1][1]
    text = report(rows, given.rate, given.repeat)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
