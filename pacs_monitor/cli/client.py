"""Asking the running daemon, and how a refusal ends a command."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from pacs_monitor.cli.common import fail
from pacs_monitor.cli.daemon_address import DaemonAddress
from pacs_monitor.cli.display import reader_of_times
from pacs_monitor.client import (
    Client,
    ClientError,
    ForbiddenError,
    MissingError,
    MisuseError,
    NoDaemonError,
    RefusedError,
)
from pacs_monitor.clock import SystemClock
from pacs_monitor.messages.paged import When

GIVE_A_TOKEN = (
    "set it with PACS_MONITOR_TOKEN or --token-file FILE; monitor.auth.tokens in the configuration lists them"  # noqa: S105 - no token
)
MISUSE: tuple[type[RefusedError], ...] = (MissingError, MisuseError)
"""The command ends as for any other wrong word on its line."""
T = TypeVar("T")
_KEY = re.compile(
    r"^(for|until|start|from|to|at|what|node|service|evidence|retract|responsible|counts|why|match|ticket|announced|notify|next_update|open_for|event)(?=[.:])|'(for|until)'"
)


def client_of(daemon: DaemonAddress) -> Client:
    """The API of this daemon."""
    return Client(daemon.url, daemon.token, ca=daemon.ca)


def ask(
    daemon: DaemonAddress,
    what: Callable[[Client], T],
    *,
    instead: str = "",
    misuse: tuple[type[RefusedError], ...] = MISUSE,
) -> T:
    """What the running daemon answers, or the end of the command with why it does not.

    `instead` is what to do where the daemon cannot be asked; `misuse` are the refusals for what was typed, not for what
    is there.
    """
    try:
        return what(client_of(daemon))
    except ClientError as error:
        end(error, instead=instead, misuse=misuse)


def end(error: ClientError, *, instead: str = "", misuse: tuple[type[RefusedError], ...] = MISUSE) -> NoReturn:
    """End the command: with what helps where the daemon does not know who asks."""
    lines = [explained(error)]
    lines += [instead] if instead and isinstance(error, NoDaemonError | ForbiddenError) else []
    fail("\n".join(lines), 2 if isinstance(error, misuse) else 1)


def explained(error: ClientError) -> str:
    """What the daemon said, in the words of the command line."""
    if isinstance(error, MisuseError):
        return "\n".join(_as_typed(sentence) for sentence in error.sentences)
    return f"{error}\n{GIVE_A_TOKEN}" if isinstance(error, ForbiddenError) else str(error)


def _as_typed(sentence: str) -> str:
    """The keys of a body as the options of the command line: `--for`, `--next-update`."""
    return _KEY.sub(lambda key: f"--{(key[1] or key[2]).replace('_', '-')}", sentence)


def times(daemon: DaemonAddress) -> When:
    """Times as the monitor's people read their clocks, in its own zone, also where its configuration is not at hand."""
    return reader_of_times(zone_of(daemon), SystemClock().now())


def zone_of(daemon: DaemonAddress) -> str:
    """The IANA name of the monitor's time zone; asks the daemon where no configuration says it."""
    return daemon.zone or ask(daemon, lambda monitor: monitor.status()).get("timezone", "UTC")
