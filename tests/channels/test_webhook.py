"""The webhook channel against a real receiver, and against receivers that misbehave."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from pydantic import ValidationError

from pacs_monitor.channels import kinds
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT
from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.model import Channel, DeliveryError, Event, Failure, Notification
from tests.channels.contract import Subject
from tests.peers.receiver import KEY, SECRET, Receiver
from tests.support.timing import SOON, Stopwatch

NOTIFICATION = Notification("01JD", "hook", Event.OPENED, 1_764_000_000_000_000, {"schema": 1, "title": "Röntgen"})
CONTRACT = Subject(
    settings=lambda url: {
        "url": url.replace("//", "//nurse:n1ght@") + "/hook/T0KEN?key=s3same",
        "headers": {"X-Key": "Bearer abc.def-123"},
    },
    secrets=("T0KEN", "s3same", "abc.def-123", "bnVyc2U6bjFnaHQ="),
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("/hook-7f3a9c?key=sesame") as running:
        yield running


def hook(url: str, **settings: object) -> Webhook:
    return Webhook("hook", WebhookSettings.model_validate({"url": url, "secret": SECRET} | settings))


@contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A listener that does `serve` with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/s3cret"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def request_on(connection: socket.socket) -> bytes:
    """All of it: a close with bytes unread would be a reset."""
    request = b""
    while not request.endswith(b"}}"):
        request += connection.recv(65536)
    return request


def test_is_found_by_listing_the_package() -> None:
    assert kinds()["webhook"] is Webhook
    assert isinstance(hook("http://127.0.0.1/"), Channel)


def test_posts_what_the_contract_says_and_signs_it(receiver: Receiver) -> None:
    assert hook(receiver.url).deliver(NOTIFICATION, SOON) == "HTTP 200 thanks"
    (post,) = receiver.posts
    assert (post.id, post.type, post.data) == ("01JD", "incident.opened", {"schema": 1, "title": "Röntgen"})
    assert post.timestamp == "2025-11-24T16:00:00.000000Z"
    assert post.path == "/hook-7f3a9c?key=sesame"
    assert receiver.bad == []


@pytest.mark.parametrize("secret", [KEY.decode(), SECRET, SECRET.rstrip("=")])
def test_takes_a_secret_as_base64_after_its_prefix_or_as_it_stands(receiver: Receiver, secret: str) -> None:
    hook(receiver.url, secret=secret).deliver(NOTIFICATION, SOON)
    assert receiver.bad == []


def test_a_wrong_secret_does_not_verify(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="HTTP 401"):
        hook(receiver.url, secret="another").deliver(NOTIFICATION, SOON)


def test_every_status_is_delivered_a_refusal_or_temporary(receiver: Receiver) -> None:
    receiver.headers = {"Retry-After": "7", "Location": receiver.url}
    got: dict[int, tuple[object, ...]] = {}
    for status in range(200, 600):
        receiver.status = status
        try:
            hook(receiver.url).deliver(NOTIFICATION, SOON)
            got[status] = ("delivered",)
        except DeliveryError as error:
            got[status] = (error.reason, error.failure, error.may_have_arrived, error.retry_after)

    def expected(status: int) -> tuple[object, ...]:
        if status < 300:
            return ("delivered",)
        temporary = status in (408, 425, 429) or status >= 500
        return (f"http_{status}", Failure.TEMPORARY if temporary else Failure.REFUSAL, status >= 500, 7.0)

    assert got == {status: expected(status) for status in range(200, 600)}
    assert len(receiver.posts) == 400, "redirects are not followed"


def test_a_retry_after_date_becomes_seconds(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
    with pytest.raises(DeliveryError) as raised:
        hook(receiver.url).deliver(NOTIFICATION, SOON)
    assert raised.value.retry_after == 0.0
    receiver.headers = {"Retry-After": "soon"}
    with pytest.raises(DeliveryError) as raised:
        hook(receiver.url).deliver(NOTIFICATION, SOON)
    assert raised.value.retry_after is None


def test_the_words_of_the_receiver_are_bounded_and_give_no_secret_away(receiver: Receiver) -> None:
    receiver.status = 400
    receiver.answer = f"no\x1b[31m {receiver.url} {SECRET} s3cret-header /hook-7f3a9c key=sesame ".encode() + b"x" * 500
    with pytest.raises(DeliveryError) as raised:
        hook(receiver.url, headers={"Authorization": "s3cret-header"}).deliver(NOTIFICATION, SOON)
    said = str(raised.value)
    assert len(said) == WORDS_LIMIT
    host = receiver.url.partition("/hook")[0]
    assert said.startswith(f"HTTP 400 no [31m {host}/… … … … …")


@pytest.mark.parametrize(
    "said",
    [
        "no hook T0K/EN of SESAME",
        "no hook T0K%2FEN",
        "key: open sesame",
        "bearer abc.def-123 unknown",
        "user nurse, password night shift",
        r"POST \/hook\/T0K%2FEN",
    ],
)
def test_no_piece_of_a_secret_comes_back_in_the_words_of_the_receiver(receiver: Receiver, said: str) -> None:
    receiver.status, receiver.answer = 404, said.encode()
    url = f"http://nurse:night%20shift@127.0.0.1:{receiver.port}/hook/T0K%2FEN/SESAME?key=open%20sesame"
    with pytest.raises(DeliveryError) as raised:
        hook(url, headers={"X-Key": "Bearer abc.def-123"}).deliver(NOTIFICATION, SOON)
    told = str(raised.value)
    assert "…" in told
    assert not any(piece in told for piece in ("T0K", "SESAME", "sesame", "abc.def-123", "nurse", "shift"))


def test_nothing_that_urllib3_has_to_say_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def serve(connection: socket.socket) -> None:
        request_on(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n: DOE^JOHN\r\nno header\r\n\r\nfine")

    with caplog.at_level(logging.DEBUG), peer(serve) as url:
        hook(url).deliver(NOTIFICATION, SOON)
    assert caplog.text == ""


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT"])
def test_a_retry_after_beyond_all_calendars_is_none(receiver: Receiver, date: str) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": date}
    with pytest.raises(DeliveryError) as raised:
        hook(receiver.url).deliver(NOTIFICATION, SOON)
    assert raised.value.retry_after is None


def test_sends_its_headers_and_user_but_nothing_from_netrc(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(request_on(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    with peer(serve) as url:
        hook(url, headers={"X-Key": "k"}).deliver(NOTIFICATION, SOON)
    assert b"X-Key: k\r\n" in seen[0]
    assert b"Authorization" not in seen[0]
    with peer(serve) as url:
        hook(url.replace("//", "//us:er@")).deliver(NOTIFICATION, SOON)
    assert b"Authorization: Basic dXM6ZXI=\r\n" in seen[1]


def trickle(start: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(1000):
            connection.sendall(b"x")
            threading.Event().wait(0.05)

    return serve


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize(
    "serve",
    [
        silent,
        trickle(b"HTTP/1.1 200 OK\r\nX: "),
        trickle(b""),
    ],
    ids=["silent", "trickling headers", "trickling status"],
)
def test_the_deadline_bounds_the_whole_exchange(serve: Callable[[socket.socket], None]) -> None:
    with peer(serve) as url:
        with pytest.raises(DeliveryError) as raised, Stopwatch() as watch:
            hook(url, timeout="2s").deliver(NOTIFICATION, SOON)
        assert watch.seconds < 5
    assert (raised.value.reason, raised.value.failure) == ("timeout", Failure.TEMPORARY)
    assert str(raised.value).endswith("no complete answer within 2 s")
    assert "s3cret" not in str(raised.value)


def answer(words: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        request_on(connection)
        connection.sendall(words)

    return serve


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b"", "closed"),
        (b"SSH-2.0-OpenSSH\r\n", "bad_content"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\nshort", "http_503"),
    ],
    ids=["closes", "no HTTP", "an error cut short"],
)
def test_an_answer_that_is_none_is_tried_again(words: bytes, reason: str) -> None:
    with peer(answer(words)) as url, pytest.raises(DeliveryError) as raised:
        hook(url).deliver(NOTIFICATION, SOON)
    assert (raised.value.reason, raised.value.failure) == (reason, Failure.TEMPORARY)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "serve",
    [
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
        answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 10_000_000),
        answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
    ],
    ids=["trickling", "trickling without end", "cut short", "10 MB", "not gzip"],
)
def test_a_receiver_that_says_200_has_it_whatever_becomes_of_its_body(serve: Callable[[socket.socket], None]) -> None:
    with peer(serve) as url:
        said = hook(url, timeout="500ms").deliver(NOTIFICATION, 10)
    assert said.startswith("HTTP 200")
    assert len(said) <= WORDS_LIMIT


HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "before",
    [HINT, HINT * 3, b"HTTP/1.1 100 Continue\r\n\r\n" + HINT, b"HTTP/1.1 102 Processing\r\n\r\n"],
    ids=["103", "103 thrice", "100 and 103", "102"],
)
def test_answers_before_the_final_one_are_skipped(before: bytes) -> None:
    with peer(answer(before + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks")) as url:
        assert hook(url).deliver(NOTIFICATION, SOON) == "HTTP 200 thanks"
    gone = before + b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"
    with peer(answer(gone)) as url, pytest.raises(DeliveryError, match="HTTP 404"):
        hook(url).deliver(NOTIFICATION, SOON)


@pytest.mark.parametrize("interim", [HINT, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_flood_of_answers_before_the_final_one_ends_at_the_deadline(interim: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        request_on(connection)
        connection.settimeout(2)  # with a full buffer, it would hear late that nobody reads any more
        while True:
            connection.sendall(interim * 100)

    with peer(serve) as url, pytest.raises(DeliveryError) as raised, Stopwatch() as watch:
        hook(url, timeout="1s").deliver(NOTIFICATION, SOON)
    assert raised.value.reason == "timeout"
    assert watch.seconds < SOON / 2


def test_what_cannot_be_rendered_is_unsendable(receiver: Receiver) -> None:
    odd = replace(NOTIFICATION, data={"schema": object()})
    with pytest.raises(DeliveryError) as raised:
        hook(receiver.url).deliver(odd, SOON)
    assert raised.value.failure is Failure.UNSENDABLE
    assert receiver.posts == []


def test_a_refusal_is_one_however_long_its_body_is() -> None:
    gone = b"HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n" + b"x" * 10_000_000
    with peer(answer(gone)) as url, pytest.raises(DeliveryError) as raised:
        hook(url).deliver(NOTIFICATION, 10)
    assert (raised.value.reason, raised.value.failure) == ("http_410", Failure.REFUSAL)


def test_a_refused_port_is_tried_again(receiver: Receiver) -> None:
    receiver.down()
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{receiver.port} refused the connection") as raised:
        hook(receiver.url.replace("//", "//user:pass@")).deliver(NOTIFICATION, SOON)
    assert (raised.value.reason, raised.value.failure) == ("tcp_refused", Failure.TEMPORARY)
    assert not raised.value.may_have_arrived


def test_a_peer_that_does_not_speak_tls_is_named(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="does not speak TLS") as raised:
        hook(receiver.url.replace("http:", "https:")).deliver(NOTIFICATION, SOON)
    assert raised.value.reason == "tls_not_offered"


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(DeliveryError, match="does not resolve") as raised:
        hook("http://no-such-host.invalid/x").deliver(NOTIFICATION, SOON)
    assert raised.value.reason == "dns"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "ftp://host/path"}, "write https://host/path"),
        ({"url": "http:///path"}, "write https://host/path"),
        ({"url": "http://user:pass/word@host/path"}, "write https://host/path"),
        ({"url": "http://host:70000/path"}, "write https://host/path"),
        ({"url": "http://host/", "secret": "whsec_%%%"}, "write base64 after whsec_"),
        ({"url": "http://host/", "secret": "whsec_"}, "empty"),
        ({"url": "http://host/", "timeout": "soon"}, "is not a duration"),
        ({"secret": "x"}, "Field required"),
    ],
)
def test_wrong_settings_are_told_without_their_value(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as raised:
        WebhookSettings.model_validate(settings)
    assert "%%%" not in str(raised.value)


def test_secrets_do_not_print() -> None:
    settings = WebhookSettings.model_validate(
        {"url": "http://host/s3cret", "secret": "s3cret", "headers": {"A": "s3cret"}}
    )
    assert "s3cret" not in repr(settings) + str(settings.model_dump(mode="json"))
