"""One C-ECHO against a peer."""

from __future__ import annotations

import time

from pacs_monitor.dicom import Association, Target, associate
from pacs_monitor.dicom.verification import CONTEXTS, echo
from pacs_monitor.model import Address
from pacs_monitor.model import Resolver as ResolverProtocol
from pacs_monitor.net import NetFailure, Resolver

TIMEOUT = 1.5


def target(port: int, host: str = "127.0.0.1", called: str = "PEER") -> Target:
    return Target(Address(host, port), called, "PACSMON")


async def echo_at(to: Target, *, timeout: float = TIMEOUT, resolver: ResolverProtocol | None = None) -> Association:
    """The association of a C-ECHO that went well, over by now; raises NetFailure."""
    deadline = time.monotonic() + timeout
    async with await associate(to, CONTEXTS, resolver=resolver or Resolver(), deadline=deadline) as association:
        await echo(association)
    return association


async def failure_of(to: Target, *, timeout: float = TIMEOUT, resolver: ResolverProtocol | None = None) -> NetFailure:
    """The failure that a C-ECHO meets, within its deadline."""
    began = time.monotonic()
    try:
        await echo_at(to, timeout=timeout, resolver=resolver)
    except NetFailure as failure:
        assert time.monotonic() - began < timeout + 1.0
        return failure
    raise AssertionError("the C-ECHO went well")
