"""Nobody takes a test for a fault, whatever its shape, its channel and what of it may leave the house."""

from __future__ import annotations

import json

import pytest

from pacs_monitor.channels import kinds
from pacs_monitor.channels.shared.disclosure import disclosed
from pacs_monitor.config.sections import MonitorSettings
from pacs_monitor.messages.trial import NO_FAULT, Shape, shaped
from pacs_monitor.model import Notification
from tests.channels.contract import answering, made, receiver, subject
from tests.channels.samples import AT
from tests.support.timing import SOON

MONITOR = MonitorSettings(name="east", database="sqlite:///x.db", external_url="https://monitor.example.org")
EVERY = [
    *shaped(None, "people", MONITOR, AT),
    *(one for shape in Shape for one in shaped(shape, "people", MONITOR, AT)),
]
OVER_HTTP = sorted(kind for kind in kinds() if subject(kind))


def name(notification: Notification) -> str:
    return f"{notification.type}, {notification.data['kind']}"


@pytest.mark.parametrize("notification", EVERY, ids=name)
@pytest.mark.parametrize("disclose", ["full", "minimal"])
def test_every_text_begins_with_it(notification: Notification, disclose: str) -> None:
    data = disclosed(notification, disclose)  # type: ignore[arg-type]
    assert data["summary"].startswith(NO_FAULT)
    assert data["kind"] == "test" or (data["test"] is True and data["title"].startswith(NO_FAULT))
    nodes = [data.get("node") or "TEST", *data.get("nodes", ()), *data.get("members", ())]
    assert all(node.startswith("TEST") for node in nodes)
    assert data["url"] == MONITOR.url
    assert json.dumps(dict(data))


@pytest.mark.parametrize("kind", OVER_HTTP)
@pytest.mark.parametrize("notification", EVERY, ids=name)
def test_every_request_says_so(kind: str, notification: Notification) -> None:
    with receiver(answering(200, b"{}")) as at:
        made(kind, at.url).deliver(notification, SOON)
    assert all("TEST" in request.raw for request in at.requests)


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape is not Shape.DIGEST])
def test_one_key_and_one_identity_each(shape: Shape) -> None:
    told = shaped(shape, "people", MONITOR, AT)
    assert len({one.data["dedup_key"] for one in told}) == 1
    assert len({one.id for one in told}) == len(told)
    again = shaped(shape, "people", MONITOR, AT)
    assert again[0].data["dedup_key"] != told[0].data["dedup_key"]
