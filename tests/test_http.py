"""HTTP with a total deadline, over TLS and proxies too."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pacs_monitor import http
from pacs_monitor.model import Reason

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
def listener(context: ssl.SSLContext | None, seen: list[bytes] | None = None) -> Iterator[int]:
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
                        stream.sendall(ANSWER)

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
            assert http.send("GET", url, timeout=10).body == b"ok"
            return
        with pytest.raises(http.HttpError) as raised:
            http.send("GET", url, timeout=10)
    assert raised.value.reason is reason


def test_a_peer_that_never_finishes_the_tls_handshake_is_bounded() -> None:
    with listener(None) as port, pytest.raises(http.HttpError, match=r"no whole answer within 0\.3 s") as raised:
        http.send("GET", f"https://127.0.0.1:{port}/", timeout=0.3)
    assert raised.value.reason is Reason.TIMEOUT


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    with listener(None, seen) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        answer = http.send("GET", "http://hooks.invalid/path", timeout=10)
    assert (answer.status, answer.body) == (200, b"ok")
    assert seen[0].startswith(b"GET http://hooks.invalid/path HTTP/1.1\r\n")
