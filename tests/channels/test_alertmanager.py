"""The Alertmanager channel: what it posts, what it sends again, and how several peers count."""

from __future__ import annotations

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.alertmanager import Alertmanager, AlertmanagerSettings
from pacs_monitor.model import DeliveryError, Event, Failure, Notification
from tests.channels import samples
from tests.channels.contract import Receiving, Request, Subject, answering, hanging, receiver
from tests.support.timing import SOON, Stopwatch, wait_until

CONTRACT = Subject(
    settings=lambda url: {
        "urls": [url.replace("//", "//nurse:n1ght@") + "/T0KEN"],
        "headers": {"X-Key": "Bearer abc.def-123"},
    },
    secrets=("T0KEN", "abc.def-123", "bnVyc2U6bjFnaHQ="),
    identity=lambda request: [alert["labels"] for alert in json.loads(request.body)],
)


def channel(*urls: str, **settings: Any) -> Alertmanager:
    return Alertmanager("am", AlertmanagerSettings.model_validate({"urls": list(urls), **settings}))


def alerts(at: Receiving) -> list[list[dict[str, Any]]]:
    """Of each request."""
    return [json.loads(request.body) for request in at.requests]


def ends_in(alert: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(alert["endsAt"]) - datetime.now(UTC)


def test_an_open_incident_fires_with_its_identity_as_labels_and_all_else_as_annotations() -> None:
    with receiver(answering(200)) as at:
        channel(at.url, labels={"team": "pacs"}).deliver(samples.notification(), SOON)
    ((alert,),) = alerts(at)
    assert at.requests[0].line == "POST /api/v2/alerts HTTP/1.1"
    assert alert["labels"] == {
        "alertname": "PacsIncident",
        "monitor": "east-campus",
        "kind": "node",
        "severity": "critical",
        "incident": samples.incident().id,
        "node": "archive",
        "site": "east",
        "role": "archive",
        "team": "pacs",
    }
    assert alert["annotations"]["summary"] == samples.SUMMARY
    assert alert["annotations"]["description"] == samples.data()["detail"]
    assert alert["generatorURL"] == samples.data()["url"]
    assert datetime.fromisoformat(alert["startsAt"]) == datetime(2025, 11, 24, 16, tzinfo=UTC)
    assert timedelta(seconds=200) < ends_in(alert) <= timedelta(seconds=240)


def test_a_higher_severity_ends_the_old_alert_and_begins_the_new_one_in_one_request() -> None:
    with receiver(answering(200)) as at:
        am = channel(at.url)
        am.deliver(samples.notification(severity="warning"), SOON)
        am.deliver(samples.worse(), SOON)
        am.deliver(samples.notification(Event.RESOLVED), SOON)
    _, (old, new), (end,) = alerts(at)
    assert (old["labels"]["severity"], new["labels"]["severity"], end["labels"]) == (
        "warning",
        "critical",
        new["labels"],
    )
    assert ends_in(old) <= timedelta(0) < ends_in(new)
    assert ends_in(end) <= timedelta(0)


def test_a_refresh_repeats_what_is_open_and_what_ended_and_never_revives_it() -> None:
    with receiver(answering(200)) as at:
        am, other = channel(at.url), samples.notification(dedup_key="east-campus/2", incident="2")
        am.deliver(samples.notification(), SOON)
        am.deliver(samples.notification(Event.RESOLVED), SOON)
        am.refresh([samples.notification(Event.REMINDED), other], SOON)
    _, (end,), (again, open_) = alerts(at)
    assert again == end
    assert open_["labels"]["incident"] == "2"
    assert ends_in(open_) > timedelta(0)


def test_after_a_restart_a_refresh_alone_keeps_incidents_firing() -> None:
    many = [samples.notification(dedup_key=f"m/{n}", incident=str(n)) for n in range(150)]
    with receiver(answering(200)) as at:
        channel(at.url).refresh(many, SOON)
        channel(at.url).refresh([], SOON)
    assert [len(sent) for sent in alerts(at)] == [64, 64, 22]


def test_one_peer_of_two_is_enough_and_a_silent_one_holds_nothing_up() -> None:
    with receiver(answering(200)) as up, receiver(hanging) as silent, receiver(answering(503)) as ill:
        with Stopwatch() as watch:
            assert channel(silent.url, up.url).deliver(samples.notification(), SOON) == "HTTP 200"
        assert watch.seconds < SOON / 2
        assert channel(ill.url, up.url).deliver(samples.notification(), SOON) == "HTTP 200"
        wait_until(lambda: len(silent.requests) == 1, "the silent peer is told too")
        assert silent.requests[0].body == up.requests[0].body


def test_when_no_peer_takes_it_one_that_may_later_makes_it_temporary() -> None:
    with (
        receiver(answering(400, b"bad")) as refuses,
        receiver(answering(503, Retry_After="7")) as ill,
        pytest.raises(DeliveryError) as raised,
    ):
        channel(refuses.url, ill.url).deliver(samples.notification(), SOON)
    error = raised.value
    assert (error.failure, error.retry_after, error.may_have_arrived) == (Failure.TEMPORARY, 7.0, True)
    assert set(str(error).split("; ")) == {"HTTP 400 bad", "HTTP 503"}


def test_a_name_that_is_looked_up_for_ever_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found, look_up = threading.Event(), socket.getaddrinfo

    def slow(host: Any, *args: Any, **kwargs: Any) -> Any:
        return (
            found.wait(60) and look_up(host, *args, **kwargs)
            if host == "slow.invalid"
            else look_up(host, *args, **kwargs)
        )

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with receiver(answering(200)) as at, Stopwatch() as watch:
        am = channel("http://slow.invalid", at.url, timeout="500ms")
        am.refresh([samples.notification()], SOON)
        am.deliver(samples.notification(Event.RESOLVED), SOON)
        with pytest.raises(DeliveryError, match="a peer could not be asked in time"):
            channel("http://slow.invalid", timeout="500ms").deliver(samples.notification(), SOON)
    found.set()
    assert watch.seconds < SOON / 2
    assert len(at.requests) == 2


def test_what_is_about_no_incident_ends_by_itself() -> None:
    told = samples.every_event()
    with receiver(answering(200)) as at:
        am = channel(at.url)
        for event in ("digest", "test", "maintenance.ending"):
            am.deliver(told[event], SOON)
        am.refresh([], SOON)
    names = [alert["labels"]["alertname"] for (alert,) in alerts(at)]
    assert names == ["PacsNotice", "PacsTest", "PacsNotice"]
    assert all(timedelta(0) < ends_in(alert) <= timedelta(seconds=300) for (alert,) in alerts(at))


def test_a_start_that_lies_ahead_of_the_end_is_moved() -> None:
    late = Notification("x", "am", Event.RESOLVED, samples.AT, samples.data(since="2999-01-01T00:00:00.000000Z"))
    with receiver(answering(200)) as at:
        channel(at.url).deliver(late, SOON)
    ((alert,),) = alerts(at)
    assert alert["startsAt"] == alert["endsAt"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"urls": []}, "at least 1 item"),
        ({"urls": ["am-1:9093"]}, "write https://host/path"),
        ({"urls": ["http://am"], "labels": {"node": "x"}}, "'node' cannot be a label here"),
        ({"urls": ["http://am"], "labels": {"a-b": "x"}}, "'a-b' cannot be a label here"),
        ({"urls": ["http://am"], "refresh": "0"}, "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        AlertmanagerSettings.model_validate(settings)


def test_the_request_is_what_the_api_takes() -> None:
    with receiver(answering(200)) as at:
        channel(at.url + "/prefix/").deliver(samples.notification(), SOON)
    request: Request = at.requests[0]
    assert request.line.startswith("POST /prefix/api/v2/alerts ")
    assert request.headers["content-type"] == "application/json"
