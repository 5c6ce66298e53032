"""What goes out at a time: once, whatever is restarted meanwhile; and tests of channels that must arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.handover.form import as_json
from pacs_monitor.handover.gather import gather
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import SECOND, TEST_NOT_DELIVERED, DeliveryStatus, Event, IncidentKind, Notification
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Received, Receiver
from tests.support.clock import SettableClock
from tests.support.timing import until

HOUR = 3600.0


class Night:
    """An estate whose handover and test are due in an hour, and who receives them."""

    def __init__(self, folder: Path, hook: Receiver, desk: Receiver) -> None:
        self.folder, self.hook, self.desk = folder, hook, desk
        self.clock = SettableClock()
        due = datetime.fromtimestamp(self.clock.now() // SECOND, UTC) + timedelta(hours=1)
        self.at = f"{due:%H:%M}"
        self.paging = "on"
        self.language = "en"
        self.more = f"handover: {{at: '{self.at}', channels: [desk]}}\n"
        self.test = ""

    def write(self) -> Path:
        file = self.folder / "monitor.yaml"
        channels = "".join(
            f"  {name}: {{type: webhook, url: '{receiver.url}', secret: '{SECRET}'{test}}}\n"
            for name, receiver, test in (("hook", self.hook, self.test), ("desk", self.desk, ""))
        )
        file.write_text(
            f"monitor: {{name: proof, database: 'sqlite:///{self.folder}/proof.db', listen: '127.0.0.1:0', "
            f"paging: {self.paging}, language: {self.language}}}\n"
            f"channels:\n{channels}"
            "default_route: {channels: [hook]}\n"
            f"nodes:\n  gone: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}, interval: 1h}}}}}}\n{self.more}"
        )
        return file

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        daemon = await Daemon.open(load(self.write()), self.clock)
        await daemon.start()
        try:
            yield daemon
        finally:
            await daemon.stop()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with Receiver() as hook, Receiver() as desk:
        yield Night(tmp_path, hook, desk)


def a_page(channel: str) -> Notification:
    """Something other than a test."""
    return Notification("01JD0000000000000000000000", channel, Event.DIGEST, 0, {"summary": "", "kind": "digest"})


def of_kind(receiver: Receiver, kind: str) -> list[Received]:
    return [post for post in receiver.accepted if post.data.get("kind") == kind]


async def test_the_handover_is_sent_once_at_its_time_over_restarts_too(night: Night) -> None:
    async with night.daemon() as daemon:
        await daemon.timetable.look()
        assert daemon.timetable.last_handover is None
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        await until(lambda: len(of_kind(night.desk, "handover")) == 1)
    async with night.daemon() as daemon:
        await daemon.timetable.look()
        assert daemon.timetable.last_handover is not None
        await daemon.desk.test("desk")  # delivered after all that was owed before
    (sent,) = of_kind(night.desk, "handover")
    assert (sent.type, of_kind(night.hook, "handover")) == ("digest", [])
    assert sent.data["summary"].startswith("Handover of proof at ")
    assert sent.data["text"].splitlines()[0].startswith("Handover of proof, ")
    assert sent.data["severity"] == "info"


async def test_what_is_sent_is_in_the_language_of_pages_and_what_is_asked_for_is_english(night: Night) -> None:
    night.language = "de"
    async with night.daemon() as daemon:
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        await until(lambda: bool(of_kind(night.desk, "handover")))
        asked = as_json(await gather(daemon, daemon.timetable.last_handover), UTC)
    sent = of_kind(night.desk, "handover")[0]
    assert sent.data["summary"].startswith("Übergabe proof (")
    assert sent.data["text"].splitlines()[0].startswith("Übergabe proof, ")
    assert sent.data["language"] == "de"
    assert asked["summary"].startswith("Handover of proof at ")


async def test_a_handover_that_fell_due_while_the_monitor_was_off_is_sent_unless_it_is_too_late(night: Night) -> None:
    async with night.daemon():
        pass
    night.clock.pass_by(1.5 * HOUR)
    async with night.daemon():
        await until(lambda: len(of_kind(night.desk, "handover")) == 1)
    night.clock.pass_by(27 * HOUR)
    async with night.daemon() as daemon:
        await daemon.timetable.look()
        await daemon.desk.test("desk")
    assert len(of_kind(night.desk, "handover")) == 1


async def test_in_shadow_mode_it_is_recorded_and_not_sent(night: Night) -> None:
    night.paging = "shadow"
    async with night.daemon() as daemon:
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        await daemon.desk.test("desk")
        assert daemon.timetable.last_handover is None
    reader = HistoryReader.open(f"sqlite:///{night.folder}/proof.db", "proof")
    recorded = reader.notifications(status=DeliveryStatus.SHADOW)
    reader.close()
    assert [one.data["kind"] for one in recorded] == ["handover"]
    assert of_kind(night.desk, "handover") == []


async def test_another_time_of_a_reload_begins_with_the_reload(night: Night) -> None:
    async with night.daemon() as daemon:
        now = datetime.fromtimestamp(night.clock.now() // SECOND, UTC)
        night.more = night.more.replace(night.at, f"{now - timedelta(minutes=1):%H:%M}")
        night.write()
        await daemon.reload("SIGHUP")
        await daemon.timetable.look()
        await daemon.desk.test("desk")
        assert of_kind(night.desk, "handover") == []
        night.more = ""
        night.write()
        await daemon.reload("SIGHUP")
        night.clock.pass_by(24 * HOUR)
        await daemon.timetable.look()
        await daemon.desk.test("desk")
    assert of_kind(night.desk, "handover") == []


async def test_a_test_is_delivered_and_proves_its_channel_over_restarts(night: Night) -> None:
    night.more, night.test = "", f", test: {{at: '{night.at}', ack_within: 10m}}"
    async with night.daemon() as daemon:
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        await until(lambda: len(of_kind(night.hook, "test")) == 1)
        await until(lambda: "hook" in daemon.desk.outbox.last_success)
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        assert daemon.desk.open_incidents() == ()
    (sent,) = of_kind(night.hook, "test")
    assert sent.data["summary"].startswith("TEST – no fault: the regular test of channel hook")  # noqa: RUF001
    async with night.daemon() as daemon:
        health = daemon.desk.outbox.health()
        assert health["hook"].last_success is not None
        assert health["desk"].last_success is None
    assert len(of_kind(night.hook, "test")) == 1


async def test_of_a_test_that_does_not_arrive_the_others_are_told_until_one_arrives(night: Night) -> None:
    night.more, night.test = "", f", test: {{at: '{night.at}', ack_within: 10m}}"
    night.hook.judge = lambda data: 404 if data.get("kind") == "test" else None
    async with night.daemon() as daemon:
        await daemon.desk.outbox.test(a_page("hook"))  # it takes others, so that its circuit stays closed
        night.clock.pass_by(HOUR)
        await daemon.timetable.look()
        await until(lambda: any(post.status == 404 for post in night.hook.posts))
        assert daemon.desk.open_incidents() == ()
        night.clock.pass_by(11 * 60)
        await daemon.timetable.look()
        await until(lambda: len(of_kind(night.desk, "delivery")) == 1)
        (incident,) = daemon.desk.open_incidents()
        assert (incident.kind, incident.cause, incident.detail) == (IncidentKind.DELIVERY, "hook", TEST_NOT_DELIVERED)
    async with night.daemon() as daemon:
        await daemon.timetable.look()
        assert [one.id for one in daemon.desk.open_incidents()] == [incident.id]
        night.hook.judge = lambda _data: None
        await daemon.desk.test("hook")
        await daemon.timetable.look()
        await until(lambda: len(of_kind(night.desk, "delivery")) == 2)
    opened, resolved = of_kind(night.desk, "delivery")
    assert opened.data["summary"].startswith("Channel hook has not delivered its test of ")
    assert (opened.type, resolved.type) == ("incident.opened", "incident.resolved")
