"""PagerDuty, against a fake that answers as documented (202, `status`, `dedup_key`): it is not PagerDuty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pacs_monitor.channels.pagerduty import EVENT_LIMIT, SUMMARY_LIMIT, PagerDuty, PagerDutySettings
from pacs_monitor.model import DeliveryError, Event, Notification
from tests.channels import samples
from tests.channels.contract import Request, Subject, answering, receiver
from tests.support.timing import SOON

KEY = "R0UTINGKEY0123456789abcdefabcdef"
FAKE = b'{"status":"success","message":"Event processed","dedup_key":"x"}'
CONTRACT = Subject(
    settings=lambda url: {"url": url, "routing_key": KEY, "disclose": "full"}, secrets=(KEY,), answer=FAKE
)
DEDUP = samples.data()["dedup_key"]


def sent(notification: Notification, **settings: Any) -> list[dict[str, Any]]:
    with receiver(answering(202, FAKE)) as at:
        made = {"url": at.url, "routing_key": KEY, **settings}
        PagerDuty("oncall", PagerDutySettings.model_validate(made)).deliver(notification, SOON)
    return [json.loads(request.body) for request in at.requests]


def actions(notification: Notification) -> list[tuple[str, str]]:
    return [(event["event_action"], event["dedup_key"]) for event in sent(notification)]


def test_each_event_is_what_pagerduty_has_for_it() -> None:
    told = samples.every_event()
    assert actions(told["incident.opened"]) == [("trigger", f"{DEDUP}/1")]
    assert actions(told["incident.changed"]) == [("trigger", f"{DEDUP}/1")]
    assert actions(told["incident.acknowledged"]) == [("acknowledge", f"{DEDUP}/1")]
    for end in ("incident.resolved", "incident.withdrawn", "incident.closed"):
        assert actions(told[end]) == [("resolve", f"{DEDUP}/1")]


def test_a_page_anew_triggers_the_next_key_before_the_old_ones_are_resolved() -> None:
    assert actions(samples.worse(3)) == [
        ("trigger", f"{DEDUP}/3"),
        ("resolve", f"{DEDUP}/2"),
        ("resolve", f"{DEDUP}/1"),
    ]
    ends = actions(samples.notification(Event.RESOLVED, page=2))
    assert ends == [("resolve", f"{DEDUP}/2"), ("resolve", f"{DEDUP}/1")]


def test_the_old_page_stays_while_the_new_one_is_not_accepted() -> None:
    with receiver(answering(500)) as at:
        channel = PagerDuty("oncall", PagerDutySettings.model_validate({"url": at.url, "routing_key": KEY}))
        with pytest.raises(DeliveryError):
            channel.deliver(samples.worse(), SOON)
    assert len(at.requests) == 1


def test_an_alert_has_the_fields_of_the_api() -> None:
    (event,) = sent(samples.notification(), disclose="full")
    assert set(event) == {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links"}
    payload = event["payload"]
    assert {key: payload[key] for key in payload if key != "custom_details"} == {
        "summary": samples.SUMMARY,
        "source": "archive",
        "severity": "critical",
        "component": "dicom_store",
        "group": "east",
        "class": "out_of_resources",
        "timestamp": "2025-11-24T16:00:00.000000Z",
    }
    assert payload["custom_details"]["support"] == "phone: +49 30 1234, contract: K-4711"
    assert [link["href"] for link in event["links"]] == [samples.data()["url"], samples.data()["runbook"]]


def test_by_default_only_the_minimum_leaves_the_house() -> None:
    told = json.dumps(sent(samples.notification()), ensure_ascii=False)
    assert [word for word in samples.PRIVATE if word in told] == []


@pytest.mark.parametrize("event", ["digest", "maintenance.begun"])
def test_what_is_about_no_incident_is_a_change_event(event: str) -> None:
    with receiver(answering(202, FAKE)) as at:
        made = PagerDutySettings.model_validate({"url": at.url, "routing_key": KEY})
        PagerDuty("oncall", made).deliver(samples.every_event()[event], SOON)
    request: Request = at.requests[0]
    assert request.line.startswith("POST /v2/change/enqueue ")
    assert "event_action" not in json.loads(request.body)


def test_everything_stays_within_the_limits() -> None:
    long = "Röntgen 👨\u200d👩\u200d👧 " * 50_000
    many = [f"archive/check{number}" for number in range(10_000)]
    huge = samples.notification(summary=long, detail=long, impact=long, title=long, node=long, members=many)
    (event,) = sent(huge, disclose="full")
    assert len(event["payload"]["summary"]) <= SUMMARY_LIMIT
    assert len(json.dumps(event)) <= EVENT_LIMIT
    ((_, key),) = actions(samples.notification(dedup_key="x" * 300))
    assert len(key) <= 255
