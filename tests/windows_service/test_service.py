"""The service on a Windows that is faked: installed, started, stopped, and with what it cannot start.

The daemon, its end, and the commands are real; pywin32 and Windows are not (`tests/support/pywin32.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import requests

from pacs_monitor.cli.windows_service import ELSEWHERE
from pacs_monitor.windows_service.events import MESSAGES, SOURCE, Event
from pacs_monitor.windows_service.life import ACCEPTS, Exit, State
from pacs_monitor.windows_service.registration import PRESHUTDOWN, PRIVILEGES
from tests.peers.daemon import READY_WITHIN
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.pywin32 import FakeWindows, send
from tests.support.timing import UP_WITHIN, wait_until

ROOT = Path(__file__).parents[2]
NODES = "  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}, severity: critical}}}}}}\n"
ERROR, WARNING, INFORMATION = 1, 2, 4


class Done(NamedTuple):
    code: int
    said: str


class Machine:
    """One that takes itself for Windows, with an installed environment in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.windows = FakeWindows(folder / "windows")
        self.windows.folder.mkdir()
        self.environment = folder / "environment"
        packages = self.environment / "Lib" / "site-packages"
        packages.mkdir(parents=True)
        (self.environment / "pyvenv.cfg").write_text("")
        (packages / "pacs_monitor").symlink_to(ROOT / "pacs_monitor")
        (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
        (self.environment / "bin").mkdir()
        (self.environment / "bin" / "python").symlink_to(sys.executable)
        system = self.windows.folder / "System32"
        system.mkdir()
        (system / "sc.exe").write_text(f'#!/bin/sh\necho "$@" >>{self.windows.folder}/sc\n')  # a fake
        (system / "sc.exe").chmod(0o755)

    def service(self, *words: object, fake: bool = True) -> Done:
        line = [sys.executable, "-m", "tests.support.windows", "-m", "pacs_monitor", "service", *map(str, words)]
        folder = str(self.windows.folder)
        environ = {**os.environ, "SYSTEMROOT": folder} | ({"FAKE_WINDOWS": folder} if fake else {})
        done = subprocess.run(
            line, check=False, cwd=ROOT, capture_output=True, text=True, timeout=READY_WITHIN, env=environ
        )
        return Done(done.returncode, done.stdout + done.stderr)

    def installed(self, config: Path, *words: object) -> Done:
        done = self.service("install", "--config", config, "--environment", self.environment, *words)
        assert done.code == 0, done.said
        return done

    def states(self) -> list[int]:
        """Each once."""
        found = [status[1] for status in self.windows.lines("status")]
        return [state for before, state in zip([None, *found], found, strict=False) if state != before]

    def events(self, event: Event) -> list[tuple[int, str]]:
        return [(kind, text) for number, kind, text in self.windows.lines("events") if number == event]

    def process(self) -> psutil.Process | None:
        """That of the service."""
        mine = str(self.environment)
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if any(mine in word for word in process.cmdline()) and "host" in process.cmdline():
                    return process
        return None


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    if process := machine.process():
        process.send_signal(signal.SIGKILL)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return write_estate(tmp_path, free_port(), NODES.format(port=free_port()))


def test_it_is_registered_to_start_late_and_again_with_no_more_rights_than_it_needs(
    machine: Machine, estate: Path
) -> None:
    said = machine.installed(estate).said
    assert r"the service is installed; it runs as NT SERVICE\pacs-monitor" in said
    registered = machine.windows.read("services")["pacs-monitor"]
    host = machine.environment / "Lib" / "site-packages" / "pacs_monitor" / "windows_service" / "host.py"
    python = getattr(sys, "_base_executable", sys.executable)
    log = estate.with_name("pacs-monitor.log")
    assert registered["command"] == f'"{python}" -I -S {host} --config {estate} --log {log}'
    assert (registered["type"], registered["start"], registered["account"]) == (0x10, 2, r"NT SERVICE\pacs-monitor")
    assert registered["2"]["Actions"] == [[1, 10_000], [1, 10_000], [1, 60_000]]
    assert (registered["3"], registered["4"]) == (True, True), "delayed; restarted also after an end with a code"
    assert (registered["5"], registered["6"], registered["7"]) == (1, list(PRIVILEGES), PRESHUTDOWN)
    assert machine.windows.read("sources") == {SOURCE: MESSAGES}
    assert not (machine.windows.folder / "sc").exists()


def test_installed_again_it_is_changed_and_a_group_managed_account_may_log_on(machine: Machine, estate: Path) -> None:
    machine.installed(estate)
    said = machine.installed(estate, "--account", r"CLINIC\pacsmon$", "--log", estate.parent / "other.log").said
    assert r"the service is changed; it runs as CLINIC\pacsmon$" in said
    registered = machine.windows.read("services")["pacs-monitor"]
    assert registered["account"] == r"CLINIC\pacsmon$"
    assert registered["command"].endswith("other.log")
    assert machine.windows.lines("rights") == [[r"sid of CLINIC\pacsmon$", "SeServiceLogonRight"]]
    assert (machine.windows.folder / "sc").read_text() == "managedaccount pacs-monitor TRUE\n"
    assert machine.service("remove") == (0, "the service is removed\n")
    assert (machine.windows.read("services"), machine.windows.read("sources")) == ({}, {})
    gone = machine.service("status")
    assert (gone.code, "install it first: pacs-monitor service install" in gone.said) == (1, True)


def test_what_would_not_run_is_not_registered(machine: Machine, estate: Path) -> None:
    person = machine.service("install", "--config", estate, "--account", r"CLINIC\john")
    assert (person.code, "any other account has a password" in person.said) == (1, True)
    nowhere = machine.service("install", "--config", estate, "--account", r"NOWHERE\pacsmon$")
    assert (nowhere.code, "correct the account's name" in nowhere.said) == (1, True)
    elsewhere = machine.service("install", "--config", estate, "--environment", estate.parent)
    assert (elsewhere.code, "name the folder of a virtual environment" in elsewhere.said) == (2, True)
    estate.write_text("monitor: {nane: east}\n")
    bad = machine.service("install", "--config", estate)
    assert (bad.code, "nothing was started" in bad.said) == (1, True)
    bare = machine.service("status", fake=False)
    assert (bare.code, "pip install pacs-monitor[windows]" in bare.said) == (1, True)
    assert machine.windows.read("services") == {}


def test_a_stop_ends_the_daemon_in_order_and_the_event_log_has_start_stop_and_trouble_with_paging(
    machine: Machine, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.status = 503
    listen = free_port()
    config = write_estate(tmp_path, listen, NODES.format(port=free_port()), pager=receiver.url, secret=SECRET)
    machine.installed(config)
    assert machine.service("start") == (0, "the service runs\n"), (machine.windows.folder / "output").read_text()
    assert machine.service("status") == (0, "the service: running\n")
    assert requests.get(f"http://127.0.0.1:{listen}/readyz", timeout=UP_WITHIN).ok
    wait_until(lambda: bool(machine.events(Event.PAGING_TROUBLE)), "trouble with paging")
    refused = machine.service("remove")
    assert (refused.code, "stop the service first" in refused.said) == (1, True)
    assert machine.service("stop") == (0, "the service has stopped\n")

    assert machine.states() == [State.START_PENDING, State.RUNNING, State.STOP_PENDING, State.STOPPED]
    last = machine.windows.status()
    assert last[3:5] == [0, 0], "in order"
    running = [status for status in machine.windows.lines("status") if status[1] == State.RUNNING]
    assert {status[2] for status in running} == {ACCEPTS}
    ((kind, started),) = machine.events(Event.STARTED)
    assert (kind, "has started, monitoring" in started, str(config) in started) == (INFORMATION, True, True)
    ((kind, stopped),) = machine.events(Event.STOPPED)
    assert (kind, "has stopped" in stopped) == (INFORMATION, True)
    troubles = machine.events(Event.PAGING_TROUBLE)
    assert all("channel pager" in text and kind in (ERROR, WARNING) for kind, text in troubles)
    assert SECRET not in str(machine.windows.lines("events"))
    assert "pacs_monitor" in config.with_name("pacs-monitor.log").read_text()
    wait_until(lambda: machine.process() is None, "the end of the process")
    assert machine.service("stop").said.startswith("nothing to do"), "Windows says that it does not run"


def test_a_shutdown_of_the_machine_ends_it_as_a_stop_does(machine: Machine, estate: Path) -> None:
    machine.installed(estate)
    assert machine.service("start").code == 0
    send(machine.windows, 4)  # SERVICE_CONTROL_INTERROGATE
    wait_until(lambda: [s[1] for s in machine.windows.lines("status")].count(State.RUNNING) > 1, "an answer")
    send(machine.windows, 0xF)  # SERVICE_CONTROL_PRESHUTDOWN
    wait_until(lambda: machine.windows.status()[1] == State.STOPPED, "the end")
    assert machine.windows.status()[3:5] == [0, 0]


def test_a_bad_configuration_is_an_event_with_its_errors_and_ends_it_with_a_code(
    machine: Machine, estate: Path
) -> None:
    machine.installed(estate)
    estate.write_text(estate.read_text().replace("port:", "prt:"))
    failed = machine.service("start")
    assert (failed.code, "see the event log" in failed.said, str(int(Exit.CONFIGURATION)) in failed.said) == (
        1,
        True,
        True,
    )
    assert len(machine.windows.lines("events")) == 1, "and once"
    ((kind, text),) = machine.events(Event.CONFIGURATION)
    assert (kind, text.startswith(f"correct {estate}; nothing is monitored")) == (ERROR, True)
    assert "prt" in text
    assert machine.windows.status()[1:5] == [State.STOPPED, 0, 1066, Exit.CONFIGURATION]
    stopped = machine.service("status")
    assert stopped == (1, f"the service: stopped (code {int(Exit.CONFIGURATION)})\n")
    assert machine.events(Event.STARTED) == []


def test_what_the_daemon_refuses_is_an_event_too(machine: Machine, estate: Path, tmp_path: Path) -> None:
    machine.installed(estate)
    (tmp_path / "proof.db").write_text("not a database, but long enough to be taken for one " * 50)
    assert machine.service("start").code == 1
    ((kind, text),) = machine.events(Event.REFUSED)
    assert (kind, "proof.db" in text) == (ERROR, True)
    assert machine.windows.status()[4] == Exit.REFUSED


def test_a_log_that_cannot_be_written_is_an_event(machine: Machine, estate: Path) -> None:
    machine.installed(estate, "--log", estate.parent / "none" / "monitor.log")
    assert machine.service("start").code == 1
    ((_, text),) = machine.events(Event.REFUSED)
    assert text.startswith(f"check {estate.parent / 'none' / 'monitor.log'}")


HANGS = """
import threading
from pathlib import Path
from tests.support import windows

windows.pretend()
import win32service
from pacs_monitor import process
from pacs_monitor.windows_service.service import Service

service = Service(Path("monitor.yaml"), Path("the.log"), lambda report: win32service.SetServiceStatus(1, report))
service.stop()
process.leave_at_last(0.01, service.leave)
threading.Event().wait()
"""


def test_a_daemon_that_hangs_at_its_end_is_ended_with_an_event_and_a_code(machine: Machine) -> None:
    machine.windows.write("sources", {SOURCE: MESSAGES})
    environ = {**os.environ, "FAKE_WINDOWS": str(machine.windows.folder)}
    done = subprocess.run([sys.executable, "-c", HANGS], check=False, cwd=ROOT, timeout=READY_WITHIN, env=environ)
    assert done.returncode == 1
    assert machine.events(Event.HUNG) == [(ERROR, "see the.log: the daemon did not stop in time")]
    assert machine.events(Event.STOPPED) == []
    assert [status[1] for status in machine.windows.lines("status")] == [State.STOP_PENDING, State.STOPPED]
    assert machine.windows.status()[3:5] == [1066, Exit.HUNG]


LOOK = """
import runpy, sys
from pathlib import Path
runpy.run_path(sys.argv[1])["enter"](Path(sys.argv[1]))
import pacs_monitor, yaml
print(pacs_monitor.__file__, sys.executable, sep="\\n")
"""


def test_the_file_that_windows_runs_finds_its_environment_with_nothing_else_of_the_machine(machine: Machine) -> None:
    host = str(machine.environment / "Lib" / "site-packages" / "pacs_monitor" / "windows_service" / "host.py")
    python = [getattr(sys, "_base_executable", sys.executable), "-I", "-S"]
    entered = subprocess.run(
        [*python, "-c", LOOK, host], check=False, capture_output=True, text=True, timeout=UP_WITHIN
    )
    assert entered.returncode == 0, entered.stderr
    ours, executable = entered.stdout.splitlines()
    assert ours.startswith(str(machine.environment))
    assert executable == str(machine.environment / "bin" / "python")
    alone = subprocess.run([*python, host, "--help"], check=False, capture_output=True, text=True, timeout=UP_WITHIN)
    assert (alone.returncode, "--config CONFIG --log LOG" in alone.stdout) == (0, True)


@pytest.mark.parametrize("words", [["install"], ["remove"], ["start"], ["stop"], ["status"]])
def test_elsewhere_it_says_what_to_use_instead_and_needs_no_pywin32(words: list[str]) -> None:
    done = invoke("service", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert " ".join(done.stderr.split()) == ELSEWHERE
