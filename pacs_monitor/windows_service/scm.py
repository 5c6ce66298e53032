"""The service control manager, by pywin32: install, remove, start, stop, and ask for the state of the service."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pacs_monitor.model import PacsMonitorError
from pacs_monitor.windows_service import event_log
from pacs_monitor.windows_service.life import State
from pacs_monitor.windows_service.registration import (
    DESCRIPTION,
    DISPLAY,
    NAME,
    PRESHUTDOWN,
    PRIVILEGES,
    RESET,
    RESTARTS,
    Registration,
)

LONGEST_START = 1200.0
"""Seconds: a new version may have to bring the schema of a large database up to date."""
LONGEST_STOP = 20.0
LOGON_RIGHT = "SeServiceLogonRight"


class ServiceError(PacsMonitorError):
    """What Windows refuses, and what to do about it."""


def install(service: Registration) -> bool:
    """Register it, or change what is registered; whether it is new."""
    import win32service as ws

    with _explained():
        event_log.register()
    if service.is_managed:
        _allow_to_log_on(service.account)
    start, control = ws.SERVICE_AUTO_START, ws.SERVICE_ERROR_NORMAL
    own, everything = ws.SERVICE_WIN32_OWN_PROCESS, ws.SERVICE_ALL_ACCESS
    with _manager(ws.SC_MANAGER_ALL_ACCESS) as manager:
        is_new = not _is_there(manager)
        if is_new:
            handle = ws.CreateService(
                manager, NAME, DISPLAY, everything, own, start, control, service.command, None, False, None,
                service.account, None,
            )  # fmt: skip
        else:
            handle = ws.OpenService(manager, NAME, everything)
            ws.ChangeServiceConfig(
                handle, own, start, control, service.command, None, False, None, service.account, None, DISPLAY
            )
        with _closing(handle):
            _configure(handle)
    if service.is_managed:
        _let_windows_keep_the_password()
    return is_new


def remove() -> None:
    """Stop it first; what it has recorded stays."""
    import win32service as ws

    with _service(ws.SERVICE_ALL_ACCESS) as handle:
        if _state(handle)[0] is not State.STOPPED:
            raise ServiceError("stop the service first: pacs-monitor service stop")
        ws.DeleteService(handle)
    event_log.unregister()


def start() -> None:
    """Until it monitors, or has said that it cannot."""
    import win32service as ws

    with _service(ws.SERVICE_START | ws.SERVICE_QUERY_STATUS) as handle:
        ws.StartService(handle, None)
        state, code = _settled(handle, LONGEST_START, State.RUNNING, State.STOPPED)
    if state is not State.RUNNING:
        raise ServiceError(f"see the event log, source pacs_monitor: the service has not started (code {code})")


def stop() -> None:
    """Until it has ended."""
    import win32service as ws

    with _service(ws.SERVICE_STOP | ws.SERVICE_QUERY_STATUS) as handle:
        ws.ControlService(handle, ws.SERVICE_CONTROL_STOP)
        state, _ = _settled(handle, LONGEST_STOP, State.STOPPED)
    if state is not State.STOPPED:
        raise ServiceError("see the event log, source pacs_monitor: the service has not ended")


def status() -> tuple[State, int]:
    """Its state, and the code of its last end."""
    import win32service as ws

    with _service(ws.SERVICE_QUERY_STATUS) as handle:
        return _state(handle)


def _configure(handle: Any) -> None:
    import win32service as ws

    actions = {
        "ResetPeriod": RESET,
        "RebootMsg": "",
        "Command": "",
        "Actions": [(ws.SC_ACTION_RESTART, after) for after in RESTARTS],
    }
    for level, value in (
        (ws.SERVICE_CONFIG_DESCRIPTION, DESCRIPTION),
        (ws.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, True),
        (ws.SERVICE_CONFIG_FAILURE_ACTIONS, actions),
        (ws.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, True),  # also when it ends in order, with a code that is not 0
        (ws.SERVICE_CONFIG_SERVICE_SID_INFO, ws.SERVICE_SID_TYPE_UNRESTRICTED),
        (ws.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, PRIVILEGES),
        (ws.SERVICE_CONFIG_PRESHUTDOWN_INFO, PRESHUTDOWN),
    ):
        ws.ChangeServiceConfig2(handle, level, value)


def _allow_to_log_on(account: str) -> None:
    """As services.msc does it when an account is chosen there; CreateService does not."""
    import win32security

    access = win32security.POLICY_CREATE_ACCOUNT | win32security.POLICY_LOOKUP_NAMES
    with _explained(account):
        policy = win32security.LsaOpenPolicy("", access)
        sid, _, _ = win32security.LookupAccountName(None, account)
        win32security.LsaAddAccountRights(policy, sid, (LOGON_RIGHT,))


def _let_windows_keep_the_password() -> None:
    """Without this, a service with a group-managed account may not start after the domain has changed the password."""
    program = Path(os.environ["SYSTEMROOT"]) / "System32" / "sc.exe"
    done = subprocess.run(  # noqa: S603 - a program of Windows
        [str(program), "managedaccount", NAME, "TRUE"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise ServiceError(f"sc managedaccount {NAME} TRUE: {(done.stdout + done.stderr).strip()}")


def _settled(handle: Any, longest: float, *settled: State) -> tuple[State, int]:
    until = time.monotonic() + longest
    while (found := _state(handle))[0] not in settled and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _state(handle: Any) -> tuple[State, int]:
    import win32service as ws

    found = ws.QueryServiceStatus(handle)
    return State(found[1]), found[4] or found[3]


def _is_there(manager: Any) -> bool:
    import pywintypes
    import win32service as ws
    import winerror

    try:
        with _closing(ws.OpenService(manager, NAME, ws.SERVICE_QUERY_STATUS)):
            return True
    except pywintypes.error as error:
        if error.winerror == winerror.ERROR_SERVICE_DOES_NOT_EXIST:
            return False
        raise


@contextmanager
def _service(access: int) -> Iterator[Any]:
    import win32service as ws

    with _manager(ws.SC_MANAGER_CONNECT) as manager, _closing(ws.OpenService(manager, NAME, access)) as handle:
        yield handle


@contextmanager
def _manager(access: int) -> Iterator[Any]:
    import win32service as ws

    with _explained(), _closing(ws.OpenSCManager(None, None, access)) as manager:
        yield manager


@contextmanager
def _closing(handle: Any) -> Iterator[Any]:
    import win32service as ws

    try:
        yield handle
    finally:
        ws.CloseServiceHandle(handle)


@contextmanager
def _explained(about: str = NAME) -> Iterator[None]:
    import pywintypes
    import winerror

    first = {
        winerror.ERROR_ACCESS_DENIED: "open the command prompt as administrator",
        winerror.ERROR_SERVICE_DOES_NOT_EXIST: "install it first: pacs-monitor service install --config FILE",
        winerror.ERROR_SERVICE_ALREADY_RUNNING: "nothing to do",
        winerror.ERROR_SERVICE_NOT_ACTIVE: "nothing to do",
        winerror.ERROR_SERVICE_CANNOT_ACCEPT_CTRL: "wait until it has started, or has ended",
        winerror.ERROR_SERVICE_MARKED_FOR_DELETE: "close the window of services, and try again",
        winerror.ERROR_SERVICE_LOGON_FAILED: "allow this machine to get the account's password",
        winerror.ERROR_NONE_MAPPED: "correct the account's name",
        winerror.ERROR_INVALID_SERVICE_ACCOUNT: "correct the account's name",
    }
    try:
        yield
    except pywintypes.error as error:
        action = first.get(error.winerror, f"look up error {error.winerror} of {error.funcname}")
        raise ServiceError(f"{action} ({about}: {error.strerror.strip()})") from None
