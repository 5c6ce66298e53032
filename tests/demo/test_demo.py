"""A newcomer's first minute: `pacs-monitor demo`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.peers.ports import free_port
from tests.support.timing import wait_until


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, which ends with the test, and heeds Ctrl-C also where these tests do not."""
    pipe, command = subprocess.PIPE, ["env", "--default-signal=INT", *command]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_first_minute_shows_a_page_opened_and_resolved() -> None:
    command = [sys.executable, "-m", "pacs_monitor", "demo"]
    with started(command) as demo:
        assert demo.stdout
        said = []
        for line in demo.stdout:
            said.append(line)
            if "PAGE incident.resolved" in line:
                break
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate()
    shown = "".join(said) + rest
    times = {event: float(at) for at, event in re.findall(r"^ *([\d.]+) s +PAGE (incident\.\w+)", shown, re.M)}

    assert (demo.returncode, errors) == (0, ""), shown + errors
    assert times["incident.opened"] < times["incident.resolved"]
    assert len(re.findall("PAGE", shown)) == 2
    assert "Main archive refuses connections" in shown


def test_ctrl_c_ends_the_demo_quietly_and_leaves_nobody_behind() -> None:
    command = [sys.executable, "-m", "pacs_monitor", "demo"]
    with started(command) as demo:
        assert demo.stdout
        while "end with Ctrl-C" not in (line := demo.stdout.readline()):
            assert line, "it ended by itself"
        peers = psutil.Process(demo.pid).children(recursive=True)
        os.killpg(demo.pid, signal.SIGINT)
        _, said = demo.communicate()

    assert (demo.returncode, said) == (0, "")
    assert len(peers) == 4
    wait_until(lambda: not any(peer.is_running() for peer in peers), "the peers are gone")


def test_ctrl_c_before_the_demo_runs_ends_it_without_a_traceback() -> None:
    """Mostly during the imports; on a busy machine later, by as much as the pipe holds."""
    command = [sys.executable, "-X", "importtime", "-m", "pacs_monitor", "demo"]
    with started(command) as demo:
        assert demo.stderr
        while "typing_extensions" not in (line := demo.stderr.readline()):
            assert line, "it ended by itself"
        os.killpg(demo.pid, signal.SIGINT)
        _, said = demo.communicate()

    assert demo.returncode in (-signal.SIGINT, 130, 0)
    assert "Traceback" not in said


def test_a_peer_ends_with_whoever_started_it() -> None:
    command = [sys.executable, "-m", "pacs_monitor.demo.peer", "ARCHIVE", str(free_port())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdin
        assert peer.stdout
        assert peer.stdout.readline() == "ready\n"
        peer.stdin.close()
        assert peer.wait(20) == 0
