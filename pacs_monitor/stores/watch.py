"""Where one test object turns up: the checklist before a store is allowed to run every quarter of an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from time import monotonic

from pacs_monitor.backoff import Backoff
from pacs_monitor.dicom import Target
from pacs_monitor.dicom.testobject import Synthetic
from pacs_monitor.format.human import duration
from pacs_monitor.model import ProbeContext, SeatHolder
from pacs_monitor.net import NetFailure
from pacs_monitor.stores.verification import exists

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two questions to a node."""
ASK_WITHIN = 10.0


async def watch(
    thing: Synthetic,
    targets: Mapping[str, Target | None],
    cleared: Collection[str],
    ctx: ProbeContext,
    *,
    until: float,
    report: Callable[[str], None],
    seat: SeatHolder,
) -> None:
    """Ask every node until it has the object or the time is up; `cleared` are those where it is cleared away again."""
    began = monotonic()

    async def ask(name: str, target: Target) -> None:
        backoff, trouble = Backoff(FIRST_PAUSE, LONGEST_PAUSE), ""
        while True:
            try:
                async with seat(target.address):
                    there = await exists(target, thing.uids, ctx, min(until, monotonic() + ASK_WITHIN))
                trouble = ""
            except NetFailure as failure:
                there, trouble = False, failure.detail
            if there or monotonic() + backoff.pause >= until:
                break
            await asyncio.sleep(backoff.failed())
        report(_finding(name, there, monotonic() - began, trouble, name in cleared))

    await asyncio.gather(*(ask(name, target) for name, target in targets.items() if target is not None))


def _finding(name: str, there: bool, seconds: float, trouble: str, is_cleared: bool) -> str:
    if there:
        advice = "" if is_cleared else f"; add {name} to copies_on, or exclude our AE title from that routing"
        return f"{name}: found after {duration(seconds)}{advice}"
    return f"{name}: could not be queried ({trouble})" if trouble else f"{name}: not found"
