"""Mail, handed over to real servers (aiosmtpd), and to scripted ones that hang, reset and ramble at each stage."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.email import Email, EmailSettings
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT
from pacs_monitor.model import Channel, DeliveryError, Event, Failure
from tests.channels import samples
from tests.peers.authority import Authority
from tests.peers.mail import STAGES, hangs, mail_server, resets, scripted_server, trickles
from tests.peers.tls import context_of
from tests.support.timing import SOON, Stopwatch

OWN_CONTRACT = True
"""It speaks no HTTP: what the contract asks is asked here."""
PASSWORD = "S3cret-pw0rd"
ONE, TWO = "it-duty@hospital.example.org", "pacs@hospital.example.org"
RELAY = {"tls": "if_offered", "login": "none"}
LOGIN = {"username": "monitor", "password": PASSWORD}


def channel(port: int, **settings: Any) -> Email:
    given = {"host": "127.0.0.1", "port": port, "sender": "monitor@hospital.example.org", "to": ONE, **settings}
    return Email("mail", EmailSettings.model_validate(given))


def failure_of(port: int, **settings: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel(port, **(RELAY | settings)).deliver(samples.notification(), SOON)
    return raised.value


def test_is_a_channel() -> None:
    assert isinstance(channel(25, **RELAY), Channel)


def test_an_incident_that_opens_and_resolves_is_two_mails_of_one_thread() -> None:
    with mail_server() as box:
        mail = channel(box.port, **RELAY, to=[ONE, TWO])
        for event in (Event.OPENED, Event.RESOLVED):
            assert mail.deliver(samples.notification(event), SOON) == "250 2.0.0 Ok: queued as 4711"
    opened, resolved = box.mails
    assert box.recipients() == [[ONE, TWO], [ONE, TWO]]
    assert opened["References"] is None
    assert resolved["In-Reply-To"] == resolved["References"] == opened["Message-ID"] != resolved["Message-ID"]
    assert resolved["Subject"] == f"Re: {opened['Subject']}"
    assert opened["Subject"].startswith("Röntgen-Archiv: dicom_store")


@pytest.mark.parametrize("event", samples.every_event())
def test_each_event_can_be_sent(event: str) -> None:
    with mail_server() as box:
        assert channel(box.port, **RELAY).deliver(samples.every_event()[event], SOON)
    (mail,) = box.mails
    assert mail.defects == []
    assert mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None


@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_hangs_at_any_stage_costs_no_more_than_the_time_limit(stage: str) -> None:
    with scripted_server(**{stage: hangs}) as script, Stopwatch() as watch:
        error = failure_of(script.port, timeout="1s")
    assert (error.reason, error.failure) == ("timeout", Failure.TEMPORARY)
    assert error.may_have_arrived is (stage in ("DATA", "message"))
    assert watch.seconds < SOON / 2


@pytest.mark.parametrize("stage", STAGES)
def test_nor_does_one_that_says_a_byte_now_and_then(stage: str) -> None:
    with scripted_server(**{stage: trickles}) as script, Stopwatch() as watch:
        assert failure_of(script.port, timeout="1s").reason == "timeout"
    assert watch.seconds < SOON / 2


@pytest.mark.parametrize("stage", STAGES)
def test_a_reset_in_the_middle_of_an_answer_is_tried_again(stage: str) -> None:
    with scripted_server(**{stage: resets}) as script:
        error = failure_of(script.port)
    assert error.reason in ("tcp_reset", "closed")
    assert error.failure is Failure.TEMPORARY
    assert error.may_have_arrived is (stage in ("DATA", "message"))


@pytest.mark.parametrize("code", [421, 450, 451, 452, 500, 535, 550, 552, 554])
@pytest.mark.parametrize("stage", STAGES)
def test_each_answer_is_temporary_or_a_refusal_and_nothing_has_arrived(stage: str, code: int) -> None:
    if stage == "EHLO":  # refused, HELO is tried (RFC 5321 3.2)
        says = {"EHLO": f"{code} no\r\n".encode(), "HELO": f"{code} no\r\n".encode()}
    else:
        says = {stage: f"{code} 4.2.0 no\r\n".encode()}
    with scripted_server(**says) as script:
        error = failure_of(script.port)
    failure = Failure.REFUSAL if code >= 500 else Failure.TEMPORARY
    assert (error.reason, error.failure, error.may_have_arrived) == (f"smtp_{code}", failure, False)
    assert "no" in str(error)


def test_a_refused_connection_surely_did_not_arrive() -> None:
    with scripted_server() as script:
        pass
    error = failure_of(script.port)
    assert (error.reason, error.failure, error.may_have_arrived) == ("tcp_refused", Failure.TEMPORARY, False)


@pytest.mark.parametrize("long", [b"250-ramble\r\n" * 1_000_000 + b"250 Ok\r\n", b"250 " + b"x" * 10_000_000 + b"\r\n"])
def test_an_answer_of_10_mb_is_read_in_part(long: bytes) -> None:
    with scripted_server(message=long) as script:
        assert len(channel(script.port, **RELAY).deliver(samples.notification(), SOON)) <= WORDS_LIMIT + 4


def test_an_accepted_mail_is_delivered_whatever_becomes_of_the_goodbye() -> None:
    for goodbye in (hangs, resets, b"500 what?\r\n"):
        with scripted_server(QUIT=goodbye) as script:
            assert channel(script.port, **RELAY).deliver(samples.notification(), SOON) == "250 Ok: queued"


def test_what_is_no_smtp_server_is_said_so() -> None:
    with scripted_server(banner=b"HTTP/1.1 400 Bad Request\r\n") as script:
        error = failure_of(script.port)
    assert (error.reason, error.may_have_arrived) == ("bad_content", False)


def test_a_retry_has_the_identity_of_the_first_attempt() -> None:
    with mail_server(of_message=lambda _: "451 4.3.0 later") as box:
        failure_of(box.port)
    with mail_server() as box:
        for _ in range(2):
            channel(box.port, **RELAY).deliver(samples.notification(Event.CHANGED), SOON)
    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_with_starttls_and_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(starttls=context_of(authority.certificate()), login=("monitor", PASSWORD)) as box:
        channel(box.port, ca=authority.ca, **LOGIN).deliver(samples.notification(), SOON)
    assert box.encrypted == [True]
    assert box.logins == [(b"monitor", PASSWORD.encode())]


def test_with_tls_from_the_first_byte_and_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(tls=context_of(authority.certificate()), login=("monitor", PASSWORD)) as box:
        channel(box.port, tls="tls", ca=authority.ca, **LOGIN).deliver(samples.notification(), SOON)
    assert box.logins == [(b"monitor", PASSWORD.encode())]


def test_no_secret_gets_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    both = base64.b64encode(f"\0monitor\0{PASSWORD}".encode()).decode()
    said = f"535 5.7.8 AUTH PLAIN {both} {PASSWORD} {base64.b64encode(PASSWORD.encode()).decode()}\r\n".encode()
    authority = Authority(tmp_path)
    settings = {"tls": "starttls", "login": "password", "ca": authority.ca, **LOGIN}
    with caplog.at_level(logging.DEBUG):
        with mail_server(starttls=context_of(authority.certificate()), login=("monitor", "another")) as box:
            errors = [failure_of(box.port, **settings)]
        errors += [failure_of(box.port, **settings)]
        with scripted_server(banner=said.replace(b"535", b"554")) as script:
            errors.append(failure_of(script.port, **settings))
    assert [error.reason for error in errors] == ["auth", "tcp_refused", "smtp_554"]
    made = channel(1, **settings)
    told = [*map(str, errors), *map(repr, errors), caplog.text, repr(made), repr(made.__dict__)]
    told += [repr(made._settings), str(made._settings.model_dump(mode="json"))]
    hidden = (PASSWORD, both, base64.b64encode(PASSWORD.encode()).decode())
    assert [secret for secret in hidden if any(secret in words for words in told)] == []


def test_what_cannot_be_rendered_is_unsendable_and_nothing_is_sent() -> None:
    with mail_server() as box, pytest.raises(DeliveryError) as raised:
        channel(box.port, **RELAY).deliver(samples.notification(summary=object(), impact=object()), SOON)
    assert (raised.value.failure, raised.value.may_have_arrived) == (Failure.UNSENDABLE, False)
    assert box.envelopes == []


def test_by_disclose_minimal_only_the_minimum_leaves_the_house() -> None:
    with mail_server() as box:
        for event in samples.every_event().values():
            channel(box.port, **RELAY, disclose="minimal").deliver(event, SOON)
    for mail in box.mails:
        parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
        told = str(mail.items()) + str(parts)
        assert [word for word in samples.PRIVATE if word in told] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "set username and password_file, or login: none"),
        ({"username": "monitor"}, "set username and password_file"),
        (LOGIN | {"login": "none"}, "remove login: none"),
        (LOGIN | {"tls": "if_offered"}, "a password is sent over verified TLS alone"),
        ({"username": "monitor", "password": "pässword"}, "ASCII"),
        (RELAY | {"to": "pacs"}, "is no address"),
        (RELAY | {"to": "a@x.org, b@x.org"}, "is no address"),
        (RELAY | {"to": "a@x.org\r\nBcc: b@x.org"}, "is no address"),
        (RELAY | {"to": ["a@x.org", "A <A@x.org>"]}, "named twice"),
        (RELAY | {"to": "jürgen@x.org"}, "ASCII before the @"),
        (RELAY | {"to": []}, "at least 1 item"),
        (RELAY | {"sender": "PACS <>"}, "is no address"),
    ],
)
def test_what_cannot_work_is_an_error_that_names_the_fix(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        channel(25, **settings)
