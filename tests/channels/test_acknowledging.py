"""Acknowledgements at a receiver, against fakes that answer as documented: they are not PagerDuty, nor Jira."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pacs_monitor.channels.jsm import Jsm, JsmSettings
from pacs_monitor.channels.pagerduty import PagerDuty, PagerDutySettings
from pacs_monitor.model import AcknowledgedThere, DeliveryError, Taken
from tests.channels.contract import Request, Serve, answering, hanging, receiver
from tests.support.timing import SOON

TOKEN, KEY = "y_NbAkKc66ryYTWUXYEu", "R0UTINGKEY0123456789abcdefabcdef"
TAKEN = Taken("01JD", "east-campus/01JD", 2)
JO = {"at": "2026-11-10T00:32:52Z", "acknowledger": {"id": "PXPGF42", "type": "user_reference", "summary": "Jo Night"}}
OURS = {"at": "2026-11-10T01:00:00Z", "acknowledger": {"id": "PIJ90N7", "type": "service_reference", "summary": "PACS"}}
ALERT = {"data": {"alias": "east-campus/01JD/2", "status": "open", "acknowledged": True, "owner": "jo@example.org"}}


def incidents(*acknowledgements: object) -> bytes:
    one = {"id": "PT4KHLK", "type": "incident", "status": "acknowledged", "incident_key": None}
    return json.dumps({"incidents": [one | {"acknowledgements": acknowledgements}], "more": False}).encode()


def asked(serve: Serve, **settings: Any) -> tuple[AcknowledgedThere | None, list[Request]]:
    with receiver(serve) as at:
        made = {"routing_key": KEY, "acknowledgements": {"token": TOKEN, "url": at.url}, **settings}
        said = PagerDuty("oncall", PagerDutySettings.model_validate(made)).acknowledged(TAKEN, SOON)
    return said, at.requests


def test_the_last_person_who_has_acknowledged_the_current_page_is_named() -> None:
    said, (request,) = asked(answering(200, incidents(JO, OURS)))
    assert said is not None
    assert said.by == "Jo Night"
    method, target, _ = request.line.split()
    assert (method, urlsplit(target).path) == ("GET", "/incidents")
    assert parse_qs(urlsplit(target).query)["incident_key"] == ["east-campus/01JD/2"]
    assert {name.lower(): value for name, value in request.headers.items()}["authorization"] == f"Token token={TOKEN}"
    assert request.body == b""


@pytest.mark.parametrize("answer", [incidents(), incidents(OURS), b'{"incidents": []}'])
def test_what_nobody_or_only_the_monitor_has_acknowledged_is_not(answer: bytes) -> None:
    assert asked(answering(200, answer))[0] is None


@pytest.mark.parametrize(
    "answer", [b"[" * 60_000, b"[]", b"<html>", b'{"incidents": [{"acknowledgements": [{}]}]}', b'{"error": 1}']
)
def test_an_answer_of_another_form_is_an_error(answer: bytes) -> None:
    with pytest.raises(DeliveryError):
        asked(answering(200, answer))


def test_a_name_is_one_printable_line() -> None:
    strange = {**JO, "acknowledger": {"type": "user", "summary": "Jo\r\n\x1b[31m  Night" + "x" * 500}}
    said, _ = asked(answering(200, incidents(strange)))
    assert said is not None
    assert said.by.startswith("Jo [31m Night")
    assert len(said.by) <= 60


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_an_error_has_no_token_and_says_when_to_ask_again(status: int) -> None:
    body = f'{{"error": {{"message": "bad token {TOKEN}"}}}}'.encode()
    with pytest.raises(DeliveryError) as caught:
        asked(answering(status, body, **{"Retry-After": "7"}))
    assert TOKEN not in f"{caught.value!r} {caught.value}"
    assert caught.value.retry_after == 7.0


def test_a_receiver_that_hangs_is_left() -> None:
    with pytest.raises(DeliveryError):
        asked(hanging, timeout="200ms")


def test_without_being_told_to_nothing_is_asked() -> None:
    with receiver(answering(200, incidents(JO))) as at:
        channel = PagerDuty("oncall", PagerDutySettings.model_validate({"url": at.url, "routing_key": KEY}))
        assert channel.poll_every is None
        assert channel.acknowledged(TAKEN, SOON) is None
    assert at.requests == []


def jsm(answer: dict[str, Any]) -> tuple[AcknowledgedThere | None, list[Request]]:
    with receiver(answering(200, json.dumps(answer).encode())) as at:
        made = {"url": at.url, "api_key": KEY, "acknowledgements": {"poll": "60s"}}
        said = Jsm("oncall", JsmSettings.model_validate(made)).acknowledged(TAKEN, SOON)
    return said, at.requests


def test_jira_names_the_owner_of_an_alert_that_is_acknowledged() -> None:
    said, (request,) = jsm(ALERT)
    assert said is not None
    assert said.by == "jo", "no mail address"
    assert unquote(request.line.split()[1]) == "/v2/alerts/east-campus/01JD/2?identifierType=alias"
    assert {name.lower(): value for name, value in request.headers.items()}["authorization"] == f"GenieKey {KEY}"
    for changed in ({"acknowledged": False}, {"owner": ""}, {"status": "closed"}):
        assert jsm({"data": {**ALERT["data"], **changed}})[0] is None
