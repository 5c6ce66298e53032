"""Every kind of channel keeps the contract: discovered by listing the package."""

from __future__ import annotations

import logging
from importlib import import_module

import pytest

from pacs_monitor.channels import kinds
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT
from pacs_monitor.model import Channel, DeliveryError, Failure
from tests.channels import samples
from tests.channels.contract import Subject, answering, echoing, hanging, made, receiver, resetting, subject
from tests.support.timing import SOON, Stopwatch

OVER_HTTP = sorted(kind for kind in kinds() if subject(kind))
NOTIFICATION = samples.notification()
over_http = pytest.mark.parametrize("kind", OVER_HTTP)


def tried(kind: str) -> Subject:
    found = subject(kind)
    assert found is not None
    return found


def failure_of(channel: Channel, timeout: float = SOON) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel.deliver(NOTIFICATION, timeout)
    return raised.value


def test_every_kind_says_how_it_is_tried() -> None:
    others = {kind for kind in kinds() if not subject(kind)}
    assert {
        kind for kind in others if not hasattr(import_module(f"tests.channels.test_{kind}"), "OWN_CONTRACT")
    } == set()


@over_http
def test_is_a_channel(kind: str) -> None:
    assert isinstance(made(kind, "http://127.0.0.1:9"), Channel)


@over_http
def test_each_class_of_status_is_delivered_a_refusal_or_temporary(kind: str) -> None:
    got: dict[int, tuple[object, ...]] = {}
    statuses = (200, 202, 204, 304, 400, 401, 403, 404, 408, 410, 413, 422, 425, 429, 500, 502, 503, 504)
    for status in statuses:
        body = tried(kind).answer if status < 300 else b"no"
        with receiver(answering(status, body)) as at:
            try:
                made(kind, at.url).deliver(NOTIFICATION, SOON)
                got[status] = ("delivered",)
            except DeliveryError as error:
                got[status] = (error.reason, error.failure, error.may_have_arrived)

    def expected(status: int) -> tuple[object, ...]:
        if status < 300:
            return ("delivered",)
        temporary = status in (408, 425, 429) or status >= 500
        return f"http_{status}", Failure.TEMPORARY if temporary else Failure.REFUSAL, status >= 500

    assert got == {status: expected(status) for status in statuses}


@over_http
@pytest.mark.parametrize("event", samples.every_event())
def test_each_event_can_be_rendered(kind: str, event: str) -> None:
    with receiver(answering(202, tried(kind).answer)) as at:
        assert made(kind, at.url).deliver(samples.every_event()[event], SOON)
    assert bool(at.requests) == (event not in tried(kind).silent)


@over_http
def test_a_receiver_that_hangs_costs_no_more_than_the_time_limit(kind: str) -> None:
    with receiver(hanging) as at, Stopwatch() as watch:
        error = failure_of(made(kind, at.url, timeout="1s"))
    assert (error.reason, error.failure, error.may_have_arrived) == ("timeout", Failure.TEMPORARY, True)
    assert watch.seconds < SOON / 2


@over_http
def test_a_reset_in_the_middle_of_the_answer_is_tried_again(kind: str) -> None:
    with receiver(resetting) as at:
        error = failure_of(made(kind, at.url))
    assert error.reason in ("tcp_reset", "closed")
    assert (error.failure, error.may_have_arrived) == (Failure.TEMPORARY, True)


@over_http
def test_a_refused_connection_surely_did_not_arrive(kind: str) -> None:
    with receiver(hanging) as at:
        pass
    error = failure_of(made(kind, at.url))
    assert (error.reason, error.failure, error.may_have_arrived) == ("tcp_refused", Failure.TEMPORARY, False)


@over_http
def test_an_answer_of_10_mb_is_read_in_part(kind: str) -> None:
    with receiver(answering(200, tried(kind).answer + b" " * 10_000_000)) as at:
        assert len(made(kind, at.url).deliver(NOTIFICATION, SOON)) <= WORDS_LIMIT


@over_http
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(kind: str, status: int) -> None:
    with receiver(answering(200)) as other:
        with receiver(answering(status, Location=f"{other.url}/s3cret")) as at:
            error = failure_of(made(kind, at.url))
        assert other.requests == []
    assert (error.reason, error.failure, error.may_have_arrived) == (f"http_{status}", Failure.REFUSAL, False)
    assert len(at.requests) == 1


@over_http
@pytest.mark.parametrize(("written", "meant"), [("7", 7.0), ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("soon", None)])
def test_retry_after_is_heeded_in_both_forms(kind: str, written: str, meant: float | None) -> None:
    with receiver(answering(429, Retry_After=written)) as at:
        assert failure_of(made(kind, at.url)).retry_after == meant


@over_http
def test_no_secret_gets_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        with receiver(echoing) as at:
            channel = made(kind, at.url)
            errors = [failure_of(channel)]
        errors += [failure_of(channel)]
    settings = channel.settings.model_validate(tried(kind).settings(at.url))
    told = [*map(str, errors), *map(repr, errors), caplog.text, repr(channel)]
    told += [repr(settings), str(settings.model_dump(mode="json"))]
    assert [secret for secret in tried(kind).secrets if any(secret in words for words in told)] == []
    assert all(any(secret in request.raw for request in at.requests) for secret in tried(kind).secrets)


@over_http
def test_a_retry_has_the_identity_of_the_first_attempt(kind: str) -> None:
    with receiver(answering(503)) as at:
        channel = made(kind, at.url)
        failure_of(channel)
        failure_of(channel)
    first, second = map(tried(kind).identity, at.requests)
    assert first == second


@over_http
def test_what_cannot_be_rendered_is_unsendable_and_nothing_is_sent(kind: str) -> None:
    with receiver(answering(200)) as at, pytest.raises(DeliveryError) as raised:
        made(kind, at.url).deliver(samples.notification(summary=object(), impact=object()), SOON)
    assert (raised.value.failure, raised.value.may_have_arrived) == (Failure.UNSENDABLE, False)
    assert at.requests == []
