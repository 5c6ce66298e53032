"""Payloads field by field beside those that a real Alertmanager sends to the same receivers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
import yaml

from pacs_monitor.channels.jsm import Jsm, JsmSettings
from pacs_monitor.channels.pagerduty import PagerDuty, PagerDutySettings
from pacs_monitor.model import Event
from tests.channels import samples
from tests.channels.contract import Receiving, Request, answering, receiver
from tests.peers.prometheus import Alertmanager
from tests.support.timing import SOON, wait_until

KEY = "0123456789abcdef0123456789abcdef"


class Emitter(Alertmanager):
    """Sends every alert to PagerDuty and Opsgenie, both at one address of ours."""

    def __init__(self, folder: Path, to: str) -> None:
        super().__init__(folder, to)
        texts = {"client_url": "http://am/", "component": "dicom_store", "group": "east", "class": "full"}
        links = [{"href": "http://am/", "text": "Alertmanager"}]
        pagerduty = {"url": f"{to}/v2/enqueue", "routing_key": KEY, "severity": "critical", "links": links, **texts}
        opsgenie = {"api_url": f"{to}/", "api_key": KEY, "priority": "P1", "tags": "east", "entity": "archive"}
        config = {
            "route": {"receiver": "both", "group_wait": "0s", "group_interval": "1s"},
            "receivers": [{"name": "both", "pagerduty_configs": [pagerduty], "opsgenie_configs": [opsgenie]}],
        }
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))


def of(at: Receiving, path: str, count: int) -> list[Request]:
    """The requests to one receiver, as soon as there are so many."""

    def found() -> list[Request]:
        return [request for request in at.requests if request.line.split()[1].startswith(path)]

    wait_until(lambda: len(found()) >= count, f"{count} requests to {path}")
    return found()


def emitted(folder: Path) -> tuple[list[Request], list[Request]]:
    """What Alertmanager sends to PagerDuty and Opsgenie when an alert begins, and when it ends."""
    alert = {"labels": {"alertname": "PacsIncident", "node": "archive"}, "annotations": {"summary": "full"}}
    with receiver(answering(202, b"{}")) as at, Emitter(folder, at.url) as am:
        for count, times in enumerate(({}, {"endsAt": datetime.now(UTC).isoformat()}), 1):
            requests.post(f"{am.url}/api/v2/alerts", json=[{**alert, **times}], timeout=10).raise_for_status()
            both = of(at, "/v2/enqueue", count), of(at, "/v2/alerts", count)
    return both


def types(value: dict[str, Any]) -> dict[str, type]:
    return {key: type(one) for key, one in value.items()}


def test_pagerduty_and_opsgenie_get_from_us_what_they_get_from_alertmanager(tmp_path: Path) -> None:
    events, alerts = emitted(tmp_path)
    with receiver(answering(202, b"{}")) as at:
        pagerduty = PagerDuty("pd", PagerDutySettings.model_validate({"url": at.url, "routing_key": KEY}))
        jsm = Jsm("jsm", JsmSettings.model_validate({"url": at.url, "api_key": KEY}))
        for event in (Event.OPENED, Event.RESOLVED):
            pagerduty.deliver(samples.notification(event), SOON)
            jsm.deliver(samples.notification(event), SOON)
    ours = of(at, "/v2/enqueue", 2), of(at, "/v2/alerts", 2)

    their_trigger, trigger = (json.loads(sent[0].body) for sent in (events, ours[0]))
    assert set(their_trigger) - set(trigger) <= {"images"}
    assert types(their_trigger) == {key: types(trigger)[key] for key in their_trigger}
    their_payload, payload = their_trigger["payload"], trigger["payload"]
    assert set(their_payload) <= set(payload)
    assert types(their_payload) == {key: types(payload)[key] for key in their_payload}
    assert [set(link) for link in their_trigger["links"]] == [set(link) for link in trigger["links"][:1]]
    their_resolve, resolve = (json.loads(sent[1].body) for sent in (events, ours[0]))
    assert set(resolve) <= set(their_resolve)
    assert (their_resolve["event_action"], resolve["event_action"]) == ("resolve", "resolve")
    assert resolve["dedup_key"] == trigger["dedup_key"]

    their_alert, alert = (json.loads(sent[0].body) for sent in (alerts, ours[1]))
    assert set(their_alert) <= set(alert)
    assert types(their_alert) == {key: types(alert)[key] for key in their_alert}
    for first, second in zip(alerts, ours[1], strict=True):
        assert first.headers["authorization"] == second.headers["authorization"] == f"GenieKey {KEY}"
    their_close, close = alerts[1].line, ours[1][1].line
    assert their_close.split("/close?")[1] == close.split("/close?")[1]
    for (create, end), created in ((alerts, their_alert), (ours[1], alert)):
        assert create.line.split()[1] == "/v2/alerts"
        assert unquote(end.line.split()[1]).startswith(f"/v2/alerts/{created['alias']}/close?"), (
            "the alert that it made"
        )
    assert set(json.loads(alerts[1].body)) <= set(json.loads(ours[1][1].body))
    for theirs, same in zip((*events, *alerts), (*ours[0], *ours[1]), strict=True):
        assert theirs.headers["content-type"].split(";")[0] == same.headers["content-type"].split(";")[0]
        assert theirs.line.split()[0] == same.line.split()[0] == "POST"
