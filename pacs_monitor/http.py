"""HTTP by `requests`, with what it leaves out: a total deadline, a size limit, reasons from the closed list.

The timeout of `requests` bounds each socket operation alone, so that a peer that trickles one byte a second holds its
caller for ever. Here a timer shuts the connection down when the whole exchange (connect, TLS, request, answer) has
taken its time. Name resolution happens in the system's resolver, which has a bound of its own.

Redirects are never followed, so credentials go to no other host; proxies and trust come from the environment
(`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`), `.netrc` is not read. Error texts name host and port at most: path,
query and user may be secrets.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError

from pacs_monitor.model import PacsMonitorError, Reason

logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
"""It writes whole URLs and what peers say into the log, also above debug; what matters of it is in HttpError."""

SIZE_LIMIT = 1 << 20
"""Bytes of an answer's body."""
_CHUNK = 8192


class HttpError(PacsMonitorError):
    """No HTTP answer was had."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status (RFC 9110 15); header names are compared without case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def send(
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    size_limit: int = SIZE_LIMIT,
) -> Answer:
    """One exchange within `timeout` seconds in all; HttpError when there is no whole answer."""
    watch = _Watch(timeout)
    try:
        with (
            watch.kept(),
            _session(watch, url) as session,
            session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as answer,
        ):
            read = _read(answer, size_limit)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        reason = Reason.TIMEOUT if watch.cut else _reason(error)
        raise HttpError(reason, f"{_host(url)}: {_WORDS[reason].format(timeout=timeout)}") from None
    if watch.cut:
        raise HttpError(Reason.TIMEOUT, f"{_host(url)}: {_WORDS[Reason.TIMEOUT].format(timeout=timeout)}")
    if read is None:
        raise HttpError(Reason.BAD_CONTENT, f"{_host(url)}: the answer is longer than {size_limit} bytes")
    return Answer(answer.status_code, answer.headers, read)


def _read(answer: requests.Response, limit: int) -> bytes | None:
    """The body as it came, or None when it exceeds the limit."""
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


class _Watch:
    """Shuts down the connections of one exchange when its time is up."""

    def __init__(self, timeout: float) -> None:
        self.cut = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(timeout, self._shut)
        self._timer.daemon = True

    def add(self, sock: socket.socket) -> None:
        """Watch a connection; by a duplicate, because TLS takes the first socket object over."""
        with self._lock:
            self._sockets.append(sock.dup())
        if self.cut:
            self._shut()

    @contextmanager
    def kept(self) -> Iterator[None]:
        self._timer.start()
        try:
            yield
        finally:
            self._timer.cancel()
            with self._lock:
                for sock in self._sockets:
                    sock.close()
                self._sockets.clear()

    def _shut(self) -> None:
        with self._lock:
            self.cut = True
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def _session(watch: _Watch, url: str) -> requests.Session:
    session = requests.Session()
    user, password = get_auth_from_url(url)
    session.auth = HTTPBasicAuth(user, password) if user else _no_auth
    adapter = _Adapter(watch)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Set so that `requests` does not look into `.netrc`."""
    return request


class _Adapter(HTTPAdapter):
    """Connects so that the watch knows each socket, also towards a proxy and before TLS."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _pools(self._watch)
        return manager


def _pools(watch: _Watch) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            watch.add(sock)
            return sock

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            watch.add(sock)
            return sock

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


_WORDS = {
    Reason.TIMEOUT: "no whole answer within {timeout:g} s",
    Reason.TCP_TIMEOUT: "no connection within {timeout:g} s",
    Reason.TCP_REFUSED: "the connection was refused",
    Reason.TCP_UNREACHABLE: "there is no way to the host",
    Reason.TCP_RESET: "the connection was reset",
    Reason.DNS: "the name does not resolve",
    Reason.TLS_EXPIRED: "its certificate has expired",
    Reason.TLS_HOSTNAME: "its certificate is for another name",
    Reason.TLS_UNTRUSTED: "its certificate is not trusted here; add its CA to the system or to REQUESTS_CA_BUNDLE",
    Reason.TLS_NOT_OFFERED: "it does not speak TLS",
    Reason.CLOSED: "the connection was closed before the answer was whole",
    Reason.BAD_CONTENT: "the answer is not HTTP",
}


def _reason(error: BaseException) -> Reason:
    """The reason behind whatever `requests` and `urllib3` wrapped, innermost causes first."""
    chain = list(_causes(error))
    for cause in reversed(chain):
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return _tls_reason(cause) if isinstance(cause, ssl.SSLError) else reason
    if any(isinstance(cause, OSError) and cause.errno for cause in chain):
        return Reason.TCP_UNREACHABLE
    return Reason.CLOSED


_REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    (ssl.SSLError, Reason.TLS_UNTRUSTED),
    (RemoteDisconnected, Reason.CLOSED),
    (IncompleteRead, Reason.CLOSED),
    (HTTPException, Reason.BAD_CONTENT),
    (requests.exceptions.ContentDecodingError, Reason.BAD_CONTENT),
    (NameResolutionError, Reason.DNS),
    (socket.gaierror, Reason.DNS),
    (requests.ConnectTimeout, Reason.TCP_TIMEOUT),
    (TimeoutError, Reason.TIMEOUT),
    (ConnectionRefusedError, Reason.TCP_REFUSED),
    (ConnectionResetError, Reason.TCP_RESET),
    (BrokenPipeError, Reason.TCP_RESET),
)


def _tls_reason(error: BaseException) -> Reason:
    """X509_V_ERR_CERT_HAS_EXPIRED is 10, …_HOSTNAME_MISMATCH 62, …_IP_ADDRESS_MISMATCH 64 (OpenSSL x509_vfy.h)."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Reason.TLS_NOT_OFFERED
    return {10: Reason.TLS_EXPIRED, 62: Reason.TLS_HOSTNAME, 64: Reason.TLS_HOSTNAME}.get(
        error.verify_code, Reason.TLS_UNTRUSTED
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: as cause, as context, as `reason` or among its arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
