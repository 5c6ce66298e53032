"""Apprise over real sockets: its JSON back end to a receiver of ours, its mail back end to a real SMTP server."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from pydantic import ValidationError

from pacs_monitor.channels import apprise as module
from pacs_monitor.channels.apprise import MODULE, Apprise, AppriseSettings
from pacs_monitor.model import Channel, DeliveryError, Event, Failure, Notification
from tests.channels import samples
from tests.channels.contract import Receiving, Serve, answering, echoing, hanging, receiver, resetting
from tests.peers.ports import free_port
from tests.support.timing import SOON, Stopwatch, wait_until

OWN_CONTRACT = True
"""What its receivers answer, Apprise says in a sentence only: what the contract asks is asked here."""
SECRETS = ("t0p-s3cret", "S3cretPath", "s3cretuser")


def channel(url: str, **settings: Any) -> Apprise:
    return Apprise("people", AppriseSettings.model_validate({"url": url, **settings}))


def to(at: Receiving, **settings: Any) -> Apprise:
    host = at.url.removeprefix("http://")
    return channel(f"json://s3cretuser:t0p-s3cret@{host}/S3cretPath?+X-Token=t0p-s3cret", **settings)


def failure_of(serve: Serve, **settings: Any) -> DeliveryError:
    with receiver(serve) as at, pytest.raises(DeliveryError) as raised:
        to(at, **settings).deliver(samples.notification(), SOON)
    return raised.value


def test_is_a_channel_that_tells_others_little() -> None:
    made = channel("json://127.0.0.1:9")
    assert isinstance(made, Channel)
    assert made.settings.model_validate({"url": "json://x"}).disclose == "minimal"


@pytest.mark.parametrize("event", samples.every_event())
def test_each_event_is_a_title_and_a_body(event: str) -> None:
    with receiver(answering(202)) as at:
        assert to(at).deliver(samples.every_event()[event], SOON) == "Sent JSON POST notification."
    (request,) = at.requests
    body = json.loads(request.body)
    assert body["title"]
    assert body["message"]
    assert body["type"] == ("success" if event.endswith(("resolved", "withdrawn", "closed")) else "failure")
    assert [word for word in samples.PRIVATE if word in request.raw] == []


def test_a_page_says_in_this_order_what_people_need() -> None:
    with receiver(answering(200)) as at:
        to(at, disclose="full").deliver(samples.notification(), SOON)
    body = json.loads(at.requests[0].body)
    titles = [line.partition(":")[0] for line in body["message"].splitlines()]
    assert body["title"].startswith("Röntgen-Archiv “main”: 10.1.2.3:104 <refuses> new images & *says* so 🚑")
    order = ["For whom", "Since", "Why", "Do first", "Call", "Still works", "Acknowledged", "Runbook", "Incident"]
    assert [title for title in titles if title in order] == order


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_delivered(status: int) -> None:
    with receiver(answering(status)) as at:
        assert to(at).deliver(samples.notification(), SOON)


@pytest.mark.parametrize("status", [304, 400, 401, 404, 429, 500, 503])
def test_every_other_status_is_tried_again_and_named(status: int) -> None:
    error = failure_of(answering(status, b"no"))
    assert (error.reason, error.failure, error.may_have_arrived) == ("not_delivered", Failure.TEMPORARY, True)
    assert f"error={status}" in str(error)


def test_no_redirect_is_followed() -> None:
    with receiver(answering(200)) as other:
        failure_of(answering(307, Location=f"{other.url}/s3cret"))
        assert other.requests == []


def children() -> list[psutil.Process]:
    """Those of Apprise that have not ended."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # also of one that has just ended
            found += [one] if MODULE in one.cmdline() else []
    return found


def test_a_receiver_that_hangs_costs_no_more_than_the_time_limit_and_leaves_no_process() -> None:
    with Stopwatch() as watch:
        error = failure_of(hanging, timeout="2s")
    assert (error.reason, error.failure, error.may_have_arrived) == ("timeout", Failure.TEMPORARY, True)
    assert watch.seconds < SOON / 2
    wait_until(lambda: not children(), "its process has ended")


def test_a_reset_and_a_refused_connection_are_tried_again() -> None:
    with receiver(hanging) as at:
        pass
    with pytest.raises(DeliveryError) as refused:
        to(at).deliver(samples.notification(), SOON)
    for error in (failure_of(resetting), refused.value):
        assert (error.reason, error.failure, error.may_have_arrived) == ("not_delivered", Failure.TEMPORARY, True)
        assert "Connection error" in str(error)


def test_an_answer_of_10_mb_is_delivered() -> None:
    with receiver(answering(200, b" " * 10_000_000)) as at:
        assert to(at).deliver(samples.notification(), SOON)


def test_no_secret_gets_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), receiver(echoing) as at:
        made = to(at)
        with pytest.raises(DeliveryError) as raised:
            made.deliver(samples.notification(), SOON)
    settings = AppriseSettings.model_validate({"url": "tgram://t0p-s3cret/S3cretPath?s3cretuser"})
    told = [str(raised.value), repr(raised.value), caplog.text, repr(made), repr(settings)]
    told.append(str(settings.model_dump(mode="json")))
    assert [secret for secret in SECRETS if any(secret in words for words in told)] == []
    assert "t0p-s3cret" in at.requests[0].raw


def test_no_list_of_processes_has_the_url() -> None:
    seen: list[str] = []

    def look(connection: socket.socket, request: Any) -> None:
        seen.extend(f"{one.cmdline()} {one.environ()}" for one in children())
        answering(200)(connection, request)

    with receiver(look) as at:
        to(at).deliver(samples.notification(), SOON)
    assert len(seen) == 1
    assert [secret for secret in SECRETS if secret in seen[0]] == []


def test_a_service_that_apprise_does_not_know_is_refused() -> None:
    with pytest.raises(DeliveryError) as raised:
        channel("nosuch://t0p-s3cret").deliver(samples.notification(), SOON)
    assert (raised.value.reason, raised.value.failure) == ("not_configured", Failure.REFUSAL)
    assert str(raised.value) == "correct url: Apprise knows no such service, or it lacks a part"


@pytest.mark.parametrize("url", ["", "example.org", "https:", "json:// "])
def test_what_is_no_url_of_apprise_is_an_error_of_the_configuration(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        channel(url)
    assert not url or url not in str(raised.value.errors()[0]["ctx"])


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(DeliveryError, match=r"run pip install 'pacs-monitor\[apprise\]'") as raised:
        channel("json://x").deliver(samples.notification(), SOON)
    assert (raised.value.failure, raised.value.may_have_arrived) == (Failure.REFUSAL, False)


def test_what_cannot_be_rendered_is_unsendable_and_nothing_is_sent() -> None:
    with receiver(answering(200)) as at, pytest.raises(DeliveryError) as raised:
        to(at).deliver(samples.notification(summary=object(), impact=object()), SOON)
    assert (raised.value.failure, at.requests) == (Failure.UNSENDABLE, [])


def test_what_is_too_long_is_cut_between_words() -> None:
    with receiver(answering(200)) as at:
        to(at).deliver(samples.notification(title="🚑 " * 300, impact="word " * 20_000), SOON)
    body = json.loads(at.requests[0].body)
    assert len(body["title"]) + len(body["message"]) <= 32_768
    assert body["title"].endswith("…")
    assert body["message"].startswith("🚑")


class Keeping(Message):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[EmailMessage] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message_from_bytes(message.as_bytes(), policy=SMTP))


@contextmanager
def mail_server() -> Iterator[tuple[int, Keeping]]:
    """aiosmtpd on a port of its own."""
    kept = Keeping()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port, kept
    finally:
        controller.stop()


def mailed(notification: Notification) -> EmailMessage:
    with mail_server() as (port, kept):
        url = f"mailto://127.0.0.1:{port}/oncall@example.org?from=monitor@example.org&mode=insecure&format=html"
        assert channel(url, disclose="full").deliver(notification, SOON)
    (mail,) = kept.mails
    return mail


@pytest.mark.parametrize("event", [Event.OPENED, Event.CHANGED, Event.RESOLVED])
def test_its_mail_arrives_at_a_real_server_in_the_format_of_the_url(event: Event) -> None:
    mail = mailed(samples.notification(event, title="A & B", summary="A & B: <refused> *here*"))
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # there is one
    assert (mail["Subject"], mail["To"]) == ("A & B: <refused> *here*", "oncall@example.org")
    assert "For whom: ED and stroke CT cannot see priors" in html.replace("&nbsp;", " ")
    assert os.linesep not in mail["Subject"]
