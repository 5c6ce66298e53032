from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.hl7.listener import Listener
from pacs_monitor.model import SECOND, Micros, Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.hl7_feed import LAST, MESSAGES, Hl7FeedSettings
from pacs_monitor.systems.mirth import MirthSettings
from tests.peers.mllp import sent
from tests.peers.replayed import Replayed, replayed
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

FEED = kinds()["hl7_feed"]
NODE = Node("ris", host="127.0.0.1")
BERLIN = ZoneInfo("Europe/Berlin")
IN_HOURS = {"Mon-Fri 07:00-19:00": "15m", "Sat 08:00-12:00": "1h"}


class Wound(SystemClock):
    """A wall clock that the test winds on, in Berlin."""

    def __init__(self, text: str) -> None:
        self.wall = text

    def now(self) -> Micros:
        return round(datetime.fromisoformat(self.wall).replace(tzinfo=BERLIN).timestamp()) * SECOND


def by_folder(folder: Path, age: float, within: object = "15m") -> tuple[Node, Hl7FeedSettings]:
    """A message of this age in a folder."""
    (folder / "4711.hl7").write_text("MSH|")
    os.utime(folder / "4711.hl7", (time.time() - age,) * 2)
    return NODE, Hl7FeedSettings(source="folder", folder=str(folder), within=within)


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Arranged]:
    yield by_folder(folder, 60)


@asynccontextmanager
async def refusing(folder: Path) -> AsyncIterator[Arranged]:
    yield by_folder(folder, 3600)


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with engine(how="silent") as peer:
        yield node_of(peer), by_engine()


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    async with engine(channel("Orders", 7, "STOPPED")) as peer:
        yield node_of(peer), by_engine(feeds="Orders")


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    async with engine(channel("Orders", 7), authorization="Basic eDp5") as peer:
        yield node_of(peer, username="monitor", password="wrong"), by_engine()


PEERS = Peers(working, refusing, hanging, warning, blind)


def silent(outcome: Outcome) -> bool:
    assert outcome.reason in (None, Reason.SILENT), outcome.detail
    return outcome.reason is Reason.SILENT


async def test_the_newest_matching_file_of_a_folder_is_the_last_message(tmp_path: Path) -> None:
    node, settings = by_folder(tmp_path, 3600)
    memory: dict[str, Any] = {}
    old = await ask(FEED, node, settings, memory=memory)
    (tmp_path / "fresh.tmp").write_text("")
    only_hl7 = await ask(FEED, node, settings.model_copy(update={"pattern": "*.hl7"}), memory={})
    fresh = await ask(FEED, node, settings, memory=memory)
    assert (old.status, old.reason, old.phase) == (Status.FAIL, Reason.SILENT, Phase.OPERATION)
    assert old.detail.startswith("no message since ")
    assert "the longest acceptable gap is 15 min" in old.detail
    assert silent(only_hl7)
    assert (fresh.status, fresh.detail) == (Status.OK, "")
    assert [measured.name for measured in fresh.measurements] == [LAST]


async def test_files_that_are_fetched_are_remembered(tmp_path: Path) -> None:
    node, settings = by_folder(tmp_path, 60)
    memory: dict[str, Any] = {}
    await ask(FEED, node, settings, memory=memory)
    (tmp_path / "4711.hl7").unlink()
    assert not silent(await ask(FEED, node, settings, memory=memory))
    memory["last"]["any"] -= 3600 * SECOND
    assert silent(await ask(FEED, node, settings, memory=memory))


async def test_a_folder_that_cannot_be_looked_through_in_time_is_not_measured(tmp_path: Path) -> None:
    node, settings = by_folder(tmp_path, 60)
    outcome = await ask(FEED, node, settings, 0.09)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert outcome.measurements == ()


async def test_a_link_that_leads_nowhere_hides_no_message(tmp_path: Path) -> None:
    node, settings = by_folder(tmp_path, 60)
    (tmp_path / "itself.hl7").symlink_to("itself.hl7")
    (tmp_path / "gone.hl7").symlink_to("nothing")
    assert (await ask(FEED, node, settings)).status is Status.OK


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ("Orders", (Status.UNKNOWN, Reason.NOT_MEASURED, "mirth does not report received messages for: Orders")),
        ("Results", (Status.OK, None, "")),
        ((), (Status.OK, None, "")),
    ],
)
async def test_what_an_engine_does_not_count_is_not_zero(
    feeds: Any, expected: tuple[Status, Reason | None, str]
) -> None:
    mute = {key: value for key, value in channel("Orders", 7).items() if key != "statistics"}
    async with engine(mute, channel("Results", 7)) as peer:
        outcome = await ask(FEED, node_of(peer), by_engine(feeds=feeds))
    assert (outcome.status, outcome.reason, outcome.detail) == expected


async def test_a_folder_that_is_gone_is_missing(tmp_path: Path) -> None:
    gone = Hl7FeedSettings(source="folder", folder=str(tmp_path / "gone"), within="15m")
    outcome = await ask(FEED, NODE, gone)
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


async def test_a_date_in_the_future_does_not_hide_a_silence(tmp_path: Path) -> None:
    node, settings = by_folder(tmp_path, -86400)
    memory: dict[str, Any] = {}
    await ask(FEED, node, settings, memory=memory)
    assert memory["last"]["any"] <= SystemClock().now()


class Feed:
    """A real sender to our listener, and the check that watches it."""

    def __init__(self, clock: Wound, **settings: object) -> None:
        self.clock = clock
        self.listener = Listener(clock, ("PACSMON", "EAST"), ("127.0.0.1",))
        self.settings = Hl7FeedSettings(source="listener", **settings)
        self.memory: MutableMapping[str, Any] = {}

    async def __aenter__(self) -> Feed:
        await self.listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.listener.stop()

    async def send(self, kind: str = "ORM^O01") -> None:
        message = f"MSH|^~\\&|RIS|EAST|PACSMON|EAST|1||{kind}|1|P|2.3\rPID|1||1||DOE^JANE\r"
        assert await sent(self.listener.port, message) == ["AA"]

    async def at(self, wall: str) -> Outcome:
        self.clock.wall = wall
        return await ask(
            FEED,
            NODE,
            self.settings,
            clock=self.clock,
            memory=self.memory,
            zone=BERLIN,
            hl7_listener=self.listener,
        )


async def test_a_sender_that_falls_silent_in_service_hours() -> None:
    async with Feed(Wound("2026-11-24T10:00"), within=IN_HOURS) as feed:
        await feed.send()
        assert not silent(await feed.at("2026-11-24T10:14"))
        outcome = await feed.at("2026-11-24T10:15")
        assert silent(outcome)
        assert outcome.detail == "no message since Tue 2026-11-24 10:00:00 CET; the longest acceptable gap is 15 min"
        await feed.send()
        assert not silent(await feed.at("2026-11-24T10:16"))


async def test_a_sender_that_is_silent_over_the_weekend_and_then_on_monday_morning() -> None:
    async with Feed(Wound("2026-11-27T18:58"), within=IN_HOURS) as feed:
        await feed.send()
        assert not silent(await feed.at("2026-11-27T23:30"))
        assert not silent(await feed.at("2026-11-28T08:59"))
        await feed.send()
        assert not silent(await feed.at("2026-11-28T09:58"))
        await feed.send()
        assert not silent(await feed.at("2026-11-28T10:57"))
        feed.clock.wall = "2026-11-28T11:30"
        await feed.send()
        assert not silent(await feed.at("2026-11-29T13:00"))
        assert not silent(await feed.at("2026-11-30T07:14"))
        assert silent(await feed.at("2026-11-30T07:15"))


async def test_a_sender_that_falls_silent_over_a_change_of_daylight_saving_time() -> None:
    nights = {"Sat-Sun 00:00-06:00": "2h"}
    async with Feed(Wound("2026-03-29T00:30"), within=nights) as feed:
        await feed.send()
        assert not silent(await feed.at("2026-03-29T03:29"))
        assert silent(await feed.at("2026-03-29T03:30"))
    async with Feed(Wound("2026-10-25T01:30"), within=nights) as feed:
        await feed.send()
        assert not silent(await feed.at("2026-10-25T02:29"))
        assert silent(await feed.at("2026-10-25T03:00"))


async def test_a_silence_that_was_told_stays_one_when_the_hours_end() -> None:
    async with Feed(Wound("2026-11-24T18:30"), within=IN_HOURS) as feed:
        await feed.send()
        assert silent(await feed.at("2026-11-24T18:46"))
        assert silent(await feed.at("2026-11-25T03:00"))
        await feed.send()
        assert not silent(await feed.at("2026-11-25T03:01"))


async def test_each_message_type_that_is_expected_must_come() -> None:
    async with Feed(Wound("2026-11-24T10:00"), within="15m", expect=["ORM^O01", "ORU^R01"]) as feed:
        await feed.at("2026-11-24T10:00")
        await feed.send()
        assert not silent(await feed.at("2026-11-24T10:14"))
        outcome = await feed.at("2026-11-24T10:15")
        assert outcome.detail == (
            "ORM^O01: no message since Tue 2026-11-24 10:00:00 CET; the longest acceptable gap is 15 min; "
            "ORU^R01: no message since monitoring began; the longest acceptable gap is 15 min"
        )
    assert {(m.name, m.labels) for m in outcome.measurements} == {
        (LAST, (("feed", "ORM^O01"),)),
        (MESSAGES, (("feed", "ORM^O01"),)),
    }


async def test_what_was_heard_before_a_restart_is_remembered() -> None:
    async with Feed(Wound("2026-11-24T10:00"), within="15m", expect="ORM^O01") as feed:
        await feed.send()
        await feed.at("2026-11-24T10:01")
    async with Feed(Wound("2026-11-24T10:10"), within="15m", expect="ORM^O01") as again:
        again.memory = feed.memory
        assert not silent(await again.at("2026-11-24T10:14"))
        assert silent(await again.at("2026-11-24T10:15"))


async def test_without_a_listener_it_is_not_configured() -> None:
    outcome = await ask(FEED, NODE, Hl7FeedSettings(source="listener", within="15m"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


def channel(name: str, received: int, state: str = "STARTED") -> dict[str, Any]:
    entry = {"com.mirth.connect.donkey.model.message.Status": "RECEIVED", "long": received}
    return {"name": name, "state": state, "queued": 0, "statistics": {"linked-hash-map": {"entry": [entry]}}}


def statuses(*channels: dict[str, Any]) -> dict[str, Any]:
    return {"/api/channels/statuses": {"list": {"dashboardStatus": list(channels)}}}


def engine(*channels: dict[str, Any], **fields: Any) -> Any:
    """A fake Mirth Connect, which replays what its sources document."""
    return replayed(statuses(*channels), demands=("x-requested-with",), **fields)


def node_of(peer: Replayed, **account: str) -> Node:
    return Node("ris", host="127.0.0.1", systems={"mirth": MirthSettings(url=peer.url, **account)})


def by_engine(**settings: object) -> Hl7FeedSettings:
    return Hl7FeedSettings(source="mirth", **{"within": "15m", **settings})


async def test_a_counter_of_an_engine_that_goes_on_is_a_feed_that_lives() -> None:
    clock, memory = Wound("2026-11-24T10:00"), dict[str, Any]()
    async with engine(channel("Orders", 7), channel("Results", 3)) as peer:

        async def look(wall: str, *channels: dict[str, Any]) -> Outcome:
            clock.wall, peer.answers = wall, statuses(*channels)
            settings = by_engine(feeds=["Orders", "Results"])
            return await ask(FEED, node_of(peer), settings, clock=clock, memory=memory, zone=BERLIN)

        assert not silent(await look("2026-11-24T10:00", channel("Orders", 7), channel("Results", 3)))
        assert not silent(await look("2026-11-24T10:10", channel("Orders", 8), channel("Results", 3)))
        outcome = await look("2026-11-24T10:15", channel("Orders", 8), channel("Results", 3, "STOPPED"))
        assert silent(outcome)
        never = "no message since monitoring began; the longest acceptable gap is 15 min"
        assert outcome.detail == f"Results (not started): {never}"
        cleared = await look("2026-11-24T10:20", channel("Orders", 0), channel("Results", 0))
        assert cleared.detail.startswith("Results: ")
        later = await look("2026-11-24T10:25", channel("Orders", 0), channel("Results", 0))
        assert later.detail.startswith("Orders: no message since Tue 2026-11-24 10:10:00 CET; ")
        again = await look("2026-11-24T10:26", channel("Orders", 1), channel("Results", 2))
        assert not silent(again)


async def test_a_channel_that_is_not_started_is_a_warning_in_hours() -> None:
    async with engine(channel("Orders", 7, "STOPPED")) as peer:

        async def look(wall: str, **settings: object) -> Outcome:
            feeds = by_engine(within=IN_HOURS, **settings)
            return await ask(FEED, node_of(peer), feeds, clock=Wound(wall), memory={}, zone=BERLIN)

        outcome = await look("2026-11-24T10:00", feeds="Orders")
        assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SILENT)
        assert outcome.detail == "Orders: the channel is not started"
        assert (await look("2026-11-24T03:00", feeds="Orders")).status is Status.OK
        assert (await look("2026-11-24T10:00")).status is Status.OK


async def test_all_channels_together_are_watched_unless_some_are_named() -> None:
    memory: dict[str, Any] = {}
    async with engine(channel("Orders", 7), channel("Results", 3)) as peer:
        first = await ask(FEED, node_of(peer), by_engine(expect="ORM^O01"), memory=memory)
        peer.answers = statuses(channel("Orders", 7), channel("Results", 4))
        await ask(FEED, node_of(peer), by_engine(expect="ORM^O01"), memory=memory)
    assert [(m.name, m.labels, m.value) for m in first.measurements] == [(MESSAGES, (("feed", "ORM^O01"),), 10)]
    assert set(memory["last"]) == {"ORM^O01"}


async def test_a_channel_that_is_not_deployed_is_missing() -> None:
    async with engine(channel("Orders", 7)) as peer:
        outcome = await ask(FEED, node_of(peer), by_engine(feeds="Results"))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)
    assert outcome.detail == "mirth has not deployed: Results"


@pytest.mark.parametrize("how", ["empty", "malformed", "huge"])
async def test_an_engine_that_answers_nonsense_tells_no_silence(how: str) -> None:
    async with engine(channel("Orders", 7), how=how) as peer:
        outcome = await ask(FEED, node_of(peer), by_engine())
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.BAD_CONTENT)


async def test_an_engine_that_refuses_our_account_is_our_fault() -> None:
    async with engine(channel("Orders", 7), authorization="Basic eDp5") as peer:
        outcome = await ask(FEED, node_of(peer, username="monitor", password="wrong"), by_engine())
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.AUTH)


async def test_a_node_without_an_engine_is_not_configured() -> None:
    outcome = await ask(FEED, NODE, by_engine())
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": "fax", "within": "5m"}, "is not a source of feeds; use one of: folder, listener, mirth"),
        ({"source": "folder", "within": "5m"}, "require each other"),
        ({"source": "listener", "folder": "x", "within": "5m"}, "require each other"),
        ({"source": "listener", "feeds": "x", "within": "5m"}, "set source to an engine"),
        ({"source": "listener", "within": {"Mo-Fr 7-19": "5m"}}, "is not a list of hours"),
        ({"source": "listener", "within": "soon"}, "is not a duration"),
    ],
)
def test_what_cannot_be_watched_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Hl7FeedSettings(**wrong)


def test_it_opens_no_associations() -> None:
    assert FEED.addresses(NODE, by_engine()) == ()
    assert not FEED.uses_association


def test_equal_limits_are_equal_settings_so_that_a_reload_leaves_the_check_alone() -> None:
    assert by_engine(within=IN_HOURS) == by_engine(within=dict(IN_HOURS))
    assert by_engine(within=IN_HOURS) != by_engine(within="15m")
