"""Commands that leave processes behind, under a monitor that is process 1, as in a container: nothing stays."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.probes.test_exec import DAEMONISES
from tests.support.estates import write_estate
from tests.support.timing import wait_until

CONTAINED = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
OLD = 15.0
"""Seconds."""
PLUGINS = {
    "daemonises": f"{sys.executable} daemonises.py pids-of-one",
    "hangs": f"{sys.executable} hangs.py pids-of-another",
    "clears_environment": "/usr/bin/setsid --fork /usr/bin/env -i /bin/sleep 0.2",
    "answers": "/bin/echo fine",
}


@pytest.mark.proof
@pytest.mark.parametrize("prefix", [(), CONTAINED], ids=["plain", "process 1"])
def test_nothing_stays_of_commands_that_leave_processes_behind(
    tmp_path: Path, prefix: tuple[str, ...], attack: Attacked
) -> None:
    (tmp_path / "daemonises.py").write_text(DAEMONISES)
    (tmp_path / "hangs.py").write_text(DAEMONISES + "time.sleep(60)")
    listen = free_port()
    checks = "".join(
        f"      {name}:\n"
        f"        probe: exec\n"
        f"        command: [{', '.join(_whole(word, tmp_path) for word in command.split())}]\n"
        for name, command in PLUGINS.items()
    )
    config = write_estate(
        tmp_path,
        listen,
        f"  here:\n    checks:\n{checks}",
        paging="off",
        defaults="interval: 2s, retry_interval: 2s, timeout: 1s",
        allow=[f"here/{name}" for name in PLUGINS],
    )
    with RunningDaemon(config, listen, prefix) as daemon:
        wait_until(lambda: runs(daemon) >= 20 * len(PLUGINS) - 10, "20 runs of each", 120)
        monitor = psutil.Process(daemon.pid).children()[0] if prefix else psutil.Process(daemon.pid)
        wait_until(lambda: old(monitor, tmp_path) == 0, "nothing left")
        attack("left-behind", f"{runs(daemon):.0f} runs, nothing older than {OLD:.0f} s is left")
        assert failing(daemon) <= {
            "timeout",
            "not_measured",
        }  # no exit status was taken from under whoever waits for it
        monitor.send_signal(signal.SIGTERM)
        wait_until(lambda: not monitor.is_running() or monitor.status() == psutil.STATUS_ZOMBIE, "ended")


def _whole(word: str, folder: Path) -> str:
    return f"'{folder / word}'" if word.endswith(".py") or word.startswith("pids") else f"'{word}'"


def old(monitor: psutil.Process, folder: Path) -> int:
    """Processes, dead ones too, that are older than a command's run and what may come of it, wherever they went."""
    began = {process.pid: process.create_time() for process in monitor.children(recursive=True)}
    for process in psutil.process_iter(["cmdline", "create_time"]):
        if f"{folder}/pids-of" in " ".join(process.info["cmdline"] or ()):
            began[process.pid] = process.info["create_time"]
    ages = [time.time() - at for at in began.values()]
    print(f"{sum(age > OLD for age in ages)} of {len(ages)} are old")
    return sum(age > OLD for age in ages)


def runs(daemon: RunningDaemon) -> float:
    return sum(
        float(count) for count in re.findall(r"^pacs_probe_runs_total{.*} (.*)$", daemon.metrics(), re.MULTILINE)
    )


def failing(daemon: RunningDaemon) -> set[str]:
    """Why runs failed or could not tell."""
    return set(re.findall(r'^pacs_probe_failures_total{.*reason="(.*?)"', daemon.metrics(), re.MULTILINE))
