"""The names of one run: it connects to no address whose seat it does not hold."""

from __future__ import annotations

from collections.abc import Mapping

from pacs_monitor.model import Phase, Reason, Resolver
from pacs_monitor.net import NetFailure, canonical

Addresses = tuple[str, ...]


class MovedError(BaseException):
    """A name has other addresses than those whose seats are held, and nothing was asked yet: begin again.

    Like a cancellation it is no Exception, so that no probe takes it for a failure.
    """


class PinnedResolver:
    """Resolves for one run. What a name was answered first stays, so that its seats do, too."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._held: Mapping[str, Addresses] = {}
        self._answers: dict[str, tuple[Addresses, bool]] = {}

    def hold(self, held: Mapping[str, Addresses]) -> None:
        """The names whose addresses the run may connect to from now on, with the addresses."""
        self._held = held
        for host, (addresses, _) in self._answers.items():
            if not self._covers(host, addresses):
                self._answers[host] = held[host], True

    async def resolve(self, host: str) -> tuple[Addresses, bool]:
        """As the resolver that it stands for; raises MovedError before the first answer of a run."""
        if host in self._answers:
            return self._answers[host]
        answer = await self._resolver.resolve(host)
        if host not in self._held:
            return answer
        if not self._covers(host, answer[0]):
            if not self._answers:
                self._answers[host] = answer
                raise MovedError
            answer = self._held[host], True
            if not answer[0]:
                detail = f"the name {host} began to resolve during this run; the next run will use it"
                raise NetFailure(Reason.DNS, Phase.RESOLVE, detail)
        self._answers[host] = answer
        return answer

    def _covers(self, host: str, addresses: Addresses) -> bool:
        seated = {canonical(address) for address in self._held.get(host) or (host,)}
        return {canonical(address) for address in addresses} <= seated
