"""exec, with Debian's monitoring-plugins unchanged (package monitoring-plugins-basic)."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import Node, Outcome, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.exec import DETAIL_LIMIT, VALUES_LIMIT, ExecSettings, _outcome, _values
from pacs_monitor.reaper import reaper
from tests.peers.ports import free_port
from tests.peers.scripted import hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask
from tests.support.timing import HANGS, SOON

EXEC = kinds()["exec"]
PLUGINS = Path("/usr/lib/nagios/plugins")
HERE = Node("here")


def running(*command: str) -> tuple[Node, Any]:
    return HERE, ExecSettings(command=command)


def python(script: str) -> tuple[Node, Any]:
    return running(sys.executable, "-c", script)


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    yield python("")


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield python("raise SystemExit(2)")


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    yield python("import time; time.sleep(60)")


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    yield running(f"{PLUGINS}/check_disk", "-w", "100%", "-c", "0%", "-p", "/")


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    yield running(f"{PLUGINS}/check_tcp")


PEERS = Peers(working, refusing, hanging, warning, blind)


def values(outcome: Outcome) -> dict[tuple[str, str], float]:
    found = [m for m in outcome.measurements if m.name == "exec_value"]
    return {(dict(m.labels)["label"], dict(m.labels)["unit"]): m.value for m in found}


async def test_check_tcp_is_ok_and_its_time_is_a_metric() -> None:
    async with scripted(hang) as peer:
        node, settings = running(f"{PLUGINS}/check_tcp", "-H", "127.0.0.1", "-p", str(peer.port))
        outcome = await ask(EXEC, node, settings)
    assert outcome.status is Status.OK
    assert outcome.detail.startswith("TCP OK")
    assert 0 <= values(outcome)["time", "s"] < 20


async def test_check_tcp_of_a_closed_port_fails_in_the_plugins_words() -> None:
    node, settings = running(f"{PLUGINS}/check_tcp", "-H", "127.0.0.1", "-p", str(free_port()))
    outcome = await ask(EXEC, node, settings)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.EXIT_STATUS)
    assert "refused" in outcome.detail.lower()


async def test_check_disk_shows_its_volumes_in_bytes() -> None:
    node, settings = running(f"{PLUGINS}/check_disk", "-w", "1", "-c", "1", "-p", "/")
    outcome = await ask(EXEC, node, settings)
    assert outcome.status is Status.OK
    assert values(outcome)["/", "B"] > 1 << 20


async def test_check_disk_warns_where_it_would_warn_in_nagios() -> None:
    node, settings = running(f"{PLUGINS}/check_disk", "-w", "100%", "-c", "0%", "-p", "/")
    outcome = await ask(EXEC, node, settings)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.EXIT_STATUS)


async def test_check_http_reads_a_page() -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        node, settings = running(f"{PLUGINS}/check_http", "-I", "127.0.0.1", "-p", str(port))
        outcome = await ask(EXEC, node, settings)
    assert (outcome.status, outcome.detail.partition(":")[0]) == (Status.OK, "HTTP OK")
    assert {"time", "size"} <= {label for label, _ in values(outcome)}


async def test_a_usage_error_of_a_plugin_is_unknown() -> None:
    outcome = await ask(EXEC, *running(f"{PLUGINS}/check_tcp"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)


@pytest.mark.parametrize("child", ["sleep 60 & sleep 60", "setsid sleep 60 & sleep 60"])
async def test_a_command_that_hangs_with_children_leaves_no_process(child: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"{child.replace('&', f'& echo $! >> {pids};', 1).replace('; sleep', '; exec sleep')}"
    node, settings = running("/bin/sh", "-c", f"echo $$ >> {pids}; {script}")
    began = time.monotonic()
    outcome = await ask(EXEC, node, settings, timeout=HANGS)
    assert outcome.reason is Reason.TIMEOUT
    assert time.monotonic() - began < 30
    assert len(pids.read_text().split()) == 2
    await until_gone({int(pid) for pid in pids.read_text().split()})


async def test_what_a_command_leaves_behind_is_killed_and_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    outcome = await ask(EXEC, *running("/bin/sh", "-c", f"sleep 60 & echo $! > {pid}; echo fine"))
    assert (outcome.status, outcome.detail) == (Status.OK, "fine")
    await until_gone({int(pid.read_text())})


DAEMONISES = """
import os, sys, time
open(sys.argv[1], "w").close()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        open(sys.argv[1], "a").write(f"{os.getpid()} ")
        os.fork()
        open(sys.argv[1], "a").write(f"{os.getpid()} ")
        time.sleep(60)
    os._exit(0)
os.wait()
while len(open(sys.argv[1]).read().split()) < 3:
    time.sleep(0.01)
"""
"""Like a service: it forks twice, begins a session of its own and closes what it was given; then forks once more."""


@pytest.mark.parametrize("then", ["", "time.sleep(60)"], ids=["ends", "hangs"])
async def test_a_command_that_daemonises_leaves_no_process_and_no_zombie(tmp_path: Path, then: str) -> None:
    pids = tmp_path / "pids"
    node, settings = running(sys.executable, "-c", DAEMONISES + then, str(pids))
    outcome = await ask(EXEC, node, settings, timeout=HANGS if then else SOON)
    assert outcome.reason is (Reason.TIMEOUT if then else None)
    await until_gone({int(pid) for pid in pids.read_text().split()})


async def test_what_another_command_does_goes_on_meanwhile(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    states = "(open(f'/proc/{pid}/stat').read().split()[2] for pid in open(sys.argv[1]).read().split())"
    live = f"time.sleep(0.5); print(*{states})"
    node, settings = running(sys.executable, "-c", DAEMONISES + live, str(pids))
    slow = asyncio.create_task(ask(EXEC, node, settings))
    while not slow.done():
        assert (await ask(EXEC, *python(""))).status is Status.OK
    assert (await slow).detail == "S S S"
    await until_gone({int(pid) for pid in pids.read_text().split()})


async def until_gone(pids: set[int]) -> None:
    """Killed, and taken off the kernel's list too."""
    async with asyncio.timeout(SOON):
        while any(psutil.pid_exists(pid) for pid in pids):
            reaper.sweep()
            await asyncio.sleep(0.01)


async def test_what_prints_without_end_is_killed_at_once() -> None:
    outcome = await ask(EXEC, *running("/usr/bin/yes"), timeout=60)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)


async def test_a_command_that_closes_its_output_early_is_waited_for() -> None:
    script = "import os, time; os.close(1); time.sleep(0.2); os._exit(1)"
    outcome = await ask(EXEC, *python(script))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.EXIT_STATUS)


async def test_much_output_is_cut() -> None:
    outcome = await ask(EXEC, *python("print('x' * 500_000)"))
    assert (outcome.status, outcome.detail) == (Status.OK, "x" * DETAIL_LIMIT)


async def test_no_descriptor_is_left_open() -> None:
    await ask(EXEC, *python(""))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        await ask(EXEC, *python(""))
        await ask(EXEC, *running("/nowhere/plugin"))
    await asyncio.sleep(0)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def test_a_command_that_is_not_there_is_not_configured() -> None:
    outcome = await ask(EXEC, *running("/nowhere/plugin"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert "No such file" in outcome.detail


async def test_no_shell_reads_the_arguments() -> None:
    outcome = await ask(EXEC, *running("/bin/echo", "$HOME; `id` | x=1"))
    assert outcome.detail == "$HOME; `id`"


async def test_it_gets_its_own_environment_and_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_PASSWORD", "ours")
    script = "import os; print(os.environ.get('ARCHIVE_PASSWORD'), os.environ['TOKEN'])"
    settings = ExecSettings(command=(sys.executable, "-c", script), environment={"TOKEN": "theirs"})
    assert (await ask(EXEC, HERE, settings)).detail == "None theirs"
    assert "theirs" not in repr(settings)


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        (1, Status.WARN, Reason.EXIT_STATUS),
        (2, Status.FAIL, Reason.EXIT_STATUS),
        (3, Status.UNKNOWN, Reason.NOT_MEASURED),
        (4, Status.FAIL, Reason.EXIT_STATUS),
        (126, Status.UNKNOWN, Reason.NOT_CONFIGURED),
        (127, Status.UNKNOWN, Reason.NOT_CONFIGURED),
        (-9, Status.UNKNOWN, Reason.NOT_MEASURED),
    ],
)
def test_an_exit_status_becomes_a_status(status: int, expected: Status, reason: Reason) -> None:
    outcome = _outcome(status, "", {})
    assert (outcome.status, outcome.reason) == (expected, reason)
    assert outcome.detail


def test_performance_data_of_all_lines_comes_in_base_units() -> None:
    output = "OK - fine | 'a b'=12.5ms;20;50;0 free=3GB;;;\nlong text | it''s=1 load=0,5;; n=U c=7c\nmore=2%;80;90\n"
    assert values(_outcome(0, output, {})) == {
        ("a b", "s"): 0.0125,
        ("free", "B"): 3 * 1024**3,
        ("load", ""): 0.5,
        ("c", "c"): 7,
        ("more", "%"): 2,
        ("s", ""): 1,
    }


LONG = "average response time of the archive in the main building of the east campus"


def test_labels_that_are_alike_for_long_are_two_series() -> None:
    output = f"OK | '{LONG}, node 1'=1 '{LONG}, node 2'=2"
    found = values(_outcome(0, output, {}))
    assert sorted(found.values()) == [1, 2]
    assert all(len(label) <= 64 for label, _ in found)


@pytest.mark.parametrize(
    ("datum", "unit", "value"),
    [
        ("free=3kB", "B", 3 * 1024),
        ("free=3KB", "B", 3 * 1024),
        ("free=3KiB", "B", 3 * 1024),
        ("free=3kiB", "B", 3 * 1024),
        ("free=2EB", "B", 2 * 1024**6),
        ("free=3B", "B", 3),
        ("rta=2ns", "s", 2e-9),
        ("rta=2us", "s", 2e-6),
        ("rta=2\u00b5s", "s", 2e-6),
        ("rta=2\u03bcs", "s", 2e-6),
        ("rta=1.5ms,", "s", 0.0015),
        ("free=3kB,", "B", 3 * 1024),
        ("pl=0%, rta=1ms,", "%", 0),
        ("count=5,", "", 5),
        ("load=0,5,", "", 0.5),
        ("load=0,5;1;2", "", 0.5),
        ("users=3c,;5;9", "c", 3),
    ],
)
def test_a_unit_is_read_as_plugins_write_it(datum: str, unit: str, value: float) -> None:
    (first, *_) = values(_outcome(0, f"OK | {datum}", {})).items()
    assert first[0][1] == unit
    assert first[1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("output", "said", "data"),
    [
        ("\nCRITICAL: no images", "CRITICAL: no images", {}),
        ("\r\n  \n\tCRITICAL: no images | n=0\nmore", "CRITICAL: no images", {("n", ""): 0}),
        ("| n=0\nCRITICAL: no images", "CRITICAL: no images", {("n", ""): 0}),
        ("  | n=0\n\nCRITICAL: no images\nmore | m=1", "CRITICAL: no images", {("n", ""): 0, ("m", ""): 1}),
        ("CRITICAL: no images\nmore", "CRITICAL: no images", {}),
    ],
)
def test_the_first_text_that_is_not_empty_is_the_cause(
    output: str, said: str, data: dict[tuple[str, str], float]
) -> None:
    outcome = _outcome(2, output, {})
    assert (outcome.detail, values(outcome)) == (said, data)


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("echo 'no route to the archive' >&2; exit 2", Status.FAIL, "no route to the archive"),
        ("echo usage: x >&2; echo 'x: error: no host' >&2; echo >&2; exit 3", Status.UNKNOWN, "x: error: no host"),
        ("no-such-plugin", Status.UNKNOWN, "not found"),
        ("echo ignored >&2; echo 'CRITICAL: full'; exit 2", Status.FAIL, "CRITICAL: full"),
        ("echo >&2 'last words'; kill -9 $$", Status.UNKNOWN, "killed by signal 9: last words"),
        ("exit 2", Status.FAIL, "the command ended with exit status 2 and printed nothing"),
    ],
)
async def test_standard_error_speaks_when_nothing_else_was_said(script: str, status: Status, said: str) -> None:
    outcome = await ask(EXEC, *running("/bin/sh", "-c", script))
    assert outcome.status is status
    assert said in outcome.detail
    assert "ignored" not in outcome.detail


async def test_what_complains_without_end_is_killed_at_once() -> None:
    outcome = await ask(EXEC, *running("/bin/sh", "-c", "exec yes >&2"), timeout=60)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)


@given(st.text())
def test_whatever_a_plugin_prints_makes_an_outcome(output: str) -> None:
    outcome = _outcome(0, output, {}, output)
    assert outcome.detail.isprintable()
    assert len(outcome.detail) <= DETAIL_LIMIT


def test_the_number_of_time_series_is_bounded() -> None:
    assert len(list(_values(" ".join(f"v{n}={n}" for n in range(1000))))) == VALUES_LIMIT
