from __future__ import annotations

from typing import Any

import pytest
import requests
from pydantic import ValidationError

from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.queue import QueueSettings
from pacs_monitor.systems.http_json import HttpJson, HttpJsonSettings
from pacs_monitor.systems.shared.resources import Queue, Volume
from tests.peers.orthanc import Orthanc
from tests.peers.replayed import replayed
from tests.support.probing import ask
from tests.systems.asking import BADLY, bad_answers, tell, why_not

BODY = {
    "router": {"waiting": "12", "since": "2026-11-24T08:00:00Z", "active": [1, 2], "patient": "Mustermann"},
    "jobs": [
        {"state": "new", "at": 1795507200000},
        {"state": "new", "at": 1795507300000},
        {"state": "bad"},
    ],
    "disk": {"used": 700.4, "free": 300},
}


def system(url: str, **settings: Any) -> HttpJson:
    return HttpJson(HttpJsonSettings(url=url, **settings))


ROUTER = {"path": "/s", "length": "$.router.waiting", "oldest": "$.router.since", "in_progress": "$.router.active"}
JOBS = {
    "path": "/s",
    "length": "$.jobs[?@.state == 'new']",
    "oldest": "$.jobs[?@.state == 'new'].at",
    "failed": "$.jobs[?@.state == 'bad']",
}


async def test_paths_tell_numbers_texts_that_are_numbers_lists_and_filters() -> None:
    async with replayed({"/s": BODY}) as peer:
        asked = system(peer.url, queues={"router": ROUTER, "jobs": JOBS})
        queues = await tell(asked.queues)
    assert peer.asked == ["/s"]
    assert queues == [
        Queue("router", 12, oldest=1795507200.0, in_progress=2),
        Queue("jobs", 2, oldest=1795507200.0, failed=1),
    ]


async def test_a_filter_that_finds_nothing_counts_none() -> None:
    async with replayed({"/s": {"jobs": []}}) as peer:
        assert await tell(system(peer.url, queues={"jobs": JOBS}).queues) == [Queue("jobs", 0, failed=0)]


async def test_volumes_are_told_likewise() -> None:
    paths = {"path": "/s", "used": "$.disk.used", "free": "$.disk.free"}
    async with replayed({"/s": BODY}) as peer:
        assert await tell(system(peer.url, volumes={"disk": paths}).volumes) == [Volume("disk", 700, 300)]


@pytest.mark.parametrize("length", ["$.nothing", "$.router.patient", "$.router", "$.router.since"])
async def test_what_is_no_number_is_bad_content_and_not_repeated(length: str) -> None:
    async with replayed({"/s": BODY}) as peer:
        asked = system(peer.url, queues={"a": {"path": "/s", "length": length}})
        assert await why_not(asked.queues) is Reason.BAD_CONTENT


@pytest.mark.parametrize("untold", [None, -1, "-1"])
async def test_a_number_that_is_null_or_below_zero_is_not_known_and_the_others_are(untold: Any) -> None:
    body = {"router": BODY["router"], "other": {"waiting": untold, "failed": untold, "active": untold, "since": None}}
    other = {
        "path": "/s",
        "length": "$.other.waiting",
        "failed": "$.other.failed",
        "in_progress": "$.other.active",
        "oldest": "$.other.since",
    }
    async with replayed({"/s": body}) as peer:
        block = HttpJsonSettings(url=peer.url, queues={"router": ROUTER, "other": other})
        node = Node("router", systems={"http_json": block})
        unknown, failing = [
            await ask(kinds()["queue"], node, QueueSettings(source="http_json", fail=limit)) for limit in (None, 12)
        ]
    assert (unknown.status, unknown.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    assert unknown.detail == "other: the service does not report its length"
    assert (failing.status, failing.reason) == (Status.FAIL, Reason.OVER_LIMIT)
    assert [m.value for m in unknown.measurements if m.name == "queue_length"] == [12]
    assert not [m for m in unknown.measurements if m.name == "queue_failed"]


async def test_bad_answers_have_their_reasons() -> None:
    assert await bad_answers({"/s": BODY}, lambda url: system(url, queues={"a": ROUTER}).queues) == BADLY


def test_what_is_no_jsonpath_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a JSONPath"):
        system("http://127.0.0.1", queues={"a": {"length": "$..["}})


async def test_a_real_service_tells_a_number(tmp_path: Any) -> None:
    with Orthanc(tmp_path) as peer:
        requests.post(f"{peer.url}/tools/create-dicom", json={"Tags": {"PatientID": "ZZTEST"}}, timeout=20)
        paths = {"path": "/statistics", "length": "$.CountInstances"}
        assert await tell(system(peer.url, queues={"instances": paths}).queues) == [Queue("instances", 1)]
