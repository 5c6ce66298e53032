"""One leader after the other, and what the one before could not record: no receiver has an end before its beginning,
and none has two.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from pacs_monitor.ends import end_id, ended
from pacs_monitor.history.orphans import hand_over
from pacs_monitor.model import DeliveryError, DeliveryStatus, Ending, Entry, Event, Notification, State
from pacs_monitor.threads import in_thread
from tests.alerting.running import Running, at_once, got, hook, running, types
from tests.alerting.support import ARCHIVE
from tests.alerting.test_unwritable import ALLOW, execute, forbid
from tests.history.things import incident, outage, owed
from tests.peers.receiver import Received, Receiver
from tests.support.clock import SettableClock

UP, DOWN = State.UP, State.DOWN
PENDING, DELIVERED, DROPPED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DROPPED
REFUSED, SHADOW, GIVEN_UP = DeliveryStatus.REFUSED, DeliveryStatus.SHADOW, DeliveryStatus.GIVEN_UP


class TakesTheFirstLate(Receiver):
    """It holds the first request back until `late` is set, and takes it then; others at once."""

    def __init__(self) -> None:
        self.late = threading.Event()
        self._first = threading.Lock()
        super().__init__()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if self._first.acquire(blocking=False):
            self.late.wait()
        return super().take(path, headers, body)


@pytest.fixture
def slow() -> Iterator[TakesTheFirstLate]:
    with TakesTheFirstLate() as receiver:
        yield receiver
        receiver.late.set()


def leave(database: str, *entries: Entry) -> None:
    """As a fenced leader does."""
    engine = create_engine(database)
    with engine.begin() as connection:
        hand_over(connection, "east-campus", entries, 1)
    engine.dispose()


async def take(house: Running) -> list[str]:
    """As the leader does that has begun; the ids of what it owes now."""
    taken = await house.history.take_orphans(adopt=False)
    house.desk.outbox.feed(taken, of_a_run_before=True)
    return [one.id for one in taken]


def of(entry: Entry, posts: list[Received]) -> list[Received]:
    (one,) = entry.incidents
    return [post for post in posts if post.data.get("incident") == one.id]


def sent_unrecorded(status: DeliveryStatus, attempts: int = 1) -> Entry:
    """An outage of the archive of which one channel was notified, in these words."""
    entry = outage(5, members=(ARCHIVE,))
    (about,) = entry.incidents
    words = {"summary": "", "incident": about.id, "dedup_key": f"east-campus/{about.id}"}
    opened = owed(about, data=words, status=status, attempts=attempts)
    return replace(entry, notifications=(opened,))


async def test_a_request_of_the_leader_before_that_is_taken_late_is_no_beginning_after_the_end(
    slow: TakesTheFirstLate, clock: SettableClock, database: str
) -> None:
    left = sent_unrecorded(PENDING)
    (opened,) = left.notifications
    with pytest.raises(DeliveryError):
        await in_thread(lambda: hook(slow).deliver(opened, 0.2), "the leader before")
    async with running(clock, database, at_once(slow)) as house:
        house.move(DOWN)
        await got(slow, 1)
        leave(database, left)
        assert len(await take(house)) == 2
        await got(slow, 3)
        slow.late.set()
        posts = of(left, await got(slow, 4))
    assert list(dict.fromkeys((post.type, post.id == opened.id) for post in posts)) == [
        ("incident.opened", True),
        ("incident.withdrawn", False),
    ]


async def test_what_was_handed_over_twice_is_ended_once(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    taken = sent_unrecorded(DELIVERED)
    untold = replace(taken, notifications=(replace(taken.notifications[0], status=PENDING),))
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        leave(database, taken, untold)
        (end,) = await take(house)
        await got(receiver, 2)
        leave(database, untold)
        assert await take(house) == []
    assert [(post.type, post.id) for post in of(taken, receiver.posts)] == [("incident.withdrawn", end)]


async def test_what_was_taken_up_when_nobody_waited_any_more_is_owed_by_the_next_call(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    left = sent_unrecorded(DELIVERED)
    async with running(clock, database, at_once(receiver)) as house:
        leave(database, left)
        call = asyncio.create_task(house.history.take_orphans(adopt=False))
        await asyncio.sleep(0)  # it has begun
        call.cancel()
        (end,) = await take(house)
        assert await take(house) == []
        assert [post.id for post in of(left, await got(receiver, 1))] == [end]


async def test_what_was_never_sent_is_not_sent_by_the_next_leader(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    left = sent_unrecorded(PENDING, attempts=0)
    async with running(clock, database, at_once(receiver)) as house:
        leave(database, left)
        assert await take(house) == []
        assert house.statuses() == [("opened", "hook", "dropped")]


async def test_two_leaders_that_both_end_an_incident_send_one_and_the_same_end(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as before:
        before.move(DOWN)
        await got(receiver, 1)
        execute(database, forbid("INSERT ON incidents"))
        before.move(UP)
        await got(receiver, 2)
        unrecorded = await before.desk.abandon()
    execute(database, ALLOW)
    async with running(clock, database, at_once(receiver)) as now:
        leave(database, *unrecorded)
        assert await take(now) == []  # the incident goes on, as far as the record knows
        now.move(UP)
        posts = await got(receiver, 3)
    assert types(posts) == ["opened", "resolved", "resolved"]
    assert posts[1].id == posts[2].id


async def test_an_incident_that_began_and_ended_unrecorded_keeps_its_own_end(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    left = sent_unrecorded(PENDING)
    (about,), (opened,) = left.incidents, left.notifications
    resolved = replace(opened, id=end_id(opened.id, 1), event=Event.RESOLVED, attempts=0)
    over = about.changed(ended=9, ending=Ending.RESOLVED, state=UP)
    async with running(clock, database, at_once(receiver)) as house:
        leave(database, replace(left, incidents=(over,), notifications=(opened, resolved)))
        assert await take(house) == [opened.id, resolved.id]
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        (recorded,) = house.history.reader.incidents()
        assert recorded.ending is Ending.RESOLVED


async def test_an_end_of_a_leader_before_does_not_end_what_another_one_has_gone_on_with(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        (about,) = house.desk.open_incidents()
        end = owed(about, Event.RESOLVED, data={"summary": ""})
        leave(database, Entry(incidents=(replace(about, ended=9, ending=Ending.RESOLVED),), notifications=(end,)))
        assert await house.history.take_orphans(adopt=True) == ()
        restored = await house.history.restore()
    assert [one.id for one in restored.incidents] == [about.id]
    assert end.id not in {one.id for one in restored.pending}


def lane(*sent: tuple[Event, DeliveryStatus, int]) -> list[tuple[Event, DeliveryStatus]]:
    """What becomes of the notifications of an incident that is over."""
    about = incident(5)
    past = [owed(about, event, status=status, attempts=attempts) for event, status, attempts in sent]

    def withdrawn(opened: Notification, identity: str) -> Notification:
        return replace(opened, id=identity, event=Event.WITHDRAWN, status=PENDING, attempts=0)

    return [(one.event, one.status) for one in ended(past, (), withdrawn)]


OPENED, CHANGED, RESOLVED, WITHDRAWN = Event.OPENED, Event.CHANGED, Event.RESOLVED, Event.WITHDRAWN


@pytest.mark.parametrize(
    ("sent", "becomes"),
    [
        ([(OPENED, PENDING, 0)], [(OPENED, DROPPED)]),
        ([(OPENED, PENDING, 0), (RESOLVED, PENDING, 0)], [(OPENED, DROPPED), (RESOLVED, DROPPED)]),
        ([(OPENED, PENDING, 1)], [(OPENED, PENDING), (WITHDRAWN, PENDING)]),
        ([(OPENED, GIVEN_UP, 1)], [(OPENED, PENDING), (WITHDRAWN, PENDING)]),
        ([(OPENED, REFUSED, 1)], [(OPENED, REFUSED)]),
        ([(OPENED, SHADOW, 0)], [(OPENED, SHADOW), (WITHDRAWN, PENDING)]),
        ([(OPENED, DELIVERED, 1), (RESOLVED, DELIVERED, 1)], [(OPENED, DELIVERED), (RESOLVED, DELIVERED)]),
        ([(OPENED, DELIVERED, 1), (RESOLVED, DROPPED, 1)], [(OPENED, DELIVERED), (RESOLVED, PENDING)]),
        (
            [(OPENED, DELIVERED, 1), (CHANGED, PENDING, 1), (CHANGED, PENDING, 0)],
            [(OPENED, DELIVERED), (CHANGED, PENDING), (CHANGED, DROPPED), (WITHDRAWN, PENDING)],
        ),
        ([(RESOLVED, PENDING, 1)], [(RESOLVED, DROPPED)]),
    ],
)
def test_what_may_have_been_sent_is_sent_again_before_the_end(
    sent: list[tuple[Event, DeliveryStatus, int]], becomes: list[tuple[Event, DeliveryStatus]]
) -> None:
    assert lane(*sent) == becomes


def test_an_end_after_more_was_sent_is_another_one() -> None:
    opened = owed(None).id
    assert end_id(opened, 1) == end_id(opened, 1)
    assert len({end_id(opened, 1), end_id(opened, 2), end_id(owed(None).id, 1)}) == 3
    assert end_id(opened, 1)[:10] == opened[:10]
