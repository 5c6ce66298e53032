"""What a probe, a channel and the clock promise: the Protocols shared by all packages."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from pacs_monitor.language import N_
from pacs_monitor.model.enums import Layer
from pacs_monitor.model.estate import Address, Node, Timing
from pacs_monitor.model.hours import OpeningHours
from pacs_monitor.model.incidents import Notification
from pacs_monitor.model.objects import ObjectLedger
from pacs_monitor.model.results import CheckId, Measure, Outcome
from pacs_monitor.model.times import Micros

T = TypeVar("T")


class Clock(Protocol):
    """The injected clock."""

    def now(self) -> Micros:
        """Wall time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that no time server steps; the same as the running loop's time()."""
        ...


class Resolver(Protocol):
    """Name resolution with memory of the last good addresses (net.Resolver)."""

    async def resolve(self, host: str) -> tuple[tuple[str, ...], bool]:
        """The addresses of a host, and whether they came from memory because the name no longer resolves."""
        ...


class RememberingResolver(Resolver, Protocol):
    """A resolver whose remembered addresses can be read."""

    def known(self, host: str) -> tuple[str, ...]:
        """The last known addresses of a host, without a lookup; () when there are none."""
        ...


class DicomListener(Protocol):
    """Our own DICOM acceptor (`monitor.dicom_listener`); it accepts only objects that a probe expects and the ledger
    contains."""

    @property
    def ae_title(self) -> str: ...

    def expect(self, sop_instance: str) -> Awaitable[Any]:
        """The object of this UID, once a peer has sent it to us (dicom.acceptor.ReceivedObject)."""
        ...

    def expect_commitment(self, transaction: str) -> Awaitable[Any]:
        """The N-EVENT-REPORT of this transaction, once a peer has sent it (PS3.4 J.3.3)."""
        ...


class FeedActivity(NamedTuple):
    """What our HL7 listener keeps of the messages of one type: how many came, and when the last one did."""

    messages: int
    last: Micros


class Hl7Listener(Protocol):
    """Our own MLLP listener (`monitor.hl7_listener`); of a message it keeps type, time and count alone."""

    @property
    def activity(self) -> Mapping[str, FeedActivity]:
        """By message type (MSH-9, such as ORM^O01), since it listens."""
        ...

    def expect(self, control_id: str) -> Future[float]:
        """When a message of this MSH-10 comes in, on `clock.monotonic()`; cancel it when it is no longer awaited."""
        ...


class ProbeContext(Protocol):
    """What a probe is given for one run."""

    @property
    def check(self) -> CheckId:
        """Which check runs."""
        ...

    @property
    def deadline(self) -> float:
        """When the run must end, on `clock.monotonic()`; extended by the time that the run waits for the monitor
        itself."""
        ...

    @property
    def clock(self) -> Clock: ...

    @property
    def resolver(self) -> Resolver: ...

    @property
    def memory(self) -> MutableMapping[str, Any]:
        """A few JSON values per check that survive a restart."""
        ...

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes that the check's settings name (fields.NodeName)."""
        ...

    @property
    def ledger(self) -> ObjectLedger: ...

    @property
    def dicom_listener(self) -> DicomListener | None:
        """None unless `monitor.dicom_listener` is configured and listens."""
        ...

    @property
    def hl7_listener(self) -> Hl7Listener | None:
        """None unless `monitor.hl7_listener` is configured and listens."""
        ...

    @property
    def calendar(self) -> OpeningHours | None:
        """The hours in which what the check expects must happen; None: at all hours."""
        ...

    @property
    def zone(self) -> tzinfo:
        """The monitor's time zone: what `today` means."""
        ...

    def blocking(self, call: Callable[[], T], *, meanwhile: bool = False) -> Awaitable[T]:
        """Run a blocking call in the bounded thread pool.

        The wait for a free thread does not count against the deadline, unless the run does something else `meanwhile`.
        """
        ...

    async def ours(self, answer: Awaitable[T], what: str = "the monitor itself") -> T:
        """Wait for a part of the monitor, named by `what`; the wait does not count against the deadline.

        Raises StandstillError when it takes longer than the check's own timeout; if it is not caught, the run is
        `not_measured`.
        """
        ...


class Needs(NamedTuple):
    """What a node must say so that a probe or system (as its `needs`) has somebody to ask: its host at least."""

    block: str = ""
    """The block of the node that says the rest, …"""
    or_keys: tuple[str, ...] = ()
    """… unless the check itself says all of these."""


@runtime_checkable
class Probe(Protocol):
    """The code of one kind of check: one file per kind in `pacs_monitor/probes/`, with one class that inherits this.

    What has a default here is declared only where it differs.
    """

    kind: ClassVar[str]
    settings: ClassVar[type[Any]]
    """What a check of this kind may say; with `peer` (Located), unless it asks nobody at an address."""
    layer: ClassVar[Layer]
    measures: ClassVar[tuple[Measure, ...]] = ()
    writes: ClassVar[bool] = False
    """Writes or pulls images or messages, so it needs `enabled_by`."""
    uses_association: ClassVar[bool] = False
    """Takes the seat of each of its addresses."""
    needs: ClassVar[Needs | None] = None
    timing: ClassVar[Timing] = Timing()
    next_steps: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """By reason, what to do first, where the reason's own words are too general, each marked by `N_`; a page then says
    the detail, too."""

    def addresses(self, node: Node, settings: Any) -> tuple[Address, ...]:  # noqa: ARG002
        """The addresses that a run opens associations to, in a fixed order."""
        return ()

    def recovered(self, settings: Any) -> str:  # noqa: ARG002
        """What a page says of a check that is well again, marked by `N_`."""
        return N_("recovered")

    def paused(self, check: CheckId) -> None:  # noqa: ARG002
        """People have stopped this check: close what is kept open between its runs. It may be said again."""
        return

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:  # noqa: ARG002
        """People had stopped the check in that time: what it waits for may have been unable to come."""
        return

    async def run(self, node: Node, settings: Any, ctx: ProbeContext) -> Outcome: ...


class SeatHolder(Protocol):
    """Holds the seats of some addresses for one conversation; raises NetFailure when they are not free in time."""

    def __call__(self, *addresses: Address) -> AbstractAsyncContextManager[None]: ...


class Load(NamedTuple):
    """The most that one run writes, for the approval."""

    objects: int = 0
    deletions: int = 0
    notices: int = 0
    """What the node may send to others as a result: availability notices, HL7 messages, routing."""


@runtime_checkable
class Burden(Protocol):
    """A probe that writes, and declares how much."""

    def load(self, settings: Any) -> Load: ...


@runtime_checkable
class Guarded(Protocol):
    """A probe that runs commands or statements of the configuration: only where `monitor.allow` names the check."""

    def needs_allowing(self, settings: Any) -> bool: ...


@runtime_checkable
class Located(Protocol):
    """Settings of a check, or of a system's block, that say whom they ask, and as whom."""

    def peer(self, node: Node) -> tuple[str, ...]:
        """Effective host, port and titles, or the URL without account and query: a change makes it another question.

        No secret, no limit, no time. What a check that says nothing asks does not change (a job that reports to us).
        """
        ...


@runtime_checkable
class Tidies(Protocol):
    """A probe that leaves test objects behind when it is interrupted, and clears them away when the monitor starts."""

    async def tidy(self, node: Node, settings: Any, ctx: ProbeContext) -> None: ...


@runtime_checkable
class Watches(Protocol):
    """A probe that can show, in a single slow run, to which nodes a stored object is routed."""

    async def watch(
        self,
        node: Node,
        settings: Any,
        ctx: ProbeContext,
        nodes: Collection[Node],
        report: Callable[[str], None],
        *,
        seat: SeatHolder,
    ) -> Outcome:
        """Store once, query all of these nodes until shortly before the deadline, clean up; each finding is reported.

        It takes half an hour, so it holds the seat of an address only during a conversation.
        """
        ...


@runtime_checkable
class Channel(Protocol):
    """A way to reach people: one file per kind in `pacs_monitor/channels/`; made as `Kind(name, settings)`."""

    kind: ClassVar[str]
    settings: ClassVar[type[Any]]
    owns_escalation: ClassVar[bool]
    """Whether the receiver escalates by itself: what such a channel has, the monitor does not escalate."""
    takes_answers: ClassVar[bool]
    """Whether acknowledgements at the receiver reach the monitor, so that a test needs one; no kind does yet."""

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Blocking: deliver one notification within `timeout` seconds; the receiver's answer, or DeliveryError.

        It runs in a thread of its own, beside others of the same channel. A notification comes again, with the same
        `id`, until it is delivered or given up; after Failure.UNSENDABLE it does not.
        """
        ...


class ReplyFields(NamedTuple):
    """How a box forwards the replies that it receives."""

    sender: str
    """The field with the sender's number; `a.b` within an object."""
    text: str
    """The field with what was written."""
    always_200: bool
    """It repeats whatever is not answered with 200."""


@runtime_checkable
class TakesReplies(Protocol):
    """A channel whose person may answer a page with its code (sms)."""

    person: str
    """Who answers."""

    @property
    def replies(self) -> ReplyFields | None:
        """How replies come in; None where the configuration takes none."""
        ...

    def is_from(self, sender: str) -> bool:
        """Whether a sender, as the box writes it, is this channel's person; takes the same time for every number."""
        ...


def takes_replies(channel: object) -> bool:
    """Whether pages to that channel have a code, with which people answer."""
    return isinstance(channel, TakesReplies) and channel.replies is not None


@runtime_checkable
class Warns(Protocol):
    """A channel that may deliver to some people and not to others (mail with several recipients)."""

    def warnings(self) -> Sequence[str]:
        """What is wrong although it delivers, one sentence each; may be asked from any thread."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A channel whose receiver forgets what it does not hear of again and again (Alertmanager)."""

    @property
    def refresh_every(self) -> float:
        """Seconds from one refresh to the next."""
        ...

    def refresh(self, standing: Sequence[Notification], timeout: float) -> None:
        """Blocking, beside deliveries, one at a time: the open incidents of which this channel was notified, as they
        stand now; also when there are none. Raises DeliveryError.
        """
        ...


class Taken(NamedTuple):
    """An open incident that a channel has delivered, and that nobody has acknowledged here."""

    incident: str
    dedup_key: str
    page: int


class AcknowledgedThere(NamedTuple):
    """Somebody has acknowledged a page at its receiver."""

    by: str
    """Their name there."""
    at: Micros | None
    """When, if the receiver says so."""


@runtime_checkable
class KeepsAcknowledgements(Protocol):
    """A channel at whose receiver people acknowledge (PagerDuty): it is asked, or its pages are known to keep that."""

    service: ClassVar[str]
    """What people call the receiver."""

    @property
    def poll_every(self) -> float | None:
        """Seconds from one question to the next; None where the configuration does not say to ask."""
        ...

    def acknowledged(self, taken: Taken, timeout: float) -> AcknowledgedThere | None:
        """Blocking: who of the people there has acknowledged the current page, if anybody has; raises DeliveryError.

        Not what the monitor itself has acknowledged there.
        """
        ...
