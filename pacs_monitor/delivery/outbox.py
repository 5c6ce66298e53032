"""Deliveries: in order per incident and channel, retried until taken, given up in the open.

Notifications are fed from memory after the commit (or marked `unrecorded` when the history cannot be written). Each
pair of incident and channel is a lane: one at a time, and nothing overtakes. Each channel delivers a few lanes at once
in threads of its own, so that a slow one delays no other. A notification of a channel that a reload removed waits in
its lane like one whose receiver is down: it goes out when the channel comes back, or is given up.

Before an opened is settled as refused or given up, what waits behind it is settled as dropped: a crash in between tries
the opened again, and never sends an end without its beginning. A reminder that something newer follows is dropped too.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pacs_monitor.delivery.recording import UNDELIVERED, DeliveryHistory, DeliveryRecorder, DeliveryResult
from pacs_monitor.delivery.threads import in_thread
from pacs_monitor.model import (
    SECOND,
    Channel,
    Clock,
    DeliveryError,
    DeliveryStatus,
    Event,
    Failure,
    Micros,
    Notification,
)

log = logging.getLogger(__name__)

GIVE_UP_AFTER = 24 * 3600.0
FIRST_RETRY, LAST_RETRY = 1.0, 60.0
JITTER = 0.2
LONGEST_RETRY_AFTER = 300.0
"""Seconds that a receiver may ask us to wait."""
DELIVERY_TIMEOUT = 30.0
"""Seconds for one attempt, where the channel's own timeout is not shorter."""
AT_ONCE = 4
"""Deliveries that one channel makes at a time."""
ENDINGS = frozenset({Event.RESOLVED, Event.WITHDRAWN})

Lane = tuple[str, str]
"""Incident and channel."""
Listener = Callable[[Notification, DeliveryStatus], Awaitable[None]]


@dataclass(slots=True)
class _Queue:
    """What a lane owes; `busy` while an attempt is under way or its result is being written."""

    waiting: deque[Notification] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    busy: bool = False


class Outbox:
    """Delivers what it is fed; `listen` hears how each ended: a give-up before it is settled, all others after."""

    def __init__(
        self,
        clock: Clock,
        history: DeliveryHistory,
        listen: Listener,
        *,
        give_up_after: float = GIVE_UP_AFTER,
        first_retry: float = FIRST_RETRY,
    ) -> None:
        self.delivered: Counter[str] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        self._clock, self._listen = clock, listen
        self._give_up_after, self._first_retry = give_up_after, first_retry
        self._recorder = DeliveryRecorder(history)
        self._channels: Mapping[str, Channel] = {}
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._lanes: dict[Lane, _Queue] = {}
        self._until: dict[str, float] = {}
        """When each notification is given up, on the monotonic clock: a wall clock that is set ages nothing."""
        self._lost: set[Lane] = set()
        """Lanes whose opened was never taken."""
        self._stopping = False

    def adopt(self, channels: Mapping[str, Channel]) -> None:
        """Deliver through exactly these channels from now on."""
        self._channels = channels
        for channel in {channel for _, channel in self._lanes} - channels.keys():
            log.warning("notifications wait for channel %s, which is not configured any more", channel)

    def feed(self, notifications: Iterable[Notification]) -> None:
        """Owe these from now on, in this order."""
        for notification in notifications:
            if notification.status is not DeliveryStatus.PENDING:
                continue
            if notification.unrecorded:
                self._recorder.defer(notification.id)
            age = max(0.0, (self._clock.now() - notification.created) / SECOND)
            self._until[notification.id] = self._clock.monotonic() + self._give_up_after - age
            lane = notification.incident or notification.id, notification.channel
            queue = self._lanes.setdefault(lane, _Queue())
            queue.waiting.append(notification)
            if queue.task is None and not self._stopping:
                queue.task = asyncio.get_running_loop().create_task(self._work_off(lane, queue))

    def recorded(self, notifications: Iterable[Notification]) -> None:
        """These are in the history now, after they had been fed unrecorded."""
        for notification in notifications:
            self._recorder.resume(notification.id)

    def oldest_pending(self) -> dict[str, Micros]:
        """When the oldest notification that waits was made, per channel."""
        oldest: dict[str, Micros] = {}
        for (_, channel), queue in list(self._lanes.items()):
            for notification in list(queue.waiting):
                oldest[channel] = min(oldest.get(channel, notification.created), notification.created)
        return oldest

    async def test(self, notification: Notification) -> str:
        """Deliver this now, once, on no record; what the receiver said, or DeliveryError."""
        return await self._attempt(notification)

    async def stop(self, grace: float) -> None:
        """Begin no more attempts, wait for those under way; what is not delivered stays pending in the history."""
        self._stopping = True
        busy = {queue.task for queue in self._lanes.values() if queue.task is not None and queue.busy}
        for queue in self._lanes.values():
            if queue.task is not None and not queue.busy:
                queue.task.cancel()
        if busy:
            _, late = await asyncio.wait(busy, timeout=grace)
            for task in late:
                task.cancel()
        self._recorder.stop()

    async def _work_off(self, lane: Lane, queue: _Queue) -> None:
        while queue.waiting and not self._stopping:
            notification = queue.waiting[0]
            superseded = notification.event is Event.REMINDED and len(queue.waiting) > 1
            if superseded or lane in self._lost:
                result: DeliveryResult | None = DeliveryResult(DeliveryStatus.DROPPED, 0, "")
            else:
                result = await self._pursue(notification, queue)
            if result is None:
                return
            queue.busy = True
            await self._close(lane, queue, notification, result)
            queue.busy = False
        queue.task = None
        if not queue.waiting:
            del self._lanes[lane]

    async def _pursue(self, notification: Notification, queue: _Queue) -> DeliveryResult | None:
        """Try until it is taken, refused or given up; None when the outbox stops before."""
        channel, attempts, delay = notification.channel, notification.attempts, self._first_retry
        while True:
            async with self._places[channel]:
                if self._stopping:
                    return None
                queue.busy, attempts = True, attempts + 1
                try:
                    said = await self._attempt(notification)
                    self.delivered[channel] += 1
                    log.info("channel %s took %s: %s", channel, notification.event, _about(notification))
                    return DeliveryResult(DeliveryStatus.DELIVERED, attempts, said)
                except DeliveryError as error:
                    failure = error
            queue.busy = False
            self.failures[channel, failure.reason] += 1
            told = channel, notification.event, attempts, failure, _about(notification)
            log.warning("channel %s did not take %s, attempt %d: %s: %s", *told)
            if failure.failure is not Failure.TEMPORARY:
                return DeliveryResult(DeliveryStatus.REFUSED, attempts, str(failure))
            if self._clock.monotonic() >= self._until[notification.id]:
                return DeliveryResult(DeliveryStatus.GIVEN_UP, attempts, str(failure))
            await asyncio.sleep(_wait(delay, failure.retry_after))
            delay = min(delay * 2, LAST_RETRY)

    async def _attempt(self, notification: Notification) -> str:
        channel = self._channels.get(notification.channel)
        if channel is None:
            raise DeliveryError("channel_removed", f"channel {notification.channel} is not configured")
        try:
            return await in_thread(lambda: channel.deliver(notification, DELIVERY_TIMEOUT))
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a channel raises must not end its lane
            log.error("channel %s has a bug: %s", notification.channel, type(error).__name__)
            raise DeliveryError("channel_error", f"{type(error).__name__} in the channel itself") from None

    async def _close(self, lane: Lane, queue: _Queue, notification: Notification, result: DeliveryResult) -> None:
        """Write how it ended, and tell."""
        if result.status in UNDELIVERED:
            told = lane[1], notification.event, result.status, _about(notification)
            log.error("channel %s: %s is %s, people were not told there: %s", *told)
        if result.status in UNDELIVERED and notification.event is Event.OPENED:
            self._lost.add(lane)
            while len(queue.waiting) > 1:
                await self._recorder.settle(queue.waiting[1].id, DeliveryResult(DeliveryStatus.DROPPED, 0, ""))
                del self._until[queue.waiting[1].id], queue.waiting[1]
        if result.status is DeliveryStatus.GIVEN_UP:
            await self._listen(notification, result.status)
        await self._recorder.settle(notification.id, result)
        queue.waiting.popleft()
        del self._until[notification.id]
        if notification.event in ENDINGS:
            self._lost.discard(lane)
        if result.status is not DeliveryStatus.GIVEN_UP:
            await self._listen(notification, result.status)


def _about(notification: Notification) -> str:
    return str(notification.data.get("summary", notification.id))


def _wait(delay: float, retry_after: float | None) -> float:
    """Seconds until the next attempt: spread, and no sooner than the receiver asks within reason."""
    spread = delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, keeps no secret
    return max(spread, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
