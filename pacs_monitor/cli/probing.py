"""`probe`: run checks now and explain the answer; through the running daemon if one answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Protocol

import typer

from pacs_monitor import process
from pacs_monitor.cli import client, results
from pacs_monitor.cli.client import GIVE_A_TOKEN, client_of, zone_of
from pacs_monitor.cli.common import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    TokenFile,
    Url,
    app,
    fail,
    out,
    print_json,
    unknown,
)
from pacs_monitor.cli.daemon_address import DaemonAddress, address_of
from pacs_monitor.cli.estates import estate_of, estate_or_contact
from pacs_monitor.cli.local_runs import runner_of
from pacs_monitor.cli.measured import TimeFormat
from pacs_monitor.cli.results import Facts
from pacs_monitor.cli.watch import watch_from_here
from pacs_monitor.client import Client, ForbiddenError, MissingError, NoDaemonError, RefusedError
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.history import HistoryError, SeatLocks, lease_held
from pacs_monitor.model import NEVER_ANSWERED, Check, Presence, Reason

DIRECT = "--direct runs the check here, taking turns with the daemon at shared addresses"
REPORTS_GO_TO_THE_DAEMON = (("run from this terminal", "only the running daemon knows the reports"),)


class ShowResult(Protocol):
    """Takes a result as it comes, with the facts that are for the terminal alone."""

    def __call__(self, row: Mapping[str, Any], facts: Facts = (), *, may_be_off: bool = False) -> None: ...


@app.command()
def probe(
    target: Annotated[str, typer.Argument(metavar="NODE[/CHECK]", help="A node, or one of its checks.")],
    direct: Annotated[
        bool, typer.Option("--direct", help="Run here, taking turns with a daemon; shows more details.")
    ] = False,
    watch: Annotated[
        str | None,
        typer.Option("--watch", metavar="30m", help="Store one object, show where it appears, and clean it up."),
    ] = None,
    *,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Run the checks of a node now and show status, reason, whose fault, phase times and what to check next."""
    known = estate_of(config) if direct or watch else None if url else estate_or_contact(config)
    if watch is not None:
        estate = estate_of(config)
        checks = checks_of(estate, target)
        if not direct:
            _require_nobody(estate, "--watch runs here")
        raise typer.Exit(watch_from_here(estate, checks, watch))
    rows: list[Mapping[str, Any]] = []
    daemon = address_of(known, url, token_file)

    def show(row: Mapping[str, Any], facts: Facts = (), *, may_be_off: bool = False) -> None:
        rows.append(row)
        if not json:
            _show(zone_of(daemon), row, facts, may_be_off=may_be_off)

    if isinstance(known, Estate):
        _by_file(known, checks_of(known, target), None if direct else daemon, show)
    else:
        _by_daemon_alone(daemon, target, show)
    if json:
        print_json(rows)
    elif len(rows) > 1:
        out.print(results.summary(rows))
    raise typer.Exit(any(row["status"] in ("fail", "unknown") for row in rows))


def checks_of(estate: Estate, target: str) -> list[Check]:
    """The checks that NODE or NODE/CHECK names; misuse ends with what there is."""
    node, _, name = target.partition("/")
    if node not in estate.nodes:
        unknown(f"no node {node!r}", node, estate.nodes)
    checks = {check.id.check: check for check in estate.checks.values() if check.id.node == node}
    if name and name not in checks:
        unknown(f"node {node!r} has no check {name!r}", name, checks)
    return [checks[name]] if name else list(checks.values()) or fail(f"node {node!r} has no checks", 2)


def _by_file(estate: Estate, checks: list[Check], daemon: DaemonAddress | None, show: ShowResult) -> None:
    """These checks of the file: by the daemon, and from here where none runs."""
    shown = 0

    def count(row: Mapping[str, Any], facts: Facts = (), *, may_be_off: bool = False) -> None:  # noqa: ARG001 - shown here
        nonlocal shown
        shown += 1
        show(row, facts, may_be_off=estate.nodes[row["node"]].presence is Presence.INTERMITTENT)

    if daemon is None or not _by_daemon(estate, daemon, checks, count):
        _from_here(estate, checks[shown:], count)


def _by_daemon(estate: Estate, daemon: DaemonAddress, checks: list[Check], show: ShowResult) -> bool:
    """Whether a daemon ran them all; each is shown as it ends, so that a check that hangs hides no other.

    False where nobody answers and nobody has the lease. A daemon that does not do it ends the command: to ask beside it
    would be two at once.
    """
    try:
        asked = client_of(daemon)
        for check in checks:
            show(asked.run(*check.id, within=2 * check.timeout))
    except NoDaemonError as error:
        _require_nobody(estate, str(error))
        return False
    except RefusedError as error:
        code = 2 if isinstance(error, MissingError) else 1
        fail(f"the running daemon refused: {error}\n{_remedy(error)}; or {DIRECT}", code)
    return True


def _by_daemon_alone(daemon: DaemonAddress, target: str, show: ShowResult) -> None:
    """What the daemon has under this name, whatever a file says."""
    node, _, name = target.partition("/")
    found = client.ask(daemon, lambda monitor: monitor.node(node))
    checks = {check["check"]: check["timeout"] for check in found["checks"]}
    if name and name not in checks:
        unknown(f"node {node!r} has no check {name!r}", name, checks)
    for check in [name] if name else checks:
        run = partial(Client.run, node=node, check=check, within=2 * checks[check])
        show(client.ask(daemon, run), may_be_off=found["presence"] == Presence.INTERMITTENT)


def _remedy(error: RefusedError) -> str:
    if isinstance(error, ForbiddenError):
        return GIVE_A_TOKEN
    if isinstance(error, MissingError):
        return "if the configuration was edited since the daemon read it: pacs-monitor reload"
    return "read its log"


def _require_nobody(estate: Estate, silence: str) -> None:
    """Nobody answers; end the command unless nobody runs either."""
    monitor = estate.monitor
    try:
        with contextlib.closing(SeatLocks(monitor.database, monitor.name)) as locks:
            runs = locks.daemon_runs() or lease_held(monitor.database, monitor.name)
    except HistoryError as error:
        fail(f"{silence}\ncannot tell whether a daemon is running: {error}\nif none is, {DIRECT}")
    if runs:
        fail(
            f"{silence}\nbut one is running, because it holds the lease of {monitor.name!r}; read its log, or {DIRECT}"
        )


def _from_here(estate: Estate, checks: list[Check], show: ShowResult) -> None:
    process.interruptible()
    try:
        asyncio.run(_run(estate, checks, show))
    except HistoryError as error:
        fail(str(error))


async def _run(estate: Estate, checks: list[Check], show: ShowResult) -> None:
    async with runner_of(estate, checks) as runner:
        for check in checks:
            result = await runner.run_once(check, {})
            note = REPORTS_GO_TO_THE_DAEMON if result.outcome.reason is Reason.AWAITED else ()
            show(result.as_json(), (*result.outcome.terminal, *note))


def _show(zone: str, row: Mapping[str, Any], facts: Facts, *, may_be_off: bool) -> None:
    reader = TimeFormat(zone, SystemClock().now())
    for line in results.result(row, facts, reader, may_be_off=may_be_off and row["reason"] in NEVER_ANSWERED):
        out.print(line)
