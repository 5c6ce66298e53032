"""Against a fake that replays what the sources of Mirth Connect and Open Integration Engine say: none was at hand."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.fields import Secret
from pacs_monitor.http import basic
from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.queue import QueueSettings
from pacs_monitor.systems.mirth import Mirth, MirthSettings
from pacs_monitor.systems.shared.resources import Feed, Queue, Volume
from tests.peers.replayed import replayed
from tests.support.probing import ask
from tests.systems.asking import BADLY, bad_answers, tell, why_not

STATUS = "com.mirth.connect.donkey.model.message.Status"
STATUSES, STATS = "/api/channels/statuses", "/api/system/stats"


def statistics(received: int, error: int) -> dict[str, Any]:
    return {
        "@class": "linked-hash-map",
        "entry": [{STATUS: "RECEIVED", "long": received}, {STATUS: "ERROR", "long": error}],
    }


SOURCE = {"name": "Source", "metaDataId": 0, "state": "STARTED", "queued": 0, "statistics": statistics(10, 0)}
PACS = {"name": "to PACS", "metaDataId": 1, "state": "STOPPED", "queued": 4, "statistics": statistics(10, 2)}
ORDERS = {
    "channelId": "3ad3ee8d-9c0b-4e5c-9c1c-1c6d4a0f9b7e",
    "name": "orders",
    "state": "STARTED",
    "queued": 4,
    "statistics": statistics(10, 2),
    "childStatuses": {"dashboardStatus": [SOURCE, PACS]},
}
SEVERAL = {"list": {"dashboardStatus": [ORDERS, ORDERS | {"name": "results", "childStatuses": None}]}}
ONE = {"list": {"dashboardStatus": ORDERS | {"childStatuses": {"dashboardStatus": PACS}}}}
DISK = {"com.mirth.connect.model.SystemStats": {"diskFreeBytes": 300, "diskTotalBytes": 1000}}


def system(url: str, **settings: Any) -> Mirth:
    return Mirth(MirthSettings(url=url, **settings))


async def test_channels_and_their_destinations_are_queues() -> None:
    async with replayed({STATUSES: SEVERAL}, demands=("x-requested-with",)) as peer:
        queues = await tell(system(peer.url).queues)
    assert queues == [
        Queue("orders", 4, failed=2, failed_is_total=True),
        Queue("orders/to PACS", 4, in_progress=0, failed=2, failed_is_total=True),
        Queue("results", 4, failed=2, failed_is_total=True),
    ]


async def test_a_list_of_one_that_collapsed_into_an_object_is_still_a_list() -> None:
    async with replayed({STATUSES: ONE}) as peer:
        queues = await tell(system(peer.url).queues)
    assert [queue.name for queue in queues] == ["orders", "orders/to PACS"]


async def test_destinations_of_one_name_are_told_apart_by_their_number() -> None:
    children = {"dashboardStatus": [SOURCE, PACS, PACS | {"metaDataId": 2, "queued": 7}]}
    async with replayed({STATUSES: {"list": {"dashboardStatus": ORDERS | {"childStatuses": children}}}}) as peer:
        queues = await tell(system(peer.url).queues)
    assert [(queue.label, queue.length) for queue in queues] == [
        ("orders", 4),
        ("orders/to PACS#1", 4),
        ("orders/to PACS#2", 7),
    ]


@pytest.mark.parametrize(
    ("named", "limit", "expected"),
    [
        (["orders"], None, (Status.UNKNOWN, Reason.NOT_MEASURED)),
        (["orders", "results"], None, (Status.UNKNOWN, Reason.NOT_MEASURED)),
        (["orders", "results"], 3, (Status.FAIL, Reason.OVER_LIMIT)),
        (["results"], None, (Status.OK, None)),
        ([], None, (Status.OK, None)),
    ],
)
async def test_a_length_that_is_not_told_is_not_zero(
    named: list[str], limit: int | None, expected: tuple[Status, Reason | None]
) -> None:
    mute = {key: value for key, value in ORDERS.items() if key not in ("queued", "childStatuses")}
    results = ORDERS | {"name": "results", "childStatuses": None}
    async with replayed({STATUSES: {"list": {"dashboardStatus": [mute, results]}}}) as peer:
        node = Node("engine", systems={"mirth": MirthSettings(url=peer.url)})
        outcome = await ask(kinds()["queue"], node, QueueSettings(source="mirth", queues=named, fail=limit))
    assert (outcome.status, outcome.reason) == expected
    assert ("queue_length", "orders") not in {(m.name, dict(m.labels).get("queue")) for m in outcome.measurements}


@pytest.mark.parametrize("nothing", [{"list": None}, {"list": ""}, {"list": {"dashboardStatus": []}}])
async def test_no_channel_is_no_queue(nothing: Any) -> None:
    async with replayed({STATUSES: nothing}) as peer:
        assert await tell(system(peer.url).queues) == []


async def test_what_a_channel_received_is_a_feed() -> None:
    stopped = {"list": {"dashboardStatus": [ORDERS, ORDERS | {"name": "results", "state": "PAUSED"}]}}
    async with replayed({STATUSES: stopped}) as peer:
        feeds = await tell(system(peer.url).feeds)
    assert feeds == [Feed("orders", 10), Feed("results", 10, up=False)]


async def test_the_disk_of_the_engine_is_a_volume() -> None:
    async with replayed({STATS: DISK}) as peer:
        assert await tell(system(peer.url).volumes) == [Volume("engine", used=700, free=300)]


@pytest.mark.parametrize("what", ["volumes", "queues", "feeds"])
async def test_bad_answers_have_their_reasons(what: str) -> None:
    assert await bad_answers({STATUSES: SEVERAL, STATS: DISK}, lambda url: getattr(system(url), what)) == BADLY


@pytest.mark.parametrize("body", [{"list": {"dashboardStatus": [1]}}, {"list": {"dashboardStatus": {"name": "a"}}}])
async def test_another_form_of_answer_is_bad_content(body: Any) -> None:
    async with replayed({STATUSES: body}) as peer:
        assert await why_not(system(peer.url).queues) is Reason.BAD_CONTENT


async def test_a_wrong_password_is_auth() -> None:
    async with replayed({STATS: DISK}, authorization=basic("monitor", "right")) as peer:
        wrong = system(peer.url, username="monitor", password=Secret("wrong"))
        right = system(peer.url, username="monitor", password=Secret("right"))
        assert await why_not(wrong.volumes) is Reason.AUTH
        assert len(await tell(right.volumes)) == 1
