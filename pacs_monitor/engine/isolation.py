"""Is it the node, or are we cut off? References, on-site addresses, decide.

Theory of operation. A check got no answer. If a reference of its site answers, the node has failed. If none does, those
of the site where we stand decide: if they answer, the other site cannot be reached from here, and its nodes fail, since
people here feel it. If they do not, or if it is not known where we stand, nothing is known of the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from pacs_monitor.model import NEVER_CONNECTED, Address, Clock, Flag, Micros, Outcome, Reason, Resolver, Status
from pacs_monitor.net import NetFailure

ANSWER_WITHIN = 2.0
"""Seconds for a reference to answer; a refusal is an answer too."""
VALID_FOR = 5.0
"""Seconds for which one test of the references is reused by every check of the site."""
PERHAPS_US = NEVER_CONNECTED - {Reason.TCP_REFUSED, Reason.TCP_RESET}
"""A refused or reset connection counts as an answer."""


def _nobody(_site: str, _since: Micros, _cut: bool) -> None:
    """Nobody wants to hear of it."""


class _Look(NamedTuple):
    begun: float
    at: Micros
    answers: asyncio.Task[bool]


class Isolation:
    """Looks at a site's references, at most once in VALID_FOR: when a check of the site got no answer, or when one has
    a result while the site is cut off."""

    def __init__(self, clock: Clock, resolver: Resolver) -> None:
        self.cut: frozenset[str] = frozenset()
        """The sites that cannot be reached from where we stand."""
        self.on_cut: Callable[[str, Micros, bool], None] = _nobody
        """Hears when a site is cut off (True) and when it can be reached again, before the result that showed it.

        The time is when its references were asked. It must not raise.
        """
        self._clock, self._resolver = clock, resolver
        self._references: Mapping[str, tuple[Address, ...]] = {}
        self._own = ""
        self._looks: dict[str, _Look] = {}

    def adopt(self, references: Mapping[str, tuple[Address, ...]], own: str = "") -> None:
        """The references of each site, and the site where we stand, if that is known.

        `cut` may have been set before to what was known in the last run.
        """
        for site in self._looks.keys() & {
            name for name, was in self._references.items() if references.get(name) != was
        }:
            del self._looks[site]
        self._references, self._own = references, own
        for site in self.cut:
            if not self._is_judged_by_ours(site):
                self._learn(site, self._clock.now(), cut=False)

    @property
    def looking(self) -> int:
        """How many sites are being looked at."""
        return sum(not look.answers.done() for look in self._looks.values())

    async def judge(self, site: str, outcome: Outcome) -> Outcome:
        """The outcome as it is, flagged where the site cannot be reached from ours, `isolated` where we are cut off."""
        if not self._references.get(site):
            return outcome
        if outcome.reason not in PERHAPS_US:
            if site in self.cut:
                self._look(site)  # perhaps it is back; the result does not wait for that
            return outcome
        look = self._look(site)
        ours = self._look(self._own) if self._is_judged_by_ours(site) else None
        if await asyncio.shield(look.answers):
            return outcome
        if ours is not None and await asyncio.shield(ours.answers):
            self._learn(site, look.at, cut=True)
            return replace(outcome, flags=(*outcome.flags, Flag.SITE_UNREACHABLE))
        detail = f"no reference address of site {site!r} answers either; this check reported: {outcome.detail}"
        return replace(outcome, status=Status.UNKNOWN, reason=Reason.ISOLATED, detail=detail)

    def _is_judged_by_ours(self, site: str) -> bool:
        return site != self._own and bool(self._references.get(site)) and bool(self._references.get(self._own))

    def _look(self, site: str) -> _Look:
        look = self._looks.get(site)
        if look is None or self._clock.monotonic() - look.begun > VALID_FOR:
            at = self._clock.now()
            task = asyncio.get_running_loop().create_task(self._any_answers(site, at))
            look = self._looks[site] = _Look(self._clock.monotonic(), at, task)
        return look

    async def _any_answers(self, site: str, at: Micros) -> bool:
        answers = any(await asyncio.gather(*(_answers(a, self._resolver) for a in self._references[site])))
        if answers:
            self._learn(site, at, cut=False)
        return answers

    def _learn(self, site: str, since: Micros, *, cut: bool) -> None:
        if cut is (site in self.cut) or (cut and not self._is_judged_by_ours(site)):  # a reload came in between
            return
        self.cut = self.cut | {site} if cut else self.cut - {site}
        self.on_cut(site, since, cut)


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
