"""The desk and its outbox over a real history on SQLite and real receivers."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from pacs_monitor.channels.webhook import WebhookSettings
from pacs_monitor.config.agreed import ServiceSettings
from pacs_monitor.model import (
    SECOND,
    Channel,
    DeliveryError,
    Failure,
    Micros,
    Notification,
    Outcome,
    Paging,
    Reason,
    Result,
    Standing,
    State,
)
from tests.alerting.running import at_once, got, hook, running, types
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, Spot, an_estate, route
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import SOON, until

UP, DOWN, DEGRADED, UNKNOWN = State.UP, State.DOWN, State.DEGRADED, State.UNKNOWN


async def test_a_page_is_recorded_delivered_and_resolved_with_the_same_key(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        (opened,) = await got(receiver, 1)
        (incident,) = house.desk.open_incidents()
        house.move(UP)
        posts = await got(receiver, 2)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2)
        assert house.statuses() == [("opened", "hook", "delivered"), ("resolved", "hook", "delivered")]
        assert house.desk.open_incidents() == ()
        assert dict(house.desk.outbox.delivered) == {"hook": 2}
        await until(lambda: house.pending() == 0)
    assert types(posts) == ["opened", "resolved"]
    assert {post.key for post in posts} == {f"east-campus/{incident.id}"}
    assert opened.data["reason"] == "tcp_refused"
    assert opened.data["still_ok"] == ["archive/archive_disk"]
    assert receiver.bad == []


async def test_a_page_names_the_services_that_are_affected(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    services = {
        "pacs": ServiceSettings(all=("archive/dicom_echo", "archive/archive_disk"), impact="no priors"),
        "either": ServiceSettings(any=("archive/dicom_echo", "archive/archive_disk")),
    }
    async with running(clock, database, replace(at_once(receiver), services=services)) as house:
        house.move(DOWN)
        (opened,) = await got(receiver, 1)
    (affected,) = opened.data["services"]
    assert affected["summary"] == "pacs is down: no priors"


async def test_the_desk_wakes_itself_when_a_page_is_due(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver, page_after=0.3)) as house:
        began = clock.now()
        house.move(DOWN)
        await got(receiver, 1)
        assert clock.now() - began >= 0.3 * SECOND


async def test_a_brief_outage_pages_nobody_and_is_on_record(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver, page_after=60.0)) as house:
        house.move(DOWN)
        house.move(UP)
        await until(lambda: bool(house.history.reader.incidents()))
        assert house.statuses() == []
        assert house.desk.open_incidents() == ()
    assert receiver.posts == []


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_wall_clock_that_is_set_neither_hurries_nor_delays_a_page(
    receiver: Receiver, clock: SettableClock, database: str, step: float
) -> None:
    async with running(clock, database, at_once(receiver, page_after=1.0)) as house:
        began = clock.monotonic()
        house.move(DOWN)
        await until(lambda: bool(house.desk.open_incidents()))
        clock.set_by(step)
        house.move(UP, DISK)  # anything that makes the desk look
        await got(receiver, 1)
        assert 0.8 < clock.monotonic() - began < SOON


async def test_a_restart_while_a_node_is_down_pages_nobody_again_and_resolves(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
    async with running(clock, database, at_once(receiver)) as house:
        assert [incident.cause for incident in house.desk.open_incidents()] == ["unreachable:archive"]
        house.move(UP)
        posts = await got(receiver, 2)
    assert types(posts) == ["opened", "resolved"]
    assert posts[0].key == posts[1].key


async def test_a_page_that_came_due_while_the_monitor_was_off_goes_out_at_the_start(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver, page_after=60.0)) as house:
        house.move(DOWN)
    assert receiver.posts == []
    clock.set_by(600)
    async with running(clock, database, at_once(receiver, page_after=60.0)):
        await got(receiver, 1)
    assert types(receiver.posts) == ["opened"]


async def test_what_is_pending_at_the_end_is_sent_after_the_start_with_the_same_id(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.status = 503
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await until(lambda: len(receiver.posts) >= 2)
        house.move(UP)
    ids = {post.id for post in receiver.posts}
    assert len(ids) == 1, "the end waits behind its beginning"
    receiver.status = 200
    async with running(clock, database, at_once(receiver)) as house:
        posts = await got(receiver, 2)
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2)
    assert types(posts) == ["opened", "resolved"]
    assert posts[0].id in ids


async def test_a_receiver_that_was_down_gets_everything_in_order(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.down()
    async with running(clock, database, at_once(receiver)) as house:
        for state in (DOWN, DEGRADED, DOWN, UP):
            house.move(state)
            await asyncio.sleep(0)
        house.move(DOWN, RIS)
        await until(lambda: house.desk.outbox.failures["hook", "tcp_refused"] >= 3)
        assert house.pending() == 4
        receiver.up()
        posts = await got(receiver, 4)
    archive = [post for post in posts if post.data["node"] == "archive"]
    assert types(archive) == ["opened", "changed", "resolved"], "of waiting updates the latest stays"
    assert archive[1].data["state"] == "down"
    assert types(post for post in posts if post.data["node"] == "ris") == ["opened"]


async def test_a_slow_channel_delays_no_other(receiver: Receiver, clock: SettableClock, database: str) -> None:
    with Receiver() as slow:
        slow.answers.clear()
        channels = {"hook": hook(receiver), "slow": hook(slow, "slow")}
        estate = at_once(receiver, channels=channels, default=route("hook", "slow"))
        async with running(clock, database, estate, grace=0) as house:
            for check in (ARCHIVE, RIS):
                house.move(DOWN, check)
            await got(receiver, 2)
            assert slow.posts == []
        slow.answers.set()


async def test_a_channel_delivers_no_more_than_a_few_at_once(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    counting = Counting(hook(receiver))
    many = [replace(CHECKS[RIS], id=RIS._replace(check=f"c{number}"), page_after=0.0) for number in range(12)]
    receiver.answers.clear()
    async with running(clock, database, an_estate(many, channels={"hook": counting})) as house:
        for check in house.estate.checks:
            house.move(DOWN, check, reason=Reason.TOO_FEW)
        await until(lambda: counting.now == 4)
        receiver.answers.set()
        await got(receiver, 12)
    assert counting.most == 4


class Counting:
    """A channel that counts how many of its deliveries run at once."""

    kind = "counting"
    settings = WebhookSettings
    owns_escalation = False
    takes_answers = False

    def __init__(self, inner: Channel) -> None:
        self.inner, self.now, self.most, self.lock = inner, 0, 0, threading.Lock()

    def deliver(self, notification: Notification, timeout: float) -> str:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return self.inner.deliver(notification, timeout)
        finally:
            with self.lock:
                self.now -= 1


async def test_what_cannot_be_rendered_is_recorded_as_refused_and_its_end_is_dropped(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    estate = at_once(receiver, channels={"hook": Mute(hook(receiver))})
    async with running(clock, database, estate) as house:
        house.move(DOWN)
        await until(lambda: [status for *_, status in house.statuses()] == ["refused"])
        await until(lambda: house.pending() == 0)
        house.move(UP)
        await until(lambda: len(house.statuses()) == 2)
        assert house.statuses() == [("opened", "hook", "refused"), ("resolved", "hook", "dropped")]
        assert dict(house.desk.outbox.failures) == {("hook", "unsendable"): 1}
    assert receiver.posts == []


class Mute(Counting):
    """A channel that can render nothing."""

    def deliver(self, notification: Notification, timeout: float) -> str:
        raise DeliveryError("unsendable", "no words for it", failure=Failure.UNSENDABLE, may_have_arrived=False)


async def test_shadow_is_recorded_and_sends_nothing(receiver: Receiver, clock: SettableClock, database: str) -> None:
    async with running(clock, database, at_once(receiver, paging=Paging.SHADOW)) as house:
        house.move(DOWN)
        await until(lambda: len(house.statuses()) == 1)
        house.move(UP)
        await until(lambda: len(house.statuses()) == 2)
        assert house.statuses() == [("opened", "hook", "shadow"), ("resolved", "hook", "shadow")]
    assert receiver.posts == []


async def test_a_check_that_a_reload_removes_is_withdrawn(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await got(receiver, 1)
        estate = replace(house.estate, checks={RIS: CHECKS[RIS]})
        del house.board.entries[ARCHIVE], house.board.entries[DISK]
        house.desk.reloaded(estate)
        opened, withdrawn = await got(receiver, 2)
    assert withdrawn.type == "incident.withdrawn"
    assert (withdrawn.key, withdrawn.data["title"]) == (opened.key, "Main archive")


async def test_what_waits_for_a_removed_channel_goes_out_when_it_comes_back(
    receiver: Receiver, clock: SettableClock, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.down()
    async with running(clock, database, at_once(receiver)) as house:
        house.move(DOWN)
        await until(lambda: bool(house.desk.outbox.failures))
        house.desk.reloaded(replace(house.estate, channels={}))
        assert "notifications are pending for channel hook" in caplog.text
        receiver.up()
        with pytest.raises(KeyError):
            await house.desk.test("hook")
        assert receiver.posts == []
        house.desk.reloaded(house.estate)
        assert types(await got(receiver, 1)) == ["opened"]


async def test_a_restart_does_not_call_a_check_measured_whose_turn_has_not_come(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    estate = at_once(receiver)
    estate = replace(estate, checks=dict(estate.checks) | {ARCHIVE: replace(CHECKS[ARCHIVE], unknown_after=0.0)})
    silent = Standing(UNKNOWN, clock.now(), Reason.NOT_MEASURED)
    async with running(clock, database, estate) as house:
        house.board.entries[ARCHIVE] = Spot(silent, lapse_at=0.0)
        await got(receiver, 1)
    async with running(clock, database, estate) as house:
        house.board.entries[ARCHIVE] = Spot(silent, lapse_at=float("inf"))
        house.move(DOWN, RIS)
        await got(receiver, 2)
        assert [event for event, *_ in house.statuses()] == ["opened", "opened"]
        house.board.entries[ARCHIVE] = Spot(Standing(UP, clock.now()))
        house.move(UP, RIS)
        assert sorted(types(await got(receiver, 4))) == ["opened", "opened", "resolved", "resolved"]


async def test_lasting_blindness_is_told_and_resolved(receiver: Receiver, clock: SettableClock, database: str) -> None:
    estate = at_once(receiver)
    estate = replace(estate, checks={check: replace(c, unknown_after=0.2) for check, c in estate.checks.items()})
    async with running(clock, database, estate) as house:
        house.move(UNKNOWN, reason=Reason.AUTH)
        refused = Outcome.of(Reason.AUTH, detail="archive refuses the account monitor")
        house.board.entries[ARCHIVE].last = Result(ARCHIVE, "dicom_echo", refused, clock.now(), 0.1)
        house.board.entries[DISK] = Spot(Standing(UNKNOWN, clock.now(), Reason.NOT_MEASURED), lapse_at=float("inf"))
        (post,) = await got(receiver, 1)
        assert (post.data["kind"], post.data["members"]) == ("blind", ["archive/dicom_echo"])
        assert post.data["detail"] == "archive refuses the account monitor"
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        house.board.entries[DISK].lapse_at = clock.monotonic()
        house.move(UP, RIS)
        assert (await got(receiver, 3))[2].data["reason"] == "not_measured"


async def test_a_probe_that_says_itself_that_it_cannot_measure_is_told_though_its_results_come(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    estate = at_once(receiver)
    estate = replace(estate, checks={check: replace(c, unknown_after=0.2) for check, c in estate.checks.items()})
    async with running(clock, database, estate) as house:
        said = Outcome.of(Reason.NOT_MEASURED, detail="the plugin reported UNKNOWN (exit status 3)")
        standing = Standing(UNKNOWN, clock.now(), Reason.NOT_MEASURED)
        last = Result(DISK, "exec", said, clock.now(), 0.1)
        house.board.entries[DISK] = Spot(standing, lapse_at=float("inf"), last=last)
        house.move(UP, RIS)
        (post,) = await got(receiver, 1)
        assert (post.data["members"], post.data["detail"]) == (["archive/archive_disk"], said.detail)


async def test_a_test_notification_says_what_the_receiver_said(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        assert (await house.desk.test("hook")).as_json()["said"] == "HTTP 200 thanks"
        receiver.status = 404
        assert (await house.desk.test("hook")).as_json()["said"] == "HTTP 404 thanks"
        await until(lambda: house.statuses() == [("test", "hook", "delivered")])  # a proof is recorded, a failure not
        assert house.desk.outbox.health()["hook"].last_success is not None
    assert {post.type for post in receiver.posts} == {"test"}


async def test_why_nobody_was_told_is_recorded_once_however_often_the_monitor_starts(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    estate = at_once(receiver, paging=Paging.OFF)
    for _ in range(3):
        async with running(clock, database, estate) as house:
            if not house.desk.open_incidents():
                house.move(DOWN)
            await until(lambda: bool(house.history.reader.incidents()))
            house.move(UP, RIS)  # anything that makes the desk look
    async with running(clock, database, estate) as house:
        (incident,) = house.desk.open_incidents()
        suppressed = house.history.reader.suppressed([incident.id])
    assert [(held.event, held.why) for held in suppressed] == [("incident.opened", "paging")]


class Faulty(SettableClock):
    """A clock whose next readings raise what they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.raises: list[Exception] = []

    def now(self) -> Micros:
        if self.raises:
            raise self.raises.pop()
        return super().now()


async def test_a_fault_in_a_turn_of_the_desk_delays_its_pages_and_loses_none(receiver: Receiver, database: str) -> None:
    clock = Faulty()
    async with running(clock, database, at_once(receiver)) as house:
        await until(lambda: house.desk.open_incidents() == ())
        house.move(DOWN)
        clock.raises.append(MemoryError())
        await got(receiver, 1)
        assert +house.supervisor.failures == {"desk": 1}
        house.move(UP)
        await got(receiver, 2)
    assert types(receiver.posts) == ["opened", "resolved"]
