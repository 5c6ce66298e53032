"""What the service control manager is told of the service (pure)."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import PureWindowsPath

from pacs_monitor.model import PacsMonitorError

NAME = "pacs-monitor"
DISPLAY = "PACS monitor"
DESCRIPTION = "Monitoring and alerting of the PACS: checks archives, worklists and interfaces, and pages people."
VIRTUAL_ACCOUNT = rf"NT SERVICE\{NAME}"
"""Windows makes it with the service; it has no password, and no rights but those that it is given."""
RESTARTS = 10_000, 10_000, 60_000
"""Milliseconds until it is started again after the first failure, the second, and each later one, for ever."""
RESET = 3600
"""Seconds without a failure after which the next one is the first again."""
PRIVILEGES = ("SeChangeNotifyPrivilege",)
"""All others are taken from its token: it reads, writes and connects with the rights of its account alone."""
PRESHUTDOWN = 15_000
"""Milliseconds that a machine that shuts down waits for the end, which takes 10 s at most."""
LOG = "pacs-monitor.log"

_GROUP_MANAGED = re.compile(r"[^\\/\s]+\\[^\\/\s@]+\$")


class UnfitError(PacsMonitorError):
    """It could be registered and would not run: what to change first."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A service: what is the same for all is in the constants of this module."""

    command: str
    """The whole command line."""
    account: str

    @property
    def is_managed(self) -> bool:
        """Whether a domain keeps the account's password."""
        return self.account != VIRTUAL_ACCOUNT


def registration(python: str, host: str, config: str, log: str, account: str | None = None) -> Registration:
    r"""For the interpreter itself, since the python.exe of a virtual environment starts it as a child.

    A child cannot connect to the service control manager (error 1063). `-I -S` keeps out what the machine has installed
    for other programs, and everything that environment variables say; `host` finds the environment that it lies in.
    """
    for what in (python, host, config, log):
        _require_readable(what)
    arguments = subprocess.list2cmdline(["-I", "-S", host, "--config", config, "--log", log])
    return Registration(f'"{python}" {arguments}', _account(account))


def _require_readable(path: str) -> None:
    parts = [part.lower() for part in PureWindowsPath(path).parts]
    if "windowsapps" in parts:
        raise UnfitError(
            f"install Python from python.org, for all users: a service cannot run that of the Microsoft Store ({path})"
        )
    if parts[1:2] == ["users"]:
        raise UnfitError(
            f"install it for all users, outside of C:\\Users: the account of a service reads no home folders ({path})"
        )


def _account(account: str | None) -> str:
    if account is None or account.lower() == VIRTUAL_ACCOUNT.lower():
        return VIRTUAL_ACCOUNT
    if _GROUP_MANAGED.fullmatch(account):
        return account
    raise UnfitError(
        rf"name a group-managed account as DOMAIN\name$, or none for {VIRTUAL_ACCOUNT}: "
        f"any other account has a password that somebody would have to keep ({account})"
    )
