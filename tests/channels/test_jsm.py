"""Jira Service Management, against a fake that answers as documented (202, `result`): it is not Atlassian's."""

from __future__ import annotations

import json
from typing import Any

from pacs_monitor.channels.jsm import DESCRIPTION_LIMIT, MESSAGE_LIMIT, Jsm, JsmSettings
from pacs_monitor.model import Event, Notification
from tests.channels import samples
from tests.channels.contract import Request, Subject, answering, receiver
from tests.support.timing import SOON

KEY = "g3n1e-0123-4567"
FAKE = b'{"result":"Request will be processed","took":0.1,"requestId":"r"}'
CONTRACT = Subject(settings=lambda url: {"url": url, "api_key": KEY, "disclose": "full"}, secrets=(KEY,), answer=FAKE)
ALIAS = "east-campus%2F01JD0000000000000000000000%2F"


def requests(notification: Notification, **settings: Any) -> list[Request]:
    with receiver(answering(202, FAKE)) as at:
        made = {"url": at.url + "/jsm/ops/integration", "api_key": KEY, **settings}
        Jsm("oncall", JsmSettings.model_validate(made)).deliver(notification, SOON)
    return at.requests


def paths(notification: Notification) -> list[str]:
    found = (request.line.split()[1] for request in requests(notification))
    return [path.removeprefix("/jsm/ops/integration/v2/alerts").replace(ALIAS, "") for path in found]


def test_each_event_is_what_jira_service_management_has_for_it() -> None:
    told = samples.every_event()
    assert paths(told["incident.opened"]) == [""]
    assert paths(told["incident.changed"]) == ["/1/notes?identifierType=alias"]
    assert paths(told["incident.reminded"]) == ["/1/notes?identifierType=alias"]
    assert paths(told["incident.acknowledged"]) == ["/1/acknowledge?identifierType=alias"]
    assert paths(told["incident.resolved"]) == ["/1/close?identifierType=alias"]
    assert paths(samples.worse()) == ["", "/1/close?identifierType=alias"]
    assert paths(samples.notification(Event.RESOLVED, page=2)) == [
        "/2/close?identifierType=alias",
        "/1/close?identifierType=alias",
    ]
    assert len(paths(told["digest"])) == 2


def test_an_alert_has_the_fields_of_the_api() -> None:
    (request,) = requests(samples.notification(), disclose="full")
    alert = json.loads(request.body)
    assert request.headers["authorization"] == f"GenieKey {KEY}"
    assert set(alert) == {"alias", "source", "message", "description", "priority", "entity", "tags", "details"}
    assert (alert["alias"], alert["priority"]) == ("east-campus/01JD0000000000000000000000/1", "P1")
    assert alert["entity"] == "archive"
    assert all(isinstance(value, str) for value in alert["details"].values())


def test_by_default_only_the_minimum_leaves_the_house() -> None:
    for event in samples.every_event().values():
        told = " ".join(request.raw for request in requests(event))
        assert [word for word in samples.PRIVATE if word in told] == []


def test_everything_stays_within_the_limits() -> None:
    long = "Röntgen 👨\u200d👩\u200d👧 " * 10_000
    (request,) = requests(samples.notification(summary=long, detail=long, impact=long, site=long), disclose="full")
    alert = json.loads(request.body)
    assert len(alert["message"]) <= MESSAGE_LIMIT
    assert alert["message"].endswith("…")
    assert len(alert["description"]) <= DESCRIPTION_LIMIT
    assert max(map(len, alert["tags"])) <= 50
