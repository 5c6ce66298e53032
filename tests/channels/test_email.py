"""Mail, handed over to real servers (aiosmtpd), and to scripted ones that hang, reset and ramble at each stage."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.email import Email, EmailSettings
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT
from pacs_monitor.delivery.health import health_of
from pacs_monitor.model import Channel, DeliveryError, Event, Failure, Refreshes, Warns
from tests.channels import samples
from tests.peers.authority import Authority
from tests.peers.mail import STAGES, Answer, hangs, mail_server, resets, scripted_server, trickles
from tests.peers.tls import context_of
from tests.support.timing import HANGS, SOON, Stopwatch

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
@pytest.mark.parametrize("does", [hangs, trickles], ids=["hangs", "says a byte now and then"])
def test_a_server_that_hangs_at_any_stage_costs_no_more_than_the_time_limit(stage: str, does: Answer) -> None:
    with scripted_server(**{stage: does}) as script, Stopwatch() as watch:
        error = failure_of(script.port, timeout=f"{HANGS:g}s")
    assert (error.reason, error.failure) == ("timeout", Failure.TEMPORARY)
    assert error.may_have_arrived is ("DATA" in [line.upper() for line in script.lines])
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


def test_one_who_is_refused_holds_up_nobody_and_is_not_hidden(caplog: pytest.LogCaptureFixture) -> None:
    with mail_server(of_recipient=lambda to: "550 5.1.1 no such user" if to == TWO else "250 Ok") as box:
        mail = channel(box.port, **RELAY, to=[ONE, TWO])
        said = mail.deliver(samples.notification(), SOON)
        mail.refresh([], SOON)
    assert said == f"250 2.0.0 Ok: queued as 4711; accepted for 1 of 2, not for {TWO} (550 5.1.1 no such user)"
    assert box.recipients() == [[ONE]]
    assert mail.warnings() == [f"mail to {TWO} is not accepted, others get it: 550 5.1.1 no such user"]
    assert f"mail to {TWO} is not accepted" in caplog.text
    assert health_of(None, None, None, mail).warnings == tuple(mail.warnings())


def test_one_who_is_refused_for_now_gets_it_later_and_nobody_twice() -> None:
    full = {TWO}
    with mail_server(of_recipient=lambda to: "452 4.2.2 mailbox full" if to in full else "250 Ok") as box:
        mail = channel(box.port, **RELAY, to=[ONE, TWO])
        mail.deliver(samples.notification(), SOON)
        mail.refresh([], SOON)
        full.clear()
        mail.refresh([], SOON)
        mail.refresh([], SOON)
    assert box.recipients() == [[ONE], [TWO]]
    first, second = box.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert mail.warnings() == []


def test_nothing_overtakes_what_one_has_missed() -> None:
    full = {TWO}
    with mail_server(of_recipient=lambda to: "452 4.2.2 mailbox full" if to in full else "250 Ok") as box:
        mail = channel(box.port, **RELAY, to=[ONE, TWO])
        mail.deliver(samples.notification(), SOON)
        full.clear()
        mail.deliver(samples.notification(Event.RESOLVED), SOON)
        mail.refresh([], SOON)
    assert box.recipients() == [[ONE], [ONE, TWO]]


def test_a_server_that_takes_few_at_a_time_gets_the_rest_at_once() -> None:
    people = [f"p{number}@hospital.example.org" for number in range(5)]
    seen: list[str] = []

    def two_at_a_time(to: str) -> str:
        seen.append(to)
        return "250 Ok" if len(box.envelopes) > 1 or len(seen) % 5 in (1, 2) else "452 4.5.3 too many recipients"

    with mail_server(of_recipient=two_at_a_time) as box:
        assert channel(box.port, **RELAY, to=people).deliver(samples.notification(), SOON)
    assert sorted(to for taken in box.recipients() for to in taken) == people


@pytest.mark.parametrize(
    ("answers", "reason", "failure"),
    [
        ({ONE: "550 no", TWO: "550 no"}, "smtp_550", Failure.REFUSAL),
        ({ONE: "550 no", TWO: "450 later"}, "smtp_450", Failure.TEMPORARY),
    ],
)
def test_what_nobody_gets_is_not_delivered(answers: dict[str, str], reason: str, failure: Failure) -> None:
    with mail_server(of_recipient=lambda to: answers[to]) as box:
        error = failure_of(box.port, to=[ONE, TWO])
    assert (error.reason, error.failure, error.may_have_arrived) == (reason, failure, False)
    assert ONE in str(error)
    assert TWO in str(error)
    assert box.envelopes == []


def test_a_refused_login_is_not_repeated_at_once_so_that_no_account_is_locked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(starttls=context_of(authority.certificate()), login=("monitor", "another")) as box:
        mail = channel(box.port, ca=authority.ca, **LOGIN)
        errors = []
        for event in (Event.OPENED, Event.CHANGED, Event.RESOLVED):
            with pytest.raises(DeliveryError) as raised:
                mail.deliver(samples.notification(event), SOON)
            errors.append((raised.value.reason, raised.value.failure, raised.value.retry_after))
    assert errors == [("auth", Failure.REFUSAL, 300.0)] * 3
    assert len(box.logins) <= 2  # PLAIN, then LOGIN, of one session


@pytest.mark.parametrize(
    ("settings", "certificate", "reason", "words"),
    [
        ({}, {}, "tls_untrusted", "set ca to the PEM file of the CA"),
        (
            {"ca": True},
            {"names": ("mail.example.org",)},
            "tls_hostname",
            "write as host a name that the certificate has",
        ),
        ({"ca": True}, {"days": -1}, "tls_expired", "ask the owner of the mail server to renew it"),
    ],
)
@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_a_certificate_that_is_not_right_is_refused_with_the_fix(
    how: str, settings: dict[str, Any], certificate: dict[str, Any], reason: str, words: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    given = {"ca": authority.ca} if settings else {}
    pair = authority.certificate(*certificate.get("names", ()), days=certificate.get("days", 30))
    servers: dict[str, Any] = {how: context_of(pair)}
    with mail_server(**servers) as box:
        error = failure_of(box.port, tls=how, login="password", **LOGIN, **given)
    assert (error.reason, error.may_have_arrived) == (reason, False)
    assert str(error).startswith(words)
    assert box.logins == []


def test_what_offers_no_tls_gets_no_password() -> None:
    with scripted_server() as script:
        error = failure_of(script.port, tls="starttls", login="password", **LOGIN)
    assert (error.reason, error.failure) == ("tls_not_offered", Failure.REFUSAL)
    assert "set tls: if_offered" in str(error)
    assert [line for line in script.lines if line.upper().startswith(("AUTH", "MAIL"))] == []


def test_a_port_without_tls_is_told_from_one_with_it() -> None:
    with scripted_server() as script:
        error = failure_of(script.port, tls="tls", login="password", **LOGIN)
    assert (error.reason, "set tls: starttls" in str(error)) == ("tls_not_offered", True)


def test_a_server_without_login_says_what_to_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(tls=context_of(authority.certificate())) as box:
        error = failure_of(box.port, tls="tls", login="password", ca=authority.ca, **LOGIN)
    assert (error.reason, error.failure) == ("auth", Failure.REFUSAL)
    assert "login: none" in str(error)


def test_if_offered_takes_tls_of_anybody_and_goes_on_without_where_it_does_not_work(tmp_path: Path) -> None:
    own = Authority(tmp_path).certificate("exchange.local")
    with mail_server(starttls=context_of(own)) as box:
        channel(box.port, **RELAY).deliver(samples.notification(), SOON)
    assert box.encrypted == [True]
    offer = {"EHLO": b"250-relay\r\n250 STARTTLS\r\n"}
    for answer in (b"454 4.7.0 TLS not available\r\n", b"220 go on\r\nnot TLS at all, this is\r\n"):
        with scripted_server(**offer, STARTTLS=answer) as script:
            assert channel(script.port, **RELAY).deliver(samples.notification(), SOON) == "250 Ok: queued"
        assert len(script.messages) == 1


def test_the_name_in_ehlo_is_never_localhost() -> None:
    with mail_server() as box:
        channel(box.port, **RELAY).deliver(samples.notification(), SOON)
        channel(box.port, **RELAY, hello="monitor.hospital.example.org").deliver(samples.notification(), SOON)
        channel(box.port, **RELAY, hello="münchen.example.org").deliver(samples.notification(), SOON)
    assert box.hellos[2] == "xn--mnchen-3ya.example.org"
    assert box.hellos[0] == "[127.0.0.1]" or "." in box.hellos[0].strip("[]")
    assert box.hellos[1] == "monitor.hospital.example.org"


def test_it_is_a_channel_that_is_refreshed_and_warns() -> None:
    assert isinstance(channel(25, **RELAY), Refreshes)
    assert isinstance(channel(25, **RELAY), Warns)


def test_lines_that_begin_with_a_dot_arrive_and_end_no_mail() -> None:
    told = ".\r\n.\r\nQUIT\r\n..hidden"
    with mail_server() as box:
        channel(box.port, **RELAY).deliver(samples.notification(impact=told, text=told), SOON)
    (mail,) = box.mails
    body = mail.get_body(("plain",))
    assert body is not None
    lines, expected = str(body.get_content()).splitlines(), [".", "QUIT", "..hidden", ".", ".", "QUIT", "..hidden"]
    assert [line for line in lines if line in (".", "QUIT", "..hidden")] == expected
    assert len(box.envelopes) == 1


def test_a_name_that_does_not_resolve_surely_did_not_arrive() -> None:
    error = failure_of(25, host="mail.invalid")
    assert (error.reason, error.failure, error.may_have_arrived) == ("dns", Failure.TEMPORARY, False)


def test_several_mails_at_once_are_all_delivered() -> None:
    with mail_server() as box, ThreadPoolExecutor(4) as pool:
        mail = channel(box.port, **RELAY)
        every = [*samples.every_event().values()]
        said = [*pool.map(lambda one: mail.deliver(one, SOON), every)]
    assert set(said) == {"250 2.0.0 Ok: queued as 4711"}
    assert len(box.envelopes) == len(every)
