"""What systems report: volumes, queues, feeds, interfaces and the state of a host; and how a probe finds its system."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace

UNKNOWN = "unknown"
"""The state of a service that exists but whose state is unknown."""


class Gap(NamedTuple):
    """A figure that a system does not report, or reports with an impossible value."""

    reason: Reason
    words: str
    """The problem, shown after the object's name and a colon."""
    quiet: bool = False
    """Ignored unless the object was named: many systems list objects that have no size."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object that a system reports."""

    name: str
    row: str = field(default="", kw_only=True)
    """What distinguishes it from others of the same name, such as its row index."""
    hidden: bool = field(default=False, kw_only=True)
    """Left out unless it is named."""
    gap: Gap | None = field(default=None, kw_only=True)
    """Why what should be judged is not known."""

    @property
    def label(self) -> str:
        """A name that no other thing has."""
        return f"{self.name}#{self.row}" if self.row else self.name


@dataclass(frozen=True, slots=True)
class Volume(Named):
    """A place that fills up; sizes in bytes. `systems.sizes` makes one, and finds what cannot be."""

    used: int | None
    """None when not known; then `free` is, too, and `gap` says why."""
    free: int | None
    """What a writer may still use: what is reserved for root is neither used nor free."""
    inodes: int | None = None
    inodes_free: int | None = None
    read_only: bool = False
    full: bool = False
    """The system itself says that it takes nothing more."""


@dataclass(frozen=True, slots=True)
class Queue(Named):
    """Work that waits; None where the system does not report it."""

    length: int | None
    oldest: float | None = None
    """When the longest waiting item came, in seconds of Unix time."""
    newest: float | None = None
    """When the newest waiting item came."""
    size: int | None = None
    """Bytes."""
    in_progress: int | None = None
    failed: int | None = None
    """How many failed items lie there, of which people take some away; or, where `failed_is_total`, …"""
    failed_is_total: bool = False
    """… how many have failed since the system began to count, which it does anew when it restarts or is cleared."""
    failures: frozenset[str] | None = None
    """Failed items that the system still lists, by opaque names of its own; instead of `failed` where it forgets."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What came in over one way."""

    name: str
    received: int | None
    """A counter that may be reset; None when it is not reported."""
    up: bool = True
    """The way is open, as the system sees it."""


class Link(StrEnum):
    """ifOperStatus (RFC 2863, IF-MIB), in words that stand after the name of an interface."""

    UP = "up"
    DOWN = "down"
    TESTING = "in test mode"
    UNKNOWN = "in a state unknown to the agent"
    DORMANT = "dormant: it waits for an external event"
    NOT_PRESENT = "not present: a component is missing"
    LOWER_LAYER_DOWN = "down, because an interface below it is down"


@dataclass(frozen=True, slots=True)
class Interface(Named):
    """A network interface; counters since some time in the past, which may wrap or be reset; None when not reported."""

    link: Link
    enabled: bool = True
    """False when it is switched off (ifAdminStatus)."""
    errors: int | None = None
    """Frames in and out with errors."""
    discards: int | None = None
    octets_in: int | None = None
    octets_out: int | None = None
    speed: int | None = None
    """Bits a second."""

    @property
    def up(self) -> bool:
        return self.link is Link.UP


@dataclass(frozen=True, slots=True)
class HostState:
    """A host; None where the system does not report it."""

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
    """Of those asked for: name → state, `active` when it runs, UNKNOWN when the source does not know it; a service that
    is not there is not in it."""


class ReportsVolumes(Protocol):
    async def volumes(self, node: Node, ctx: ProbeContext, trace: Trace, named: Sequence[str] = ()) -> Sequence[Volume]:
        """All of them; what is costly to look at and hidden only where `named` has it. Raises NetFailure."""
        ...


class ReportsQueues(Protocol):
    async def queues(self, node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        """Raises NetFailure."""
        ...


class ReportsFeeds(Protocol):
    async def feeds(self, node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Feed]:
        """Raises NetFailure."""
        ...


class ReportsInterfaces(Protocol):
    async def interfaces(self, node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Interface]:
        """Raises NetFailure."""
        ...


class ReportsHost(Protocol):
    async def host(self, services: Collection[str], node: Node, ctx: ProbeContext, trace: Trace) -> HostState:
        """The host, with the states of these services; raises NetFailure."""
        ...
