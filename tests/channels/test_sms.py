"""SMS, against fakes of boxes that answer as their makers document: none of them is the box itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.sms import Sms, SmsSettings
from pacs_monitor.model import DeliveryError, Event, Failure, Notification
from tests.channels import samples
from tests.channels.contract import Request, Subject, answering, receiver
from tests.support.timing import SOON

NUMBER = "+491701234567"
BODY = '{"to": [{{ number | tojson }}], "text": {{ text | tojson }}}'
CONTRACT = Subject(
    settings=lambda url: {
        "url": f"{url}/T0KENPATH/sms",
        "to": "+49 170 1234567",
        "headers": {"access-token": "h3aderkey"},
        "body": BODY,
    },
    secrets=("T0KENPATH", NUMBER, "h3aderkey"),
)


def sms(url: str, **settings: Any) -> Sms:
    given = {"url": f"{url}/sms", "to": NUMBER} | settings
    if "body" not in given:
        given.setdefault("parameters", {"to": "{{ number }}", "text": "{{ text }}"})
    return Sms("duty-phone", SmsSettings.model_validate(given))


def sent(notification: Notification, answer: bytes = b"OK", **settings: Any) -> Request:
    with receiver(answering(200, answer)) as at:
        sms(at.url, **settings).deliver(notification, SOON)
    return at.requests[0]


def form_of(request: Request) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(request.body.decode()).items()}


def test_a_page_says_what_is_broken_where_since_when_why_for_whom_and_what_to_do_and_has_its_code() -> None:
    page = samples.notification(code="48213", timezone="Europe/Berlin")
    assert form_of(sent(page))["text"] == (
        "CRITICAL Röntgen-Archiv (archive) failing since 17:00: dicom_store, out of resources. "
        "ED and stroke CT cannot see priors. Call +49 30 1234 (contract K-4711). Free space on the archive. "
        "C-STORE to SECRETAET at 10.1.2.3:104 answered 0xA700. Reply 48213 to acknowledge."
    )


def test_what_leaves_the_house_can_be_limited_and_keeps_its_code() -> None:
    for event in samples.every_event().values():
        told = form_of(sent(event, disclose="minimal"))["text"]
        assert [word for word in samples.PRIVATE if word in told] == []
    assert "48213" in form_of(sent(samples.notification(code="48213"), disclose="minimal"))["text"]


def test_parameters_are_a_form_or_the_query_of_a_get() -> None:
    posted = sent(samples.notification())
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form_of(posted)["to"] == NUMBER
    got = sent(
        samples.notification(), method="GET", parameters={"to": '"{{ number }}"', "enc": "{{ 2 if unicode else 0 }}"}
    )
    method, target, _ = got.line.split()
    assert (method, got.body) == ("GET", b"")
    assert parse_qs(urlsplit(target).query) == {"to": [f'"{NUMBER}"'], "enc": ["0"]}


def test_a_box_that_must_be_told_is_told_whether_the_text_is_ucs_2() -> None:
    page = samples.notification(node="радиология", title="")
    assert json.loads(sent(page, body='{"u": {{ unicode | tojson }}}').body) == {"u": True}
    assert json.loads(sent(samples.notification(), body='{"u": {{ unicode | tojson }}}').body) == {"u": False}


@pytest.mark.parametrize(
    "answer",
    [b"Invalid login or password", b'[{"status": "error", "message": "Invalid number"}]', b"", b"Err: 601"],
)
def test_an_answer_of_200_that_does_not_say_so_is_no_delivery(answer: bytes) -> None:
    with receiver(answering(200, answer)) as at, pytest.raises(DeliveryError) as raised:
        sms(at.url, accepts="^OK; ID=|queued").deliver(samples.notification(), SOON)
    assert (raised.value.reason, raised.value.failure) == ("not_accepted", Failure.REFUSAL)
    assert raised.value.may_have_arrived


def test_what_a_box_repeats_of_the_number_and_the_account_is_not_passed_on() -> None:
    said = b"OK; sent to 491701234567 (+491701234567) for bob:p4ssw0rd"
    with receiver(answering(200, said)) as at:
        channel = sms(at.url, parameters={"to": "{{ number }}", "passwd": "p4ssw0rd", "text": "{{ text }}"})
        told = channel.deliver(samples.notification(), SOON)
    assert "1701234567" not in told
    assert "p4ssw0rd" not in told


@pytest.mark.parametrize("accepts", ["taken", "queued"])
def test_the_code_of_a_page_does_not_come_back_in_what_a_box_says(accepts: str) -> None:
    page = samples.notification(code="48213")
    with receiver(answering(200, b"taken: Reply 48213 to acknowledge.")) as at:
        try:
            told = sms(at.url, accepts=accepts).deliver(page, SOON)
        except DeliveryError as error:
            told = str(error)
    assert told == "HTTP 200 taken: Reply … to acknowledge."


def test_an_answer_without_a_body_says_nothing() -> None:
    with receiver(answering(204)) as at, pytest.raises(DeliveryError, match="HTTP 204"):
        sms(at.url, accepts="OK").deliver(samples.notification(), SOON)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"to": "0170 1234567"}, "write the number with"),
        ({"to": "+49 170 CALL ME"}, "write the number with"),
        ({"parameters": {}}, "set exactly one of 'parameters' and 'body'"),
        ({"body": "{}", "parameters": {"a": "b"}}, "set exactly one of 'parameters' and 'body'"),
        ({"body": "{}", "method": "GET"}, "set parameters instead of body"),
        ({"body": "{{ summary }}"}, "'summary' is undefined"),
        ({"body": '{"a": "{{ text }}"}'}, "write texts with tojson"),
        ({"parameters": {"a": "{{ txt }}"}}, "'txt' is undefined"),
        ({"accepts": "(OK"}, "is not a regular expression"),
        ({"segments": "3"}, "less than or equal to 2"),
        ({"person": "a\nb"}, "write a name on one line"),
    ],
)
def test_what_cannot_be_is_said_when_the_configuration_is_read(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        sms("https://sms.example.org", **settings)


@pytest.mark.parametrize(
    ("sender", "known"),
    [
        ("+491701234567", True),
        ("+49 170 1234567", True),
        ("00491701234567", True),
        ("491701234567", True),
        (" 491701234567", True),
        ("01701234567", True),
        ("+491701234568", False),
        ("+4901701234567", False),
        ("1701234567", False),
        ("Vodafone", False),
        ("", False),
        ("\u0664\u0669\u0661", False),
    ],
)
def test_a_number_is_known_however_the_box_writes_it(sender: str, known: bool) -> None:
    assert sms("https://sms.example.org", replies={"country": "49"}).is_from(sender) is known


def test_without_a_country_a_national_number_is_nobody() -> None:
    assert not sms("https://sms.example.org", replies={}).is_from("01701234567")


def test_an_end_has_no_next_step() -> None:
    text = form_of(sent(samples.notification(Event.RESOLVED, resolved="2025-11-24T16:10:00Z")))["text"]
    assert text == "OK: Röntgen-Archiv (archive) recovered at 16:10 (failed at 16:00): dicom_store."
