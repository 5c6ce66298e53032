"""What systems tell: volumes, queues, feeds, interfaces and the state of a host; and how a probe finds its system."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pacs_monitor.model import Node, ProbeContext
from pacs_monitor.net import Passage


@dataclass(frozen=True, slots=True)
class Volume:
    """A place that fills up; sizes in bytes, None where the system does not tell."""

    name: str
    used: int
    free: int
    """What a writer may still use: what is reserved for root is neither used nor free."""
    inodes: int | None = None
    inodes_free: int | None = None
    read_only: bool = False
    full: bool = False
    """The system itself says that it takes nothing more."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Work that waits; None where the system does not tell."""

    name: str
    length: int
    oldest: float | None = None
    """When the longest waiting item came, in seconds of Unix time."""
    newest: float | None = None
    """When the newest waiting item came."""
    size: int | None = None
    """Bytes."""
    in_progress: int | None = None
    failed: int | None = None
    """How many failed items lie there, of which people take some away; or, where it is a `tally`, …"""
    tally: bool = False
    """… how many have failed since the system began to count, which it does anew when it restarts or is cleared."""
    failures: frozenset[str] | None = None
    """Failed items that the system still lists, by opaque names of its own; instead of `failed` where it forgets."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What came in over one way."""

    name: str
    received: int
    """A counter that may be cleared."""
    up: bool = True
    """The way is open, as the system sees it."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface; counters since some time in the past, which may wrap or be cleared."""

    name: str
    enabled: bool
    """Meant to be up (ifAdminStatus)."""
    up: bool
    """Is up (ifOperStatus)."""
    errors: int
    """Frames in and out with errors."""
    discards: int
    octets_in: int
    octets_out: int
    speed: int | None = None
    """Bits a second."""


@dataclass(frozen=True, slots=True)
class HostState:
    """A host; None where the system does not tell."""

    memory: int | None = None
    """Bytes."""
    memory_available: int | None = None
    """Bytes that programs can have without swapping."""
    load: float | None = None
    """Load average of the last minute."""
    cpus: int | None = None
    processes: Mapping[str, int] | None = None
    """Name of a program → how many run."""
    ports: frozenset[int] | None = None
    """TCP ports that something listens on."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Of those asked for: name → state, `active` when it runs; a service that is not there is not in it."""


class TellsVolumes(Protocol):
    async def volumes(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        """Raises NetFailure."""
        ...


class TellsQueues(Protocol):
    async def queues(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Queue]:
        """Raises NetFailure."""
        ...


class TellsFeeds(Protocol):
    async def feeds(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Feed]:
        """Raises NetFailure."""
        ...


class TellsInterfaces(Protocol):
    async def interfaces(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Interface]:
        """Raises NetFailure."""
        ...


class TellsHost(Protocol):
    async def host(self, services: Collection[str], node: Node, ctx: ProbeContext, passage: Passage) -> HostState:
        """The host, with the states of these services; raises NetFailure."""
        ...
