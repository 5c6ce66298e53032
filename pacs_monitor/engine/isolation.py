"""Is it the node, or are we cut off? A site's reference addresses decide: when none answers, nothing is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from pacs_monitor.model import NEVER_CONNECTED, Address, Clock, Outcome, Reason, Resolver, Status
from pacs_monitor.net import NetFailure

ANSWER_WITHIN = 2.0
"""Seconds for a reference to answer; a refusal is an answer too."""
VALID_FOR = 5.0
"""Seconds for which one test of the references is reused by every check of the site."""
PERHAPS_US = NEVER_CONNECTED - {Reason.TCP_REFUSED, Reason.TCP_RESET}
"""A refused or reset connection counts as an answer."""


class Isolation:
    """Looks at a site's references, at most once in VALID_FOR, and only when a check of the site got no answer."""

    def __init__(self, clock: Clock, resolver: Resolver) -> None:
        self._resolver = resolver
        self.references: Mapping[str, tuple[Address, ...]] = {}
        self._clock = clock
        self._looks: dict[str, tuple[float, asyncio.Task[bool]]] = {}

    async def judge(self, site: str, outcome: Outcome) -> Outcome:
        """The outcome as it is, or `isolated` when no reference of the site answers."""
        references = self.references.get(site)
        if not references or outcome.reason not in PERHAPS_US:
            return outcome
        at, look = self._looks.get(site, (0.0, None))
        if look is None or self._clock.monotonic() - at > VALID_FOR:
            look = asyncio.get_running_loop().create_task(_any_answers(references, self._resolver))
            self._looks[site] = self._clock.monotonic(), look
        if await asyncio.shield(look):
            return outcome
        detail = f"no reference address of site {site!r} answers either; this check reported: {outcome.detail}"
        return replace(outcome, status=Status.UNKNOWN, reason=Reason.ISOLATED, detail=detail)


async def _any_answers(references: tuple[Address, ...], resolver: Resolver) -> bool:
    return any(await asyncio.gather(*(_answers(address, resolver) for address in references)))


async def _answers(address: Address, resolver: Resolver) -> bool:
    """Any of the addresses behind its name."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            hosts, _ = await resolver.resolve(address.host)
    except (NetFailure, TimeoutError):
        return False
    return any(await asyncio.gather(*(_connects(Address(host, address.port)) for host in hosts)))


async def _connects(address: Address) -> bool:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            _, writer = await asyncio.open_connection(*address)
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):  # ValueError: what is given as its host is none
        return False
    writer.close()
    return True
