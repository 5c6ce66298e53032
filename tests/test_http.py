"""HTTP with a total deadline, over TLS and proxies too."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import ValidationError

from pacs_monitor import http
from pacs_monitor.model import Phase, Reason, Status, Tls
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from tests.peers.accepting import accepting
from tests.peers.authority import Authority
from tests.peers.ports import free_port
from tests.peers.scripted import Conversation, full_accept_queue, hang, scripted
from tests.peers.tls import context_of, tls_server
from tests.support.probing import Context
from tests.support.timing import HANGS, SOON

T = TypeVar("T")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


AUTHORITY = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def certificate(folder: Path, name: str, until: str) -> tuple[Path, Path]:
    """A self-signed certificate for a DNS name or an address, valid since 2020, and its key."""
    (folder / "authority.cnf").write_text(AUTHORITY)
    (folder / "index").touch()
    subject = f"subjectAltName={'IP' if name[0].isdigit() else 'DNS'}:{name}"
    new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
    openssl(folder, f"req -new {new_key} -subj /CN={name} -addext {subject} -out request.pem")
    span = f"-startdate 20200101000000Z -enddate {until}"
    openssl(folder, f"ca -config authority.cnf -selfsign -keyfile key.pem -in request.pem -out cert.pem -batch {span}")
    return folder / "cert.pem", folder / "key.pem"


def openssl(folder: Path, arguments: str) -> None:
    made = subprocess.run(["openssl", *arguments.split()], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


@contextmanager
def listener(context: ssl.SSLContext | None, seen: list[bytes] | None = None, answer: bytes = ANSWER) -> Iterator[int]:
    """Answers the first request of its first connection; without a context it takes it and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    if context is None and seen is None:
                        while connection.recv(65536):
                            pass
                        return
                    stream = connection if context is None else context.wrap_socket(connection, server_side=True)
                    with stream:
                        request = stream.recv(65536)
                        if seen is not None:
                            seen.append(request)
                        stream.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("name", "trusted", "expired", "reason"),
    [
        ("127.0.0.1", True, False, None),
        ("127.0.0.1", False, False, Reason.TLS_UNTRUSTED),
        ("192.0.2.1", True, False, Reason.TLS_HOSTNAME),
        ("other.example.org", True, False, Reason.TLS_HOSTNAME),
        ("127.0.0.1", True, True, Reason.TLS_EXPIRED),
    ],
)
def test_a_certificate_is_trusted_or_its_fault_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, expired: bool, reason: Reason | None
) -> None:
    cert, key = certificate(tmp_path, name, "20200201000000Z" if expired else "20491231000000Z")
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with listener(context) as port:
        url = f"https://127.0.0.1:{port}/"
        if reason is None:
            assert http.send("GET", url, timeout=SOON).body == b"ok"
            return
        with pytest.raises(http.HttpError) as raised:
            http.send("GET", url, timeout=SOON)
    assert raised.value.reason is reason


def test_a_peer_that_never_finishes_the_tls_handshake_is_bounded() -> None:
    with (
        listener(None) as port,
        pytest.raises(http.HttpError, match=r"handshake was not completed within 2 s") as raised,
    ):
        http.send("GET", f"https://127.0.0.1:{port}/", timeout=HANGS)
    assert (raised.value.reason, raised.value.phase) == (Reason.TLS_TIMEOUT, Phase.TLS)


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    with listener(None, seen) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        answer = http.send("GET", "http://hooks.invalid/path", timeout=SOON)
    assert (answer.status, answer.body) == (200, b"ok")
    assert seen[0].startswith(b"GET http://hooks.invalid/path HTTP/1.1\r\n")


# as probes ask: straight to the node, by what its settings say


async def asked(url: str, access: http.Access = http.NOBODY, *, timeout: float = SOON, **more: Any) -> http.Response:
    return await http.request("GET", url, Context(time.monotonic() + timeout), Trace(), access=access, **more)


async def failure_of(url: str, access: http.Access = http.NOBODY, *, timeout: float = SOON, **more: Any) -> NetFailure:
    with pytest.raises(NetFailure) as caught:
        await asked(url, access, timeout=timeout, **more)
    return caught.value


def expiry_in(trace: Trace) -> float | None:
    return next((found.value for found in trace.measurements.values() if found.name == EXPIRY.name), None)


def access_by(**settings: Any) -> http.Access:
    return http.HttpSettings(url="https://pacs.example.org", **settings).access()


async def test_every_phase_of_an_exchange_is_timed_apart_and_the_certificate_dated(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate()
    with listener(context_of(pair)) as port:
        answer = await asked(f"https://localhost:{port}/", http.Access(tls=Tls(authority.ca)))
    assert list(answer.trace.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.OPERATION]
    assert expiry_in(answer.trace) == pair.expiry


async def test_without_tls_there_is_no_such_phase() -> None:
    with listener(None, []) as port:
        answer = await asked(f"http://127.0.0.1:{port}/")
    assert list(answer.trace.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.OPERATION]


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"username": "monitor", "password": "p:w"}, b"\r\nAuthorization: Basic bW9uaXRvcjpwOnc=\r\n"),
        ({"token": "abc"}, b"\r\nAuthorization: Bearer abc\r\n"),
    ],
)
async def test_an_account_or_a_token_is_sent(settings: dict[str, str], sent: bytes) -> None:
    seen: list[bytes] = []
    with listener(None, seen) as port:
        await asked(f"http://127.0.0.1:{port}/", access_by(**settings))
    assert sent in seen[0]


def test_no_secret_prints() -> None:
    assert "abc" not in repr(access_by(token="abc"))


async def test_a_probe_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    with listener(None, []) as port:
        assert (await asked(f"http://127.0.0.1:{port}/")).status == 200


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
async def test_a_redirect_is_told_and_not_followed(status: str) -> None:
    seen: list[bytes] = []
    elsewhere = f"HTTP/1.1 {status}\r\nLocation: https://other.example.org/?token=s3cret\r\nContent-Length: 0\r\n\r\n"
    with listener(None, seen, elsewhere.encode()) as port:
        answer = await asked(f"http://127.0.0.1:{port}/", access_by(token="abc"))
    with pytest.raises(http.HttpError, match="set url to the service itself") as raised:
        http.expect(answer, "the question", 200)
    assert raised.value.reason is Reason.HTTP_STATUS
    assert "s3cret" not in raised.value.detail
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.AUTH),
        (403, Reason.NOT_AUTHORISED),
        (404, Reason.HTTP_STATUS),
        (429, Reason.BUSY),
        (500, Reason.HTTP_STATUS),
        (503, Reason.HTTP_STATUS),
        (507, Reason.OUT_OF_RESOURCES),
        (799, Reason.HTTP_STATUS),
    ],
)
def test_a_status_that_was_not_expected_has_its_reason(status: int, reason: Reason) -> None:
    with pytest.raises(http.HttpError, match=f"the question was answered with {status}") as raised:
        http.expect(http.Response(status, {}, b"PATIENT^NAME"), "the question", 200, 204)
    assert raised.value.reason is reason
    assert "PATIENT" not in raised.value.detail


def test_an_expected_status_is_fine() -> None:
    http.expect(http.Response(204, {}, b""), "the question", 200, 204)


@pytest.mark.parametrize("body", [b"", b"<html>DOE^JOHN</html>", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_bad_content_and_not_repeated(body: bytes) -> None:
    with pytest.raises(http.HttpError, match="the answer to the question is not JSON") as raised:
        http.read_json(http.Response(200, {}, body), "the question")
    assert raised.value.reason is Reason.BAD_CONTENT


@pytest.mark.parametrize(
    ("names", "days", "trusted", "reason"),
    [
        ((), -3, True, Reason.TLS_EXPIRED),
        ((), 20, False, Reason.TLS_UNTRUSTED),
        (("pacs.example.org",), 20, True, Reason.TLS_HOSTNAME),
    ],
)
async def test_a_certificate_that_fails_is_dated(
    tmp_path: Path, names: tuple[str, ...], days: int, trusted: bool, reason: Reason
) -> None:
    authority = Authority(tmp_path)
    pair = authority.certificate(*names, days=days)
    with tls_server(context_of(pair)) as port:
        failure = await failure_of(
            f"https://127.0.0.1:{port}/", http.Access(tls=Tls(authority.ca if trusted else None))
        )
    assert (failure.reason, failure.phase, expiry_in(failure.trace)) == (reason, Phase.TLS, pair.expiry)
    assert time.strftime("valid until %Y-%m-%d", time.gmtime(pair.expiry)) in failure.detail


async def test_the_name_in_the_certificate_may_be_set(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with listener(context_of(authority.certificate("pacs.example.org"))) as port:
        tls = Tls(authority.ca, server_name="pacs.example.org")
        assert (await asked(f"https://127.0.0.1:{port}/", http.Access(tls=tls))).status == 200


async def test_the_bundle_of_the_environment_is_not_trusted_beside_the_targets_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = Authority(tmp_path), Authority(tmp_path, "Another CA")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other.ca)
    with tls_server(context_of(other.certificate())) as port:
        failure = await failure_of(f"https://127.0.0.1:{port}/", http.Access(tls=Tls(ours.ca)))
    assert failure.reason is Reason.TLS_UNTRUSTED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_our_certificate_is_shown_and_its_refusal_is_auth(tmp_path: Path, version: ssl.TLSVersion) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "Another CA")
    good, bad = authority.certificate("us", file="good"), stranger.certificate("us", file="bad")
    context = context_of(authority.certificate(), trusts=authority.ca, version=version)
    with listener(context) as port:
        answer = await asked(f"https://localhost:{port}/", http.Access(tls=Tls(authority.ca, good.cert, good.key)))
    assert answer.status == 200
    with tls_server(context) as port:
        url = f"https://localhost:{port}/"
        failure = await failure_of(url, http.Access(tls=Tls(authority.ca, bad.cert, bad.key)))
    assert (failure.reason, failure.outcome().status) == (Reason.AUTH, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"\x15\x03\x01\0\x02\x02\x46", "write https:// instead of http://: {address} speaks TLS on this port"),
        (b"\x07\0\0\0\0\x04\0\0\x02\x01", "{address} speaks DICOM on this port, not HTTP"),
        (b"\x0bMSH|^~\\&|DOE^JANE\x1c\r", "{address} speaks MLLP on this port, not HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "{address} speaks SSH on this port, not HTTP"),
        (b"220 mail.example.org DOE^JANE\r\n", "{address} answers our request with something that is not HTTP"),
    ],
)
async def test_another_protocol_on_the_port_is_named(answer: bytes, says: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with accepting(speak) as port:
        failure = await failure_of(f"http://127.0.0.1:{port}/")
        secure = await failure_of(f"https://127.0.0.1:{port}/")
    assert failure.detail == f"wrong port or protocol? {says.format(address=f'127.0.0.1:{port}')}"
    assert (failure.reason, failure.phase) == (Reason.BAD_CONTENT, Phase.OPERATION)
    assert (secure.reason, secure.phase) == (Reason.TLS_NOT_OFFERED, Phase.TLS)
    assert secure.detail.startswith("wrong port or protocol? ")


@pytest.mark.parametrize(
    "body",
    [
        b"<center>The plain HTTP request was sent to HTTPS port</center>",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Bad Request\nThis combination of host and port requires TLS.\n",
    ],
    ids=["nginx", "Apache httpd", "Go", "Tomcat"],
)
async def test_a_server_that_says_that_it_wants_tls_is_believed(body: bytes) -> None:
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with listener(None, [], head.encode() + body) as port:
        failure = await failure_of(f"http://127.0.0.1:{port}/")
    assert failure.reason is Reason.BAD_CONTENT
    assert (
        failure.detail
        == f"wrong port or protocol? write https:// instead of http://: 127.0.0.1:{port} speaks TLS on this port"
    )


async def test_plain_http_on_a_tls_port_and_tls_on_a_plain_port(tmp_path: Path) -> None:
    async def speak_plainly(conversation: Conversation) -> None:
        await conversation.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        conversation.close()

    async with scripted(speak_plainly) as peer:
        failure = await failure_of(f"https://127.0.0.1:{peer.port}/")
    assert (failure.reason, failure.phase) == (Reason.TLS_NOT_OFFERED, Phase.TLS)
    with tls_server(context_of(Authority(tmp_path).certificate())) as port:
        failure = await failure_of(f"http://127.0.0.1:{port}/")
    assert failure.reason in (Reason.CLOSED, Reason.TCP_RESET, Reason.BAD_CONTENT)
    assert failure.phase is Phase.OPERATION


@pytest.mark.parametrize(
    ("scheme", "reason", "phase"),
    [("https", Reason.TLS_TIMEOUT, Phase.TLS), ("http", Reason.TIMEOUT, Phase.OPERATION)],
)
async def test_a_silent_peer_is_left_at_the_deadline(scheme: str, reason: Reason, phase: Phase) -> None:
    async with scripted(hang) as peer:
        failure = await failure_of(f"{scheme}://127.0.0.1:{peer.port}/", timeout=HANGS)
    assert (failure.reason, failure.phase) == (reason, phase)


async def test_a_full_accept_queue_is_tcp_timeout() -> None:
    with full_accept_queue() as port:
        failure = await failure_of(f"http://127.0.0.1:{port}/", timeout=HANGS)
    assert (failure.reason, failure.phase) == (Reason.TCP_TIMEOUT, Phase.CONNECT)


async def test_a_refused_port_is_tcp_refused() -> None:
    failure = await failure_of(f"http://127.0.0.1:{free_port()}/")
    assert (failure.reason, failure.phase) == (Reason.TCP_REFUSED, Phase.CONNECT)


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    failure = await failure_of("http://no-such-host.invalid/")
    assert (failure.reason, failure.phase) == (Reason.DNS, Phase.RESOLVE)


async def test_an_answer_beyond_the_limit_is_bad_content() -> None:
    with listener(None, []) as port:
        failure = await failure_of(f"http://127.0.0.1:{port}/", size_limit=1)
    assert (failure.reason, failure.phase) == (Reason.BAD_CONTENT, Phase.OPERATION)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "https://u:p@pacs.example.org"}, "and nothing else"),
        ({"url": "https://pacs.example.org:99999"}, "and nothing else"),
        ({"url": "https://pacs.example.org/?q"}, "and nothing else"),
        ({"url": "http://pacs.example.org", "tls": {}}, "url begins with http://"),
        ({"url": "http://pacs.example.org", "username": "u", "token": "t"}, "set either username or token, not both"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        http.HttpSettings(**settings)


@pytest.mark.parametrize(
    "text", ["a\n", "a\n\n", "a\r\n", "a\rb", "a\0", "a\x01", "a\x7f", "\u00e9", "\u0142", "\udce9", "a "]
)
@pytest.mark.parametrize("ours", ["token", "value", "name"])
async def test_a_header_of_ours_that_cannot_be_sent_is_ours_to_mend_and_nothing_is_sent(text: str, ours: str) -> None:
    access = http.Access(f"Bearer {text}") if ours == "token" else http.NOBODY
    headers = {"value": {"X-Key": text}, "name": {text: "x"}}.get(ours, {})
    async with scripted(hang) as peer:
        context, trace = Context(time.monotonic() + SOON), Trace()
        with pytest.raises(NetFailure) as caught:
            await http.request("GET", f"http://127.0.0.1:{peer.port}/", context, trace, access=access, headers=headers)
        assert not peer.conversations
    outcome = caught.value.outcome()
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert outcome.detail.startswith("no request was sent: our header ")
    assert outcome.detail.isascii()
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("url", ["http://*.example.org/", "http://.example.org/", "http://127.0.0.1\x01/"])
def test_an_address_that_no_request_can_be_made_to_is_ours_to_mend(url: str) -> None:
    with pytest.raises(http.HttpError) as caught:
        http.send("GET", url, timeout=SOON)
    assert caught.value.reason is Reason.NOT_CONFIGURED
