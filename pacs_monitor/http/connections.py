"""Connections that are watched: each phase is timed, and all of them end when the time of the exchange is up."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPResponse
from time import monotonic
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pacs_monitor.http.response import HttpError
from pacs_monitor.model import Address, Phase, Reason, Tls
from pacs_monitor.net import EXPIRY, Trace, certificates
from pacs_monitor.net.connection import connect_failure, most_specific
from pacs_monitor.net.tls import fresh_context


class Watch:
    """One exchange: opens its connections, and shuts them down when its time is up."""

    def __init__(self, timeout: float, trace: Trace, addresses: Sequence[Address], *, by_proxy: bool) -> None:
        self.trace = trace
        self.cut = False
        self._by_proxy = by_proxy
        self._addresses, self._end = addresses, monotonic() + timeout
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(timeout, self._shut)
        self._timer.daemon = True

    def connect(self, host: str, port: int) -> socket.socket:
        """The first of the known addresses that answers, or of the name's; a silent one takes its share of the time."""
        addresses = self._addresses or self._resolved(host, port)
        self.trace.begin(Phase.CONNECT)
        failures = []
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max(self._end - monotonic(), 0.001) / left
            try:
                sock = socket.create_connection(address, share)
            except OSError as error:
                failures.append(connect_failure(address, error, share))
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(max(self._end - monotonic(), 0.001))
                self._add(sock)
                return sock
        reason, detail = most_specific(failures)
        if self._by_proxy:
            reason, detail = Reason.NOT_MEASURED, f"no request was sent, because the proxy failed: {detail}"
        raise HttpError(reason, detail, self.trace)

    def secured(self, connection: Any) -> None:
        """The TLS handshake is over."""
        expiry = certificates.shown_by(connection if isinstance(connection, ssl.SSLSocket) else None)
        if expiry is not None:
            self.trace.measure(EXPIRY.name, expiry)

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

    def _resolved(self, host: str, port: int) -> list[Address]:
        self.trace.begin(Phase.RESOLVE)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError):
            detail = f"{Address(host, port)}: the name does not resolve"
            raise HttpError(Reason.DNS, detail, self.trace) from None
        return [Address(str(entry[4][0]), port) for entry in found]

    def _add(self, sock: socket.socket) -> None:
        """Watch a connection; by a duplicate, because TLS takes the first socket object over."""
        with self._lock:
            self._sockets.append(sock.dup())
        if self.cut:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            self.cut = True
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class Adapter(HTTPAdapter):
    """Connects by a watch, also towards a proxy; with `tls`, trusts by it alone."""

    def __init__(self, watch: Watch, tls: Tls | None) -> None:
        self._pools = _pools(watch)
        self._trust: dict[str, Any] = {} if tls is None else _trust(tls)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **(kwargs | self._trust))
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **(kwargs | self._trust))
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """`requests` would add the authorities of its own bundle."""
        if not self._trust:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # types-requests has it not


def _trust(tls: Tls) -> dict[str, Any]:
    context = {"ssl_context": fresh_context(tls)}
    return context if tls.server_name is None else {**context, "server_hostname": tls.server_name}


def _pools(watch: Watch) -> dict[str, type[HTTPConnectionPool]]:
    class FinalResponse(HTTPResponse):
        """Skips every answer that is not the final one (RFC 9110 15.2); http.client itself skips 100 alone.

        However many come, and wait in the socket's buffer when it is shut, reading ends with the time of the exchange.
        """

        def begin(self) -> None:
            super().begin()
            while self.status < HTTPStatus.OK:
                if watch.cut:
                    raise TimeoutError
                self.headers = None  # type: ignore[assignment]  # as before the first answer, to read another one
                super().begin()

    class Plain(HTTPConnection):
        response_class = FinalResponse

        def _new_conn(self) -> socket.socket:
            sock = watch.connect(self.host, self.port)
            watch.trace.begin(Phase.OPERATION)
            return sock

    class Secure(HTTPSConnection):
        response_class = FinalResponse

        def _new_conn(self) -> socket.socket:
            sock = watch.connect(self.host, self.port)
            if not self.proxy_is_tunneling:
                watch.trace.begin(Phase.TLS)
            return sock

        def _tunnel(self) -> None:
            super()._tunnel()
            watch.trace.begin(Phase.TLS)

        def connect(self) -> None:
            super().connect()
            watch.secured(self.sock)
            watch.trace.begin(Phase.OPERATION)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
