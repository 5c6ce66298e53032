"""Whatever stands in a product's answer, a system tells something or why not; nothing else is raised."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs_monitor.model import Reason
from pacs_monitor.net import NetFailure
from pacs_monitor.systems.dcm4chee import Dcm4chee, Dcm4cheeSettings
from pacs_monitor.systems.http_json import HttpJson, HttpJsonSettings
from pacs_monitor.systems.mirth import Mirth, MirthSettings
from pacs_monitor.systems.orthanc import Orthanc, OrthancSettings
from tests.peers.replayed import replayed
from tests.systems import test_dcm4chee as dcm4chee
from tests.systems import test_mirth as mirth
from tests.systems.asking import tell

ODDITIES: list[Any] = [None, True, -1, 0.5, 1e999, float("nan"), "", "x", "12", "1e999", [], {}, [1], [[]], {"name": 1}]


def places(answer: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in an answer: the keys and indices that lead there."""
    inner = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    return [here, *(place for key, part in inner for place in places(part, (*here, key)))]


def altered(answer: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """The answer with something odd at one place."""
    if not place:
        return odd
    copy = dict(answer) if isinstance(answer, dict) else list(answer)
    copy[place[0]] = altered(answer[place[0]], place[1:], odd)
    return copy


SYSTEMS: dict[str, tuple[Callable[[str], Any], dict[str, Any]]] = {
    "dcm4chee": (
        lambda url: Dcm4chee(Dcm4cheeSettings(url=url, ae_title="A")),
        dcm4chee.QUEUE | {"/storage": [dcm4chee.FS1], dcm4chee.OLDEST: [{"scheduledTime": "2026-11-24T08:00:00Z"}]},
    ),
    "mirth": (
        lambda url: Mirth(MirthSettings(url=url)),
        {mirth.STATUSES: mirth.SEVERAL, mirth.STATS: mirth.DISK},
    ),
    "orthanc": (
        lambda url: Orthanc(OrthancSettings(url=url, maximum_storage="1GB")),
        {
            "/system": {"MaximumStorageSize": 2},
            "/statistics": {"TotalDiskSize": "1048576"},
            "/jobs?expand": [{"ID": "1", "State": "Pending", "CreationTime": "20261124T080000.000000"}],
        },
    ),
    "http_json": (
        lambda url: HttpJson(
            HttpJsonSettings(url=url, queues={"a": {"length": "$.n", "oldest": "$..at", "failed": "$.list[*]"}})
        ),
        {"": {"n": 3, "list": [{"at": 1}, {"at": "2026-11-24"}]}},
    ),
}


@pytest.mark.parametrize("kind", SYSTEMS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_an_answer_with_something_odd_in_it_is_told_or_has_a_reason(kind: str, data: st.DataObject) -> None:
    make, answers = SYSTEMS[kind]
    path = data.draw(st.sampled_from(sorted(answers)))
    place = data.draw(st.sampled_from(places(answers[path])))
    asyncio.run(_told(make, answers | {path: altered(answers[path], place, data.draw(st.sampled_from(ODDITIES)))}))


async def _told(make: Callable[[str], Any], answers: dict[str, Any]) -> None:
    spoken = {path or "/": json.dumps(answer).encode() for path, answer in answers.items()}
    async with replayed(spoken) as peer:
        system = make(peer.url)
        for what in ("volumes", "queues", "feeds"):
            if hasattr(system, what):
                try:
                    await tell(getattr(system, what))
                except NetFailure as failure:
                    assert failure.reason in (Reason.BAD_CONTENT, Reason.HTTP_STATUS)  # noqa: PT017 - both outcomes are right
