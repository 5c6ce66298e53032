"""Deliveries: in order per incident and channel, retried until taken, never given up while the incident goes on.

Notifications are fed from memory after the commit (or marked `unrecorded` when the history cannot be written). Each
channel has a backlog of its own, which says what goes next (`backlog`), and delivers in threads of its own, so that a
slow one delays no other. A notification of a channel that a reload removed waits in its lane: it goes out when the
channel comes back.

What is not sent is recorded in one transaction with the digest that reports it, so that a crash in between sends
neither an end without its beginning, nor nothing at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from ulid import ULID

from pacs_monitor.delivery.backlog import Backlog
from pacs_monitor.delivery.circuit import RetryPolicy, spread
from pacs_monitor.delivery.digest import digest, extended, missed
from pacs_monitor.delivery.health import ChannelHealth, ChannelTrouble, health_of
from pacs_monitor.delivery.lanes import Item
from pacs_monitor.delivery.listener import Listener
from pacs_monitor.delivery.recorder import DeliveryHistory, DeliveryRecorder
from pacs_monitor.delivery.sending import Sender
from pacs_monitor.delivery.unsent import Dropped
from pacs_monitor.model import (
    SECOND,
    Channel,
    Clock,
    DeliveryError,
    DeliveryResult,
    DeliveryStatus,
    Failure,
    Micros,
    Notification,
)
from pacs_monitor.supervision import Supervisor

log = logging.getLogger(__name__)


async def _permit_all(_notification: Notification) -> None:
    """Everything may be sent at once."""


@dataclass(slots=True)
class _ChannelState:
    """One channel's work."""

    backlog: Backlog
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)
    worker: asyncio.Task[None] | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Attempts, and writing of what is not sent."""
    trouble: ChannelTrouble | None = None
    """As it was given."""
    last_reason: str = ""
    """Of the last attempt that failed."""
    digest: Notification | None = None
    """The last one, as long as it can be extended."""


class Outbox:
    """Delivers the notifications given to it; `listener` is called with each result and with each failing channel."""

    def __init__(
        self,
        clock: Clock,
        history: DeliveryHistory,
        listener: Listener,
        supervisor: Supervisor,
        policy: RetryPolicy,
        *,
        permit: Callable[[Notification], Awaitable[None]] = _permit_all,
    ) -> None:
        self.delivered: Counter[str] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        self.last_success: dict[str, Micros] = {}  # of each channel: what was delivered proves that it works
        self._clock, self._listener, self._supervisor, self._policy = clock, listener, supervisor, policy
        self._sender = Sender(permit)
        self._recorder = DeliveryRecorder(history, supervisor)
        self._places: dict[str, _ChannelState] = {}
        self._late_after: Mapping[str, float] = {}
        self._stopping = False

    def adopt(
        self,
        channels: Mapping[str, Channel],
        changed: Collection[str] = (),
        late_after: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Deliver through exactly these from now on; what was changed, or is new, is tried again at once.

        `late_after`: seconds after which it is said that a page of the channel is late.
        """
        before, self._sender.channels = self._sender.channels, channels
        self._late_after = late_after
        for name, place in self._places.items():
            place.backlog.be_patient(late_after.get(name))
            if name not in channels:
                log.warning("notifications are pending for channel %s, which is no longer configured", name)
            elif name in changed or name not in before:
                place.backlog.release(self._clock.monotonic())
            place.wakeup.set()

    def assume_trouble(self, channel: str, trouble: ChannelTrouble) -> None:
        """The run before left it so; it is tried at once."""
        place = self._place(channel)
        place.trouble = trouble
        place.backlog.circuit.open(self._clock.monotonic())

    def assume_successes(self, last_success: Mapping[str, Micros]) -> None:
        """When the runs before delivered something."""
        self.last_success.update(last_success)

    def feed(self, notifications: Iterable[Notification], *, of_a_run_before: bool = False) -> None:
        """Owe these from now on, in this order."""
        for notification in notifications:
            if notification.status is not DeliveryStatus.PENDING:
                continue
            place = self._place(notification.channel)
            age = max(0.0, (self._clock.now() - notification.created) / SECOND) if of_a_run_before else 0.0
            place.backlog.feed(notification, self._clock.monotonic(), may_have_arrived=of_a_run_before, age=age)
            place.wakeup.set()

    def ended(self, incidents: Iterable[str]) -> None:
        """These incidents are over, and what is owed of their ends has been fed."""
        for incident in incidents:
            for place in self._places.values():
                place.backlog.end(incident)
                place.wakeup.set()

    def defer(self, notifications: Iterable[Notification]) -> None:
        """The history does not know these yet: how they end is written once it does, which `recorded` says."""
        for notification in notifications:
            self._recorder.defer(notification.id)

    def recorded(self, notifications: Iterable[Notification]) -> None:
        """These were deferred, and are in the history now."""
        for notification in notifications:
            self._recorder.resume(notification.id)

    def pending(self) -> tuple[Notification, ...]:
        """All that waits for its delivery."""
        return tuple(item.notification for place in self._places.values() for item in place.backlog.items())

    def health(self) -> dict[str, ChannelHealth]:
        """Every channel that is configured or is owed something; may be asked from another thread."""
        places, successes, found = dict(self._places), dict(self.last_success), dict[str, ChannelHealth]()
        for name in sorted({*self._sender.channels, *places}):
            place = places.get(name)
            owed, trouble = (None, None) if place is None else (place.backlog, place.trouble)
            found[name] = health_of(owed, trouble, successes.get(name), self._sender.channels.get(name))
        return found

    async def test(self, notification: Notification) -> str:
        """Deliver this now, once; what the receiver said, or DeliveryError.

        A success closes the circuit: what waits goes out.
        """
        said = await self._sender.send(notification)
        self.last_success[notification.channel] = self._clock.now()
        if (place := self._places.get(notification.channel)) is not None:
            place.backlog.release(self._clock.monotonic())
            place.wakeup.set()
        return said

    async def stop(self, grace: float) -> None:
        """Begin no more attempts and wait for those in progress; undelivered notifications stay pending in the
        history."""
        self._stopping = True
        for place in self._places.values():
            if place.worker is not None:
                place.worker.cancel()
        busy = {task for place in self._places.values() for task in place.tasks}
        if busy:
            _, late = await asyncio.wait(busy, timeout=grace)
            for task in late:
                task.cancel()
        self._recorder.stop()

    def _place(self, channel: str) -> _ChannelState:
        place = self._places.get(channel)
        if place is None:
            place = self._places[channel] = _ChannelState(Backlog(self._policy, spread))
            place.backlog.be_patient(self._late_after.get(channel))
        if place.worker is None and not self._stopping:
            working = place
            place.worker = self._supervisor.supervise(f"channel {channel}", lambda: self._work(channel, working))
        return place

    async def _work(self, channel: str, place: _ChannelState) -> None:
        while True:
            place.wakeup.clear()
            now = self._clock.monotonic()
            for dropped in place.backlog.drop(now):
                self._drop(place, dropped)
            while channel in self._sender.channels and (item := place.backlog.next(now)) is not None:
                self._begin(place, self._attempt(channel, place, item))
            self._look_at_circuit(channel, place)
            for incident in place.backlog.patience.late(now):
                self._listener.page_late(channel, incident)
            wake = place.backlog.wake_at(now)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wake is None else wake - now):
                    await place.wakeup.wait()

    def _begin(self, place: _ChannelState, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        place.tasks.add(task)
        task.add_done_callback(place.tasks.discard)

    async def _attempt(self, channel: str, place: _ChannelState, item: Item) -> None:
        """Try once, and record what came of it; whatever happens, the lane is free again at the end."""
        began, status = self._clock.monotonic(), DeliveryStatus.DELIVERED
        try:
            try:
                said = await self._sender.send(item.notification)
            except DeliveryError as error:
                place.backlog.failed(item, error, began, self._clock.monotonic())
                self._note_failure(channel, place, item, error)
                if error.failure is not Failure.UNSENDABLE:
                    return
                status, said = DeliveryStatus.REFUSED, str(error)
            else:
                place.backlog.taken(item, self._clock.monotonic())
                self.delivered[channel] += 1
                self.last_success[channel] = self._clock.now()
                log.info("channel %s delivered %s: %s", channel, item.notification.event, _about(item.notification))
            await self._recorder.record([DeliveryResult(item.notification.id, status, item.attempts, said)])
            place.backlog.done(item, lost=status is DeliveryStatus.REFUSED and item.notification.opens)
            self._listener.ended(item.notification, status)
        except Exception as error:  # noqa: BLE001 - the one guard of attempts: a fault costs no more than this one
            self._supervisor.failed(f"channel {channel}", error)
        finally:
            place.backlog.abandon(item, self._clock.monotonic())
            place.wakeup.set()

    def _note_failure(self, channel: str, place: _ChannelState, item: Item, error: DeliveryError) -> None:
        place.last_reason = error.reason
        self.failures[channel, error.reason] += 1
        facts = channel, item.notification.event, item.attempts, error.reason, error, _about(item.notification)
        log.warning("channel %s did not deliver %s, attempt %d: %s: %s: %s", *facts)
        if place.backlog.is_poison(item) and item.blamed == self._policy.refusals:
            log.error("channel %s refuses %s but accepts others; it is retried hourly", channel, item.notification.id)

    def _drop(self, place: _ChannelState, dropped: Dropped) -> None:
        """Record what is not sent, and report what was missed in a digest."""
        results = [DeliveryResult(item.notification.id, status, item.attempts) for item, status in dropped.items]
        if not dropped.missed:
            self._begin(place, self._recorder.record(results))
            return
        notifications = [item.notification for item, _ in dropped.items]
        now = self._clock.now()
        before = place.digest and extended(place.digest, [missed(notifications)])
        if before is not None and place.backlog.replace(before):
            place.digest = before
        else:
            identity = str(ULID.from_timestamp(now / SECOND))
            place.digest = digest(identity, now, [missed(notifications)], like=notifications[0])
            place.backlog.feed(place.digest, self._clock.monotonic())
        log.error("channel %s: no notification was delivered for %s", place.digest.channel, _about(notifications[0]))
        self._begin(place, self._recorder.record(results, place.digest))

    def _look_at_circuit(self, channel: str, place: _ChannelState) -> None:
        circuit = place.backlog.circuit
        if circuit.is_open == (place.trouble is not None):
            return
        trouble = None
        if circuit.is_open:
            lasts = self._clock.monotonic() - (circuit.failing_since or self._clock.monotonic())
            trouble = ChannelTrouble(self._clock.now() - round(lasts * SECOND), place.last_reason)
            log.error(
                "channel %s delivers nothing: %s; only one notification at a time is retried",
                channel,
                place.last_reason,
            )
        else:
            log.warning(
                "channel %s works again, was reloaded, or has nothing left to deliver; pending notifications are sent",
                channel,
            )
        self._listener.circuit_moved(channel, trouble)
        place.trouble = trouble


def _about(notification: Notification) -> str:
    return str(notification.data.get("summary", notification.id))
