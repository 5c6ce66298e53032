"""uvicorn in the daemon's loop: it takes no signals, and is stopped last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI

from pacs_monitor.config import MonitorSettings
from pacs_monitor.config.listening import ServerTls
from pacs_monitor.model import PacsMonitorError
from pacs_monitor.net import plain
from pacs_monitor.net.admission import Connection
from pacs_monitor.net.connection_server import Refusals, Server, bind
from pacs_monitor.net.rate_limit import RateLimit
from pacs_monitor.web.timeouts import LIMITS, REQUEST_WITHIN, RequestTimeoutProtocol

log = logging.getLogger(__name__)
CLOSE_WITHIN = 2
"""Seconds for open requests to end when the server stops."""


_FED_BY_STRANGERS = ("uvicorn.error", "asyncio")
_rate_limit = RateLimit()


class ListenError(PacsMonitorError):
    """The address of `monitor.listen` cannot be bound."""


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signals, which the daemon owns, and without its sockets: a Server of ours accepts."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], refusals: Refusals | None) -> None:
        super().__init__(config)
        self.servers = []
        self._sockets = sockets
        self.accepting = Server("HTTP", self._protocol, LIMITS, known=_is_here, tls=config.ssl, refusals=refusals)

    def _protocol(self, connection: Connection) -> RequestTimeoutProtocol:
        app_state = self.lifespan.state
        return RequestTimeoutProtocol(
            connection, config=self.config, server_state=self.server_state, app_state=app_state
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - we have our own
        await self.lifespan.startup()
        self.accepting.start(self._sockets)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.accepting.close()
        await super().shutdown(sockets)
        await self.accepting.abort()


def _is_here(address: str) -> bool:
    """This machine itself has room that others cannot take."""
    return plain(address).is_loopback


class WebServer:
    """Binds at once, so that a taken port is an error at start; serves until stopped."""

    def __init__(self, app: FastAPI, settings: MonitorSettings, refusals: Refusals | None = None) -> None:
        self._sockets = _bind(*settings.listen)
        self._tls: ssl.SSLContext | None = settings.tls.context() if settings.tls else None
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=RequestTimeoutProtocol,  # made by _Uvicorn
            timeout_keep_alive=REQUEST_WITHIN,
            ws="none",
            server_header=False,
            proxy_headers=False,  # by default whoever asks from 127.0.0.1 could claim any other address
            timeout_graceful_shutdown=CLOSE_WITHIN,
        )
        config.load()
        config.ssl = self._tls
        self._server = _Uvicorn(config, self._sockets, refusals)
        self._serving: asyncio.Task[None] | None = None
        for name in _FED_BY_STRANGERS:
            logging.getLogger(name).addFilter(_rate_limit)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._sockets[0].getsockname()[:2]
        return host, port

    def start(self) -> None:
        self._serving = asyncio.get_running_loop().create_task(self._server.serve())

    def renew(self, tls: ServerTls | None) -> list[str]:
        """Read the certificate's files again; what went wrong."""
        return tls.read_again_into(self._tls) if tls and self._tls else []

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        for listening in self._sockets:
            listening.close()


def _bind(host: str, port: int) -> list[socket.socket]:
    try:
        return bind(host, port)
    except OSError as error:
        raise ListenError(
            f"is another daemon running? monitor.listen {host}:{port} cannot be used: {error.strerror}"
        ) from None
