"""Against a fake that replays what docs/swagger/openapi.json of dcm4chee-arc-light documents: none was at hand."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.fields import Secret
from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.disk import DiskSettings
from pacs_monitor.systems.answers import Queue, Volume
from pacs_monitor.systems.dcm4chee import Dcm4chee, Dcm4cheeSettings
from tests.peers.replayed import replayed
from tests.probes.support import ask
from tests.systems.asking import BADLY, bad_answers, tell, why_not

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
    assert outcome.terminal == (("the system tells", "fs1"),)


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
