"""Real receivers that refuse, hang and come back: no page is lost, and one bad page holds up no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pacs_monitor.config.estate import Estate
from pacs_monitor.delivery import ChannelTrouble, Outbox, RetryPolicy
from pacs_monitor.model import Check, CheckId, DeliveryStatus, Event, Notification, Reason, Severity, State
from pacs_monitor.supervision import Supervisor
from tests.alerting.running import at_once, got, hook, running, types
from tests.alerting.support import ARCHIVE, CHECKS, DISK, RIS, an_estate, route
from tests.alerting.test_unwritable import execute
from tests.attacks import Attacked
from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until

UP, DOWN = State.UP, State.DOWN
QUICK: dict[str, Any] = {"first_retry": 0.02, "last_retry": 0.1, "refused_retry": 0.1, "poison_retry": 0.2}


@pytest.mark.parametrize("status", [302, 404, 413, 503])
async def test_a_page_that_is_refused_for_a_while_goes_out_once_it_is_taken(
    receiver: Receiver, clock: SettableClock, database: str, status: int, attack: Attacked
) -> None:
    receiver.status = status
    async with running(clock, database, at_once(receiver), **QUICK) as house:
        house.move(DOWN)
        await until(lambda: len(receiver.posts) >= 12)
        assert house.statuses() == [("opened", "hook", "pending")]
        receiver.status = 200
        await got(receiver, 1)
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]
        await until(lambda: [status for *_, status in house.statuses()] == ["delivered"] * 2)
    assert len({post.id for post in receiver.posts}) == 2, "the same id on every attempt"
    attack("refused", "delivered as soon as it is taken, under the same `webhook-id`")


async def test_a_channel_that_takes_nothing_is_told_through_the_others_and_so_is_its_end(
    receiver: Receiver, clock: SettableClock, database: str, attack: Attacked
) -> None:
    with Receiver() as second:
        receiver.status = 403
        channels = {"hook": hook(receiver), "second": hook(second, "second")}
        estate = at_once(receiver, channels=channels, default=route("hook"))
        async with running(clock, database, estate, opens_after=0.3, **QUICK) as house:
            house.move(DOWN)
            (post,) = await got(second, 1)
            assert (post.type, post.data["kind"], post.data["severity"]) == ("incident.opened", "delivery", "warning")
            assert post.data["summary"].startswith("Channel hook has delivered nothing since ")
            assert "(http_403)" in post.data["summary"]
            health = house.desk.outbox.health()["hook"]
            assert health.trouble is not None
            assert (health.trouble.reason, health.pending) == ("http_403", 1)
            receiver.status = 200
            assert types(await got(receiver, 1)) == ["opened"]
            assert types(await got(second, 2)) == ["opened", "resolved"]
            assert house.desk.outbox.health()["hook"].trouble is None
    attack(
        "delivery-incident", "an incident through the other channels after 60 s; what waits goes out when it is over"
    )


async def test_a_test_that_succeeds_releases_what_waits(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.status = 404
    async with running(clock, database, at_once(receiver), **QUICK | {"refused_retry": 3600.0}) as house:
        house.move(DOWN)
        await until(lambda: len(receiver.posts) == 10)
        receiver.status = 200
        await house.desk.test("hook")
        assert types(await got(receiver, 2)) == ["test", "opened"]


async def test_an_opened_of_an_open_incident_goes_out_after_a_restart_however_old_it_is(
    receiver: Receiver, clock: SettableClock, database: str, attack: Attacked
) -> None:
    receiver.status = 503
    async with running(clock, database, at_once(receiver), **QUICK) as house:
        house.move(DOWN)
        await until(lambda: len(receiver.posts) >= 2)
    clock.set_by(25 * 3600)
    before = len(receiver.posts)
    async with running(clock, database, at_once(receiver), **QUICK) as house:
        await until(lambda: len(receiver.posts) >= before + 3)
        receiver.status = 200
        assert types(await got(receiver, 1)) == ["opened"]
    attack("old-page", "retried until it is taken")


@pytest.mark.parametrize("status", [DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP])
async def test_what_an_earlier_version_had_refused_or_given_up_is_owed_anew_at_the_start(
    receiver: Receiver, clock: SettableClock, database: str, status: DeliveryStatus
) -> None:
    receiver.status = 404
    async with running(clock, database, at_once(receiver), **QUICK) as house:
        house.move(DOWN)
        await until(lambda: len(house.statuses()) == 1)
        (owed,) = house.history.reader.notifications()
    execute(database, f"UPDATE notifications SET status = '{status}' WHERE id = '{owed.id}'")
    receiver.status = 200
    async with running(clock, database, at_once(receiver), **QUICK) as house:
        assert types(await got(receiver, 1)) == ["opened"]
        house.move(UP)
        assert types(await got(receiver, 2)) == ["opened", "resolved"]


async def test_a_page_that_the_receiver_refuses_holds_up_no_other_and_is_shown(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.judge = lambda data: 413 if data["check"] == "dicom_echo" and data["node"] == "archive" else None
    async with running(clock, database, at_once(receiver), opens_after=0.5, **QUICK) as house:
        house.move(DOWN)
        await until(lambda: len(receiver.posts) >= 3)
        house.move(DOWN, DISK, reason=Reason.TOO_FEW)
        house.move(DOWN, RIS)
        await got(receiver, 2)
        await until(lambda: bool(house.desk.outbox.health()["hook"].stuck))
        (stuck,) = house.desk.outbox.health()["hook"].stuck
        assert (stuck.reason, stuck.notification.data["check"]) == ("http_413", "dicom_echo")
        house.move(UP, DISK)
        house.move(UP, RIS)
        await got(receiver, 4)
        assert house.desk.outbox.health()["hook"].trouble is None
        receiver.judge = lambda _data: None
        await got(receiver, 5)
        await until(lambda: house.desk.outbox.health()["hook"].stuck == ())


async def test_a_page_is_taken_although_another_is_refused_by_a_channel_that_took_nothing(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.judge = lambda data: 413 if data["node"] == "archive" else None
    pace = QUICK | {"refused_retry": 3600.0}
    async with running(clock, database, at_once(receiver), opens_after=0.1, **pace) as house:
        house.move(DOWN)
        await until(lambda: house.desk.outbox.health()["hook"].trouble is not None)
        await until(lambda: len(receiver.posts) >= 10)
        house.move(DOWN, RIS)
        (post,) = await got(receiver, 1)
        assert post.data["node"] == "ris"


def crowd(count: int, receiver: Receiver) -> Estate:
    def check(number: int, severity: Severity) -> Check:
        return replace(CHECKS[RIS], id=CheckId("ris", f"c{number}"), severity=severity, page_after=0.0)

    checks = [check(number, Severity.WARNING) for number in range(count)] + [check(count, Severity.CRITICAL)]
    return replace(an_estate(checks, channels={"hook": hook(receiver)}), openings_per_minute={"hook": 2 * count})


async def test_a_critical_page_goes_next_before_all_warnings_that_wait(
    receiver: Receiver, clock: SettableClock, database: str, attack: Attacked
) -> None:
    receiver.takes = 0.05
    estate = crowd(80, receiver)
    *warnings, critical = estate.checks
    async with running(clock, database, estate, grace=0.5) as house:
        for check in warnings:
            house.move(DOWN, check, reason=Reason.TOO_FEW)
        await got(receiver, 4)
        house.move(DOWN, critical, reason=Reason.TOO_FEW)
        await until(lambda: len(house.statuses()) == 81)
        before = len(receiver.accepted)
        await until(lambda: any(post.data["severity"] == "critical" for post in receiver.accepted))
        place = next(n for n, post in enumerate(receiver.accepted) if post.data["severity"] == "critical")
        assert place <= before + 12, "little more than what was under way goes before it"
    attack("critical-first", f"{max(0, place - before)} of the waiting warnings went before it: those under way")


async def test_what_began_and_ended_while_nothing_was_taken_is_told_in_one_digest(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    receiver.status = 404
    async with running(clock, database, at_once(receiver), drop_after=0.0, **QUICK) as house:
        house.move(DOWN, ARCHIVE)
        house.move(DOWN, DISK, reason=Reason.TOO_FEW)
        house.move(DOWN, RIS)
        await until(lambda: len({post.id for post in receiver.posts}) == 3)
        house.move(UP, ARCHIVE)
        house.move(UP, DISK)
        await until(lambda: [status for *_, status in house.statuses()].count("dropped") == 4)
        receiver.status = 200
        posts = await got(receiver, 2)
        assert sorted(types(posts)) == ["digest", "opened"]
        await until(lambda: house.pending() == 0)
        (digest,) = (post for post in posts if post.type == "digest")
        assert digest.data["summary"].startswith("While channel hook delivered nothing, 2 incidents began and ended: ")
        assert {entry["severity"] for entry in digest.data["missed"]} == {"critical", "warning"}
        assert all(entry["since"] and entry["ended"] for entry in digest.data["missed"])
        await until(lambda: ("digest", "hook", "delivered") in house.statuses())


class Faulty:
    """A listener that raises at first."""

    def __init__(self) -> None:
        self.faults: list[Exception] = [MemoryError(), RuntimeError()]
        self.heard: list[DeliveryStatus] = []

    def ended(self, notification: Notification, status: DeliveryStatus) -> None:
        if self.faults:
            raise self.faults.pop()
        self.heard.append(status)

    def page_late(self, channel: str, incident: str) -> None:
        """Nobody is told instead."""

    def circuit_moved(self, channel: str, trouble: ChannelTrouble | None) -> None: ...


async def test_a_fault_in_whoever_listens_costs_no_lane(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    async with running(clock, database, at_once(receiver)) as house:
        listener, supervisor = Faulty(), Supervisor()
        outbox = Outbox(clock, house.history, listener, supervisor, RetryPolicy(**QUICK))
        outbox.adopt(house.estate.channels)
        pages = [
            Notification(str(number), "hook", event, clock.now(), {"summary": ""}, "incident", unrecorded=True)
            for number, event in enumerate((Event.OPENED, Event.CHANGED, Event.RESOLVED))
        ]
        outbox.defer(pages)
        outbox.feed(pages)
        await got(receiver, 3)
        await until(lambda: listener.heard == [DeliveryStatus.DELIVERED])
        assert +supervisor.failures == {"channel hook": 2}
        await outbox.stop(1)


async def test_an_incident_about_a_channel_survives_a_restart_and_ends_with_the_first_success(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    with Receiver() as second:
        receiver.status = 403
        channels = {"hook": hook(receiver), "second": hook(second, "second")}
        estate = at_once(receiver, channels=channels, default=route("hook"))
        async with running(clock, database, estate, opens_after=0.1, **QUICK) as house:
            house.move(DOWN)
            await got(second, 1)
        async with running(clock, database, estate, opens_after=0.1, **QUICK) as house:
            await until(lambda: house.desk.outbox.failures["hook", "http_403"] >= 1)
            assert len(second.accepted) == 1, "it is told once"
            receiver.status = 200
            assert types(await got(second, 2)) == ["opened", "resolved"]
            assert types(receiver.accepted) == ["opened"]


async def test_an_incident_about_a_channel_that_is_owed_nothing_ends_after_a_restart(
    receiver: Receiver, clock: SettableClock, database: str
) -> None:
    with Receiver() as second:
        receiver.status = 403
        channels = {"hook": hook(receiver), "second": hook(second, "second")}
        estate = at_once(receiver, channels=channels, default=route("hook"))
        async with running(clock, database, estate, opens_after=0.1, **QUICK) as house:
            house.move(DOWN)
            await got(second, 1)
            await until(lambda: ("opened", "second", "delivered") in house.statuses())
        execute(database, "UPDATE notifications SET status = 'delivered' WHERE channel = 'hook'")
        async with running(clock, database, estate, opens_after=0.1, **QUICK) as house:
            assert types(await got(second, 2)) == ["opened", "resolved"]
            assert house.desk.outbox.health()["hook"].trouble is None
