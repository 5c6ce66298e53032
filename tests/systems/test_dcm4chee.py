"""Against a fake that replays what docs/swagger/openapi.json of dcm4chee-arc-light documents: none was at hand."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pacs_monitor.fields import Secret
from pacs_monitor.model import Flag, Node, Reason, Status
from pacs_monitor.net import Trace
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems.dcm4chee import Dcm4chee, Dcm4cheeSettings
from pacs_monitor.systems.shared.resources import Queue, Volume
from tests.peers.replayed import replayed
from tests.support.probing import Context, ask
from tests.support.timing import SOON
from tests.systems.asking import BADLY, NODE, bad_answers, tell, why_not

FS1 = {
    "dcmStorageID": "fs1",
    "dcmURI": "file:/storage/fs1",
    "usableSpace": 600,
    "totalSpace": 1000,
    "usedSpace": 350,
    "storageThreshold": [{"studyCount": 0}],
}
FULL = FS1 | {"dcmStorageID": "fs2", "usableSpace": 10, "dcmStorageThresholdExceeded": "20261124"}
QUEUE: dict[str, Any] = {
    "/queue": [{"name": "Export1", "description": "Export Tasks"}],
    "/queue/Export1/count?status=SCHEDULED": {"count": 3},
    "/queue/Export1/count?status=SCHEDULED%20FOR%20RETRY": {"count": 1},
    "/queue/Export1/count?status=IN%20PROCESS": {"count": 0},
    "/queue/Export1/count?status=FAILED": {"count": 7},
}
OLDEST = "/queue/Export1?status=SCHEDULED&orderby=scheduledTime&limit=1"


def system(url: str, **settings: Any) -> Dcm4chee:
    return Dcm4chee(Dcm4cheeSettings(url=url, ae_title="DCM4CHEE", **settings))


async def test_storages_are_volumes_and_one_that_is_marked_is_full() -> None:
    async with replayed({"/storage": [FS1, FULL]}) as peer:
        volumes = await tell(system(peer.url).volumes)
    assert volumes == [Volume("fs1", used=400, free=600), Volume("fs2", used=990, free=10, full=True)]


async def test_a_storage_that_it_leaves_out_is_missing() -> None:
    async with replayed({"/storage": [FS1]}) as peer:
        node = Node("archive", systems={"dcm4chee": Dcm4cheeSettings(url=peer.url, ae_title="DCM4CHEE")})
        outcome = await ask(kinds()["disk"], node, DiskSettings(source="dcm4chee", volumes=["fs1", "fs2"]))
    assert (outcome.status, outcome.reason, outcome.detail) == (
        Status.FAIL,
        Reason.MISSING,
        "volume fs2 is not there",
    )
    assert outcome.terminal == (("the system reports", "fs1"),)


@pytest.mark.parametrize(
    ("scheduled", "waiting", "oldest"),
    [("2026-11-24T08:00:00.000+0000", 4, 1795507200.0), ("2126-11-24T08:00:00.000+0000", 1, None)],
)
async def test_tasks_wait_and_are_dated_unless_scheduled_for_later(
    scheduled: str, waiting: int, oldest: float | None
) -> None:
    task = {"taskID": 1, "scheduledTime": scheduled, "patientName": "Mustermann^Erika"}
    async with replayed(QUEUE | {OLDEST: [task]}) as peer:
        queues = await tell(system(peer.url).queues)
    assert queues == [Queue("Export1", waiting, oldest, in_progress=0, failed=7)]


RETRIED = "/queue/Export1/count?status=SCHEDULED%20FOR%20RETRY"
BY_CREATION = "/queue/Export1?status=SCHEDULED&orderby=createdTime&limit=100"
UNORDERED = "/queue/Export1?status=SCHEDULED&limit=100"
DUE = {"scheduledTime": "2026-11-24T08:00:00.000+0000", "patientName": "Mustermann^Erika"}
DUE_LATER = {"scheduledTime": "2026-11-24T09:00:00.000+0000"}
PLANNED = {"scheduledTime": "2126-11-24T08:00:00.000+0000"}
AGAIN = PLANNED | {"failures": 2, "errorMessage": "Mustermann^Erika"}
AT = 1795507200.0
V5_30 = QUEUE | {RETRIED: 400}
V5_23 = V5_30 | {OLDEST: 400}
V5_12 = V5_23 | {BY_CREATION: 400}
SINCE_5_31, V5_30_DUE = QUEUE | {OLDEST: [DUE]}, V5_30 | {OLDEST: [DUE]}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(SINCE_5_31, (4, AT), id="5.31"),
        pytest.param(V5_30_DUE, (3, AT), id="5.30"),
        pytest.param(V5_30 | {OLDEST: [PLANNED]}, (0, None), id="5.30, planned"),
        pytest.param(V5_30 | {OLDEST: [AGAIN]}, (1, None), id="5.30, tried again"),
        pytest.param(V5_23 | {BY_CREATION: [PLANNED, DUE_LATER, DUE]}, (3, AT), id="5.23"),
        pytest.param(V5_23 | {BY_CREATION: [PLANNED, AGAIN, AGAIN]}, (2, None), id="5.23, tried again"),
        pytest.param(V5_23 | {BY_CREATION: [PLANNED, PLANNED]}, (3, None), id="5.23, more than are looked at"),
        pytest.param(V5_12 | {UNORDERED: [PLANNED, DUE, DUE_LATER]}, (3, AT), id="5.12"),
    ],
)
async def test_the_queues_of_each_version_are_told(answers: dict[str, Any], expected: tuple[int, float | None]) -> None:
    """dcm4chee-arc-light issues 4141 (5.31), 3388 (5.24) and 1302 (5.13): what it does not know yet is 400."""
    async with replayed(answers) as peer:
        (queue,) = await tell(system(peer.url).queues)
    assert (queue.length, queue.oldest) == expected
    assert (queue.in_progress, queue.failed) == (0, 7)


async def test_what_a_version_does_not_know_is_asked_once_and_not_for_each_queue() -> None:
    second = {path.replace("Export1", "Export2"): answer for path, answer in V5_23.items()}
    listed = {"/queue": [{"name": "Export1"}, {"name": "Export2"}]}
    by_creation = {path: [DUE] for path in (BY_CREATION, BY_CREATION.replace("Export1", "Export2"))}
    async with replayed(V5_23 | second | listed | by_creation) as peer:
        queues = await tell(system(peer.url).queues)
    assert [queue.length for queue in queues] == [3, 3]
    assert (
        sum("RETRY" in path for path in peer.asked) == sum("orderby=scheduledTime" in path for path in peer.asked) == 1
    )


@pytest.mark.parametrize("status", [404, 405])
async def test_before_5_12_tasks_are_listed_since_they_are_not_counted(status: int) -> None:
    """dcm4chee-arc-light issue 1120."""
    counts = {path: status for path in QUEUE if "/count?" in path}
    lists = {
        "/queue/Export1?status=SCHEDULED&limit=500": [DUE, DUE_LATER],
        "/queue/Export1?status=SCHEDULED%20FOR%20RETRY&limit=500": 400,
        "/queue/Export1?status=IN%20PROCESS&limit=500": [],
        "/queue/Export1?status=FAILED&limit=500": [DUE] * 500,
    }
    trace = Trace()
    async with replayed(V5_12 | counts | lists | {UNORDERED: [DUE, DUE_LATER]}) as peer:
        (queue,) = await system(peer.url).queues(NODE, Context(time.monotonic() + SOON), trace)
    assert queue == Queue("Export1", 2, AT, in_progress=0, failed=500)
    assert trace.flags == [Flag.CAPPED]


@pytest.mark.parametrize(("status", "reason"), [(400, Reason.HTTP_STATUS), (500, Reason.HTTP_STATUS)])
async def test_a_refusal_of_what_every_version_knows_stays_one(status: int, reason: Reason) -> None:
    async with replayed(QUEUE | {"/queue/Export1/count?status=FAILED": status}) as peer:
        assert await why_not(system(peer.url).queues) is reason


async def test_only_the_queues_that_are_wanted_are_asked_for() -> None:
    async with replayed({"/queue": [{"name": "Export1"}, {"name": "HL7Send"}]}) as peer:
        assert await tell(system(peer.url, queues=["MPPS*"]).queues) == []
    assert peer.asked == ["/queue"]


@pytest.mark.parametrize("what", ["volumes", "queues"])
async def test_bad_answers_have_their_reasons(what: str) -> None:
    answers = QUEUE | {"/storage": [FS1]}
    assert await bad_answers(answers, lambda url: getattr(system(url), what)) == BADLY


@pytest.mark.parametrize(
    "body", [{"x": 1}, [1], [{"name": "Mustermann^Erika"}], None, "text", [{"dcmStorageID": "fs1"}]]
)
async def test_another_form_of_answer_is_bad_content(body: Any) -> None:
    async with replayed({"/storage": body}) as peer:
        assert await why_not(system(peer.url).volumes) is Reason.BAD_CONTENT


async def test_a_wrong_token_is_auth_and_unknown() -> None:
    async with replayed({"/storage": [FS1]}, authorization="Bearer right") as peer:
        assert await why_not(system(peer.url, token=Secret("wrong")).volumes) is Reason.AUTH
        assert len(await tell(system(peer.url, token=Secret("right")).volumes)) == 1
    assert Reason.AUTH.blame == "monitor"
