"""A FAKE of pywin32, which cannot be had here: it replays what its documentation and that of Windows say.

What is faked: the service control manager (its database, the states that it allows, the errors by which it refuses),
the process of a service (`servicemanager`, after PythonService.cpp), the registry of the event log, the event log, and
the rights of accounts. All of it lies in files of the folder that $FAKE_WINDOWS names. Whether a real Windows does the
same, it cannot tell; the types of the calls are checked by mypy against types-pywin32.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
CONSTANTS = {
    "win32service": {
        "SERVICE_AUTO_START": 2, "SERVICE_ERROR_NORMAL": 1, "SERVICE_WIN32_OWN_PROCESS": 0x10,
        "SERVICE_ALL_ACCESS": 0xF01FF, "SERVICE_QUERY_STATUS": 4, "SERVICE_START": 0x10, "SERVICE_STOP": 0x20,
        "SC_MANAGER_ALL_ACCESS": 0xF003F, "SC_MANAGER_CONNECT": 1, "SC_ACTION_RESTART": 1,
        "SERVICE_CONFIG_DESCRIPTION": 1, "SERVICE_CONFIG_FAILURE_ACTIONS": 2,
        "SERVICE_CONFIG_DELAYED_AUTO_START_INFO": 3, "SERVICE_CONFIG_FAILURE_ACTIONS_FLAG": 4,
        "SERVICE_CONFIG_SERVICE_SID_INFO": 5, "SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO": 6,
        "SERVICE_CONFIG_PRESHUTDOWN_INFO": 7, "SERVICE_SID_TYPE_UNRESTRICTED": 1,
        "SERVICE_CONTROL_STOP": 1, "SERVICE_CONTROL_INTERROGATE": 4, "SERVICE_CONTROL_PRESHUTDOWN": 0xF,
    },
    "winerror": {
        "ERROR_ACCESS_DENIED": 5, "ERROR_SERVICE_ALREADY_RUNNING": 1056, "ERROR_INVALID_SERVICE_ACCOUNT": 1057,
        "ERROR_SERVICE_DOES_NOT_EXIST": 1060, "ERROR_SERVICE_CANNOT_ACCEPT_CTRL": 1061,
        "ERROR_SERVICE_NOT_ACTIVE": 1062, "ERROR_SERVICE_LOGON_FAILED": 1069,
        "ERROR_SERVICE_MARKED_FOR_DELETE": 1072, "ERROR_NONE_MAPPED": 1332,
    },
    "win32evtlog": {"EVENTLOG_ERROR_TYPE": 1, "EVENTLOG_WARNING_TYPE": 2, "EVENTLOG_INFORMATION_TYPE": 4},
    "win32security": {"POLICY_CREATE_ACCOUNT": 0x10, "POLICY_LOOKUP_NAMES": 0x800},
}  # fmt: skip
"""As winsvc.h, winnt.h and winerror.h have them."""
CONFIG2 = {
    1: str, 2: dict, 3: bool, 4: bool, 5: int, 6: tuple, 7: int,
}  # fmt: skip
"""What pywin32 takes for each level."""


class error(Exception):  # noqa: N801, N818 - as pywintypes names it
    """pywintypes.error."""

    def __init__(self, winerror: int, funcname: str, strerror: str) -> None:
        super().__init__(winerror, funcname, strerror)
        self.winerror, self.funcname, self.strerror = winerror, funcname, strerror


class FakeWindows:
    """The state of the machine, as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Any:
        file = self.folder / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def write(self, name: str, content: object) -> None:
        new = self.folder / f"{name}.new"
        new.write_text(json.dumps(content))
        new.replace(self.folder / f"{name}.json")

    def add(self, name: str, line: object) -> None:
        with (self.folder / f"{name}.jsonl").open("a") as lines:
            lines.write(json.dumps(line) + "\n")

    def lines(self, name: str) -> list[Any]:
        file = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def status(self) -> list[int]:
        reported = self.lines("status")
        return reported[-1] if reported else [0x10, STOPPED, 0, 0, 0, 0, 0]


def install() -> None:
    """Into this process, if $FAKE_WINDOWS says where."""
    if folder := os.environ.get("FAKE_WINDOWS"):
        there = FakeWindows(Path(folder))
        functions = {
            "win32service": _manager(there) | {"SetServiceStatus": lambda _, status: there.add("status", status)},
            "servicemanager": _host(there),
            "win32evtlogutil": _event_log(there),
            "win32security": _rights(there),
            "pywintypes": {"error": error},
        }
        for name in CONSTANTS.keys() | functions.keys():
            module = ModuleType(name, __doc__)
            vars(module).update(CONSTANTS.get(name, {}) | functions.get(name, {}))
            sys.modules[name] = module


def _manager(there: FakeWindows) -> dict[str, Callable[..., Any]]:
    """Handles are names."""

    def of(name: str, function: str) -> dict[str, Any]:
        services = there.read("services")
        if name not in services:
            raise error(1060, function, "The specified service does not exist as an installed service.")
        service: dict[str, Any] = services[name]
        return service

    def create(manager: str, name: str, display: str, access: int, *rest: Any) -> str:
        if name in there.read("services"):
            raise error(1073, "CreateService", "The specified service already exists.")
        there.write("services", there.read("services") | {name: _checked(name, [*rest, display])})
        return name

    def change(name: str, *rest: Any) -> None:
        there.write("services", there.read("services") | {name: of(name, "") | _checked(name, list(rest))})

    def change2(name: str, level: int, value: Any) -> None:
        assert isinstance(value, CONFIG2[level]), f"level {level} is no {type(value)}"
        there.write("services", there.read("services") | {name: of(name, "") | {str(level): value}})

    def open_service(manager: str, name: str, access: int) -> str:
        of(name, "OpenService")
        return name

    def delete(name: str) -> None:
        there.write("services", {key: value for key, value in there.read("services").items() if key != name})

    def start(name: str, arguments: Sequence[str] | None) -> None:
        if there.status()[1] != STOPPED:
            raise error(1056, "StartService", "An instance of the service is already running.")
        there.add("status", [0x10, START_PENDING, 0, 0, 0, 0, 2000])
        launch(there, of(name, "StartService")["command"])

    def control(name: str, code: int) -> None:
        state, accepts = there.status()[1:3]
        if state == STOPPED:
            raise error(1062, "ControlService", "The service has not been started.")
        if code == 1 and not accepts & 1:
            raise error(1061, "ControlService", "The service cannot accept control messages at this time.")
        send(there, code)

    return {
        "OpenSCManager": lambda machine, database, access: "manager",
        "CloseServiceHandle": lambda handle: None,
        "CreateService": create,
        "OpenService": open_service,
        "ChangeServiceConfig": change,
        "ChangeServiceConfig2": change2,
        "DeleteService": delete,
        "StartService": start,
        "ControlService": control,
        "QueryServiceStatus": lambda name: tuple(there.status()),
    }


def _checked(name: str, words: list[Any]) -> dict[str, Any]:
    """What CreateService and ChangeServiceConfig take, from the type of the service on."""
    kind, start, _, command, _, _, _, account, password, display = words
    virtual = re.fullmatch(r"NT SERVICE\\(.+)", account)
    if (virtual and virtual[1] != name) or not (virtual or account.endswith("$")) or password is not None:
        raise error(1057, "CreateService", "The account name is invalid or does not exist.")
    return {"type": kind, "start": start, "command": command, "account": account, "display": display}


def launch(there: FakeWindows, command: str) -> None:
    """The process of a service, by its command; `-I -S` and the interpreter are replaced by what fakes Windows."""
    words = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', command)]
    assert words[1:3] == ["-I", "-S"]
    os.mkfifo(there.folder / "controls")
    line = [sys.executable, "-m", "tests.support.windows", "host", *words[3:]]
    with (there.folder / "output").open("ab") as output:
        subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, "FAKE_SERVICE": "pacs-monitor"}, cwd=Path(__file__).parents[2],
        )  # fmt: skip


def send(there: FakeWindows, code: int) -> None:
    with (there.folder / "controls").open("w") as controls:
        controls.write(f"{code}\n")


def _host(there: FakeWindows) -> dict[str, Callable[..., Any]]:
    hosted: list[Any] = []
    handlers: list[Callable[[int, int, object], Any]] = []

    def register(name: str, handler: Callable[[int, int, object], Any], extra: bool) -> int:
        assert extra
        handlers.append(handler)
        return 1

    def service_main() -> None:
        instance = hosted[0]([os.environ["FAKE_SERVICE"]])
        there.add("status", [0x10, START_PENDING, 0, 0, 0, 0, 5000])
        instance.SvcRun()
        there.add("status", [0x10, STOPPED, 0, 0, 0, 0, 0])

    def dispatch() -> None:
        if "FAKE_SERVICE" not in os.environ:
            raise error(1063, "StartServiceCtrlDispatcher", "The process could not connect to the service controller.")
        threading.Thread(target=service_main, daemon=True).start()
        while True:
            with (there.folder / "controls").open() as controls:
                for line in controls:
                    handlers[0](int(line), 0, None)

    return {
        "Initialize": lambda: None,
        "PrepareToHostSingle": hosted.append,
        "RegisterServiceCtrlHandler": register,
        "StartServiceCtrlDispatcher": dispatch,
    }


def _event_log(there: FakeWindows) -> dict[str, Callable[..., Any]]:
    def report(source: str, number: int, eventType: int, strings: list[str]) -> None:  # noqa: N803 - as pywin32 names it
        assert source in there.read("sources"), "without its source, the event viewer shows no text"
        assert len(strings[0]) < 31_840
        there.add("events", [number, eventType, strings[0]])

    return {
        "AddSourceToRegistry": lambda name, file: there.write("sources", there.read("sources") | {name: file}),
        "RemoveSourceFromRegistry": lambda name: there.write("sources", {}),
        "ReportEvent": report,
    }


def _rights(there: FakeWindows) -> dict[str, Callable[..., Any]]:
    def look_up(machine: None, account: str) -> tuple[str, str, int]:
        if account.startswith("NOWHERE"):
            raise error(1332, "LookupAccountName", "No mapping between account names and security IDs was done.")
        return f"sid of {account}", "", 1

    return {
        "LsaOpenPolicy": lambda machine, access: "policy",
        "LookupAccountName": look_up,
        "LsaAddAccountRights": lambda policy, sid, rights: there.add("rights", [sid, *rights]),
    }
