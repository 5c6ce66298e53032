"""`probe --watch`: one store from this process, and where it turns up."""

from __future__ import annotations

import asyncio
from time import monotonic

from rich.markup import escape

from pacs_monitor import process
from pacs_monitor.cli.common import fail, out
from pacs_monitor.cli.local_runs import runner_of
from pacs_monitor.config import Estate
from pacs_monitor.fields import parse_duration
from pacs_monitor.history import HistoryError
from pacs_monitor.model import Check, Outcome, Status, Watches
from pacs_monitor.net import NetFailure, Resolver


def watch_from_here(estate: Estate, checks: list[Check], text: str) -> bool:
    """Whether it is bad news."""
    stores = [check for check in checks if isinstance(check.probe, Watches)]
    if len(stores) != 1:
        fail("name one check that stores, as NODE/CHECK: --watch is only for these", 2)
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        fail(str(error), 2)
    process.interruptible()
    try:
        outcome = asyncio.run(_watch(estate, stores[0], seconds))
    except HistoryError as error:
        fail(str(error))
    colour = "green" if outcome.status is Status.OK else "red"
    out.print(f"[{colour}]{outcome.status}[/{colour}] {escape(outcome.detail or 'stored and cleaned up')}")
    return outcome.status in (Status.FAIL, Status.UNKNOWN)


async def _watch(estate: Estate, check: Check, seconds: float) -> Outcome:
    async with runner_of(estate, [check]) as runner:
        if (refusal := runner.forbidden(check)) is not None:
            return refusal
        ctx = runner.context(check, {}, monotonic() + seconds + check.timeout, Resolver())
        assert isinstance(check.probe, Watches)  # noqa: S101 - the caller has made sure
        nodes = tuple(estate.nodes.values())
        try:
            return await check.probe.watch(check.node, check.settings, ctx, nodes, _print_line, seat=runner.seats.at)
        except NetFailure as failure:  # the daemon kept its seat for too long
            return failure.outcome()


def _print_line(line: str) -> None:
    out.print(f"  {escape(line)}")
