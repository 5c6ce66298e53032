"""What one channel owes: lanes in order, the best of their heads next. Pure; times are on the monotonic clock.

Theory of operation. A lane is one incident on this channel: one notification at a time, and nothing overtakes. Of the
lanes that may be tried, the most severe goes next (by the worst that waits in it), at the same severity an end before
the rest, then the oldest. While the circuit is open, one is tried at a time; what failed goes behind those that were
tried less often, so that one bad page holds up no other; a failure to connect says nothing about the page, and changes
no order. A circuit closes when nothing is owed any more: nothing would show whether the channel works again.

A refusal is the notification's own fault, and not the channel's, when another was taken since its first refusal and
nothing else has failed since. Ten of these make it poison: it is tried hourly, and opens no circuit.
"""

from __future__ import annotations

from collections.abc import Iterator

from pacs_monitor.delivery.circuit import Circuit, RetryPolicy, Spread
from pacs_monitor.delivery.due_queue import DueQueue
from pacs_monitor.delivery.lanes import Item, Lane, lane_of
from pacs_monitor.delivery.patience import Patience
from pacs_monitor.delivery.unsent import Dropped, deadline, emptied, overdue, replaced
from pacs_monitor.model import ENDINGS, DeliveryError, Failure, Notification


class Backlog:
    """One channel's lanes and its circuit."""

    def __init__(self, policy: RetryPolicy, spread: Spread) -> None:
        self.circuit = Circuit(policy, spread)
        self._policy, self._spread = policy, spread
        self._lanes: dict[str, Lane] = {}
        self._agenda = DueQueue()
        """The lanes that may be tried."""
        self._planned_open = False
        """Whether they are ordered as while the circuit is open."""
        self._held: set[str] = set()
        """Digests that wait until the channel works again."""
        self._changed: set[str] = set()
        """Lanes where something may have to be dropped."""
        self._deadlines = DueQueue()
        """Lanes of ended incidents where something will have to be."""
        self._lost: set[str] = set()
        """Incidents whose `opened` notification cannot be sent: nothing may follow, not even `resolved`."""
        self.patience = Patience()
        self._in_flight: set[Item] = set()
        self._count = 0

    def items(self) -> Iterator[Item]:
        """All that wait or are under way; may be asked from another thread."""
        for lane in list(self._lanes.values()):
            yield from list(lane.waiting)

    def feed(self, notification: Notification, now: float, *, may_have_arrived: bool = False, age: float = 0.0) -> None:
        """Owe this from now on; of a run before this one nobody knows what arrived."""
        key = lane_of(notification)
        lane = self._lanes.setdefault(key, Lane())
        self._count += 1
        item = Item(notification, now, self._count, now, self._policy.backoff(), age, may_have_arrived=may_have_arrived)
        lane.waiting.append(item)
        lane.ended = lane.ended or notification.event in ENDINGS
        self._plan(key)
        if len(lane.waiting) == 1 and self.circuit.is_open:
            self.circuit.arrived(now)
        self.patience.begin(item, self.circuit)

    def replace(self, notification: Notification) -> bool:
        """Put this in the place of the one with the same id, unless that may have arrived or is under way."""
        lane = self._lanes.get(lane_of(notification))
        if lane is None or lane.busy or lane.waiting[0].may_have_arrived:
            return False
        lane.waiting[0].notification = notification
        return True

    def be_patient(self, after: float | None) -> None:
        """A page is late from then on: `patience` says which; None: never."""
        self.patience.change(after, self.items(), self.circuit)

    def end(self, incident: str) -> None:
        """The incident is over; its end may not be owed here."""
        if (lane := self._lanes.get(incident)) is None:
            self._lost.discard(incident)
        else:
            lane.ended = True
            self._changed.add(incident)

    def next(self, now: float) -> Item | None:
        """What to try now, if anything; its lane is busy until `failed` or `done`."""
        self._plan_anew_if_moved(now)
        if self._held and not self._holds():  # first, so that `wake_at` knows of them too
            self._plan(*self._held)
            self._held.clear()
        if not self._has_a_place() or (self.circuit.is_open and now < self.circuit.next_try):
            return None
        while (key := self._agenda.best(now)) is not None:
            lane = self._lanes[key]
            if lane.is_digest and self._holds():
                self._held.add(key)
                continue
            lane.busy = True
            self._in_flight.add(lane.waiting[0])
            return lane.waiting[0]
        return None

    def wake_at(self, now: float) -> float | None:
        """When to ask again, if nothing happens before."""
        self._plan_anew_if_moved(now)
        times = [self.circuit.opens_at, self._deadlines.next_due(), self.patience.next_due()]
        if self._has_a_place():
            if self.circuit.is_open and self._agenda.has_due(now):
                times.append(self.circuit.next_try)
            times.append(self._agenda.next_due())
        return min((time for time in times if time is not None and time > now), default=None)

    def taken(self, item: Item, now: float) -> None:
        """It was delivered; the lane stays busy until `done`."""
        self._in_flight.discard(item)
        item.attempts, item.taken = item.attempts + 1, True
        key = lane_of(item.notification)
        self.patience.end(key)
        for other in self._lanes[key].waiting:
            if other is not item:
                self.patience.begin(other, self.circuit)
        if self.circuit.is_open or self.circuit.failing_since is not None:
            self._release(now, everything=False)
        self.circuit.succeeded(now)

    def failed(self, item: Item, error: DeliveryError, began: float, now: float) -> None:
        """It was not; the lane is free again, unless it can never be sent: then it stays busy until `done`."""
        self._in_flight.discard(item)
        item.attempts, item.error = item.attempts + 1, error
        if error.failure is Failure.UNSENDABLE:
            return
        key = lane_of(item.notification)
        self._lanes[key].busy = False
        item.may_have_arrived = item.may_have_arrived or error.may_have_arrived
        item.not_before = now + min(error.retry_after or 0.0, self._policy.longest_retry_after)
        refused = error.failure is Failure.REFUSAL
        if refused and self._own_fault(item):
            item.blamed += 1
        else:
            self.circuit.failed(began, now, refused=refused, not_before=item.not_before)
        if refused:
            item.refusals += 1
            item.refused_at = now if item.refused_at is None else item.refused_at
        if refused or error.may_have_arrived:
            item.turns += 1
        item.next_try = max(now + self._spread(self._wait(item)), item.not_before)
        item.backoff.failed()
        self._plan(key)

    def done(self, item: Item, *, lost: bool = False) -> None:
        """Its result is on record, or kept to be written: the lane goes on."""
        key = lane_of(item.notification)
        lane = self._lanes[key]
        lane.busy = False
        lane.waiting.popleft()
        if lost and (lane.waiting or not lane.ended):
            self._lost.add(key)
        self._plan(key)

    def abandon(self, item: Item, now: float) -> None:
        """Its attempt is over, whatever became of it: if its lane is still busy with it, it is free from now on."""
        self._in_flight.discard(item)
        lane = self._lanes.get(lane_of(item.notification))
        if lane is None or not lane.busy or lane.waiting[0] is not item:
            return
        if item.taken:
            self.done(item)
        else:
            lane.busy = False
            item.may_have_arrived = True
            item.next_try = now + self._spread(item.backoff.pause)
            self._plan(lane_of(item.notification))

    def release(self, now: float) -> None:
        """There is reason to expect another outcome: everything is tried again at once."""
        self._release(now, everything=True)

    def drop(self, now: float) -> list[Dropped]:
        """What is not sent any more; it is gone from here."""
        keys, self._changed = self._changed, set()
        while (key := self._deadlines.best(now)) is not None:
            keys.add(key)
        dropped: list[Dropped] = []
        for key in sorted(keys & self._lanes.keys()):
            lane = self._lanes[key]
            if key in self._lost and not lane.busy:
                dropped.append(Dropped(emptied(lane), missed=False))
                if lane.ended:
                    self._lost.discard(key)
            elif not lane.busy:
                dropped += overdue(lane, now, self._policy)
            dropped += replaced(lane)
            self._plan(key)
            self._changed.discard(key)
            if lane.ended and lane.waiting and not lane.busy:
                self._deadlines.put(key, deadline(lane, self._policy))
        return dropped

    def is_poison(self, item: Item) -> bool:
        return item.blamed >= self._policy.refusals

    def _has_a_place(self) -> bool:
        return len(self._in_flight) < (1 if self.circuit.is_open else self._policy.at_once)

    def _holds(self) -> bool:
        """While the channel fails a digest waits, and grows, as long as others show whether it works again."""
        return self.circuit.failing_since is not None and any(
            not lane.is_digest and not self.is_poison(lane.waiting[0]) for lane in self._lanes.values()
        )

    def _plan_anew_if_moved(self, now: float) -> None:
        self.circuit.look(now)
        if self.circuit.is_open and not self._lanes:
            self.circuit.close()  # nothing is left to show whether the channel works again
        if self.circuit.is_open is not self._planned_open:
            self._planned_open = self.circuit.is_open
            self._plan(*self._lanes)

    def _plan(self, *keys: str) -> None:
        """These lanes have changed: when they may be tried, and which goes first."""
        for key in keys:
            lane = self._lanes[key]
            self._agenda.remove(key)
            if not lane.waiting:
                del self._lanes[key]
                self._changed.discard(key)
                self._deadlines.remove(key)
                self._held.discard(key)
                self.patience.end(key)
                continue
            self._changed.add(key)
            if lane.busy:
                continue
            head = lane.waiting[0]
            if not self.circuit.is_open:
                self._agenda.put(key, head.next_try, lane.rank())
            elif self.is_poison(head):
                self._agenda.put(key, head.next_try, (True, 0, *lane.rank()))
            else:
                self._agenda.put(key, 0.0, (False, head.turns, *lane.rank()))

    def _own_fault(self, item: Item) -> bool:
        works = self.circuit.failing_since is None and self.circuit.succeeded_at is not None
        return works and item.refused_at is not None and (self.circuit.succeeded_at or 0.0) >= item.refused_at

    def _wait(self, item: Item) -> float:
        if self.is_poison(item):
            return self._policy.poison_retry
        return self._policy.refused_retry if item.refusals >= self._policy.refusals else item.backoff.pause

    def _release(self, now: float, *, everything: bool) -> None:
        for item in self.items():
            item.turns = 0
            if everything:
                item.blamed = item.refusals = 0
                item.not_before = now
            if not self.is_poison(item):
                item.next_try = max(now, item.not_before)
                item.backoff.reset()
        self.circuit.close()
        self._planned_open = False
        self._plan(*self._lanes)
