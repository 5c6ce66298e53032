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
from pacs_monitor.config.sections import ServerTls
from pacs_monitor.model import PacsMonitorError
from pacs_monitor.web.patience import REQUEST_WITHIN, PatientForSoLong

log = logging.getLogger(__name__)
CLOSE_WITHIN = 2
"""Seconds for open requests to end when the server stops."""


class ListenError(PacsMonitorError):
    """The address of `monitor.listen` cannot be bound."""


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # the daemon owns the signals


class WebServer:
    """Binds at once, so that a taken port is an error at start; serves until stopped."""

    def __init__(self, app: FastAPI, settings: MonitorSettings) -> None:
        self._socket = _bind(*settings.listen)
        self._tls: ssl.SSLContext | None = settings.tls.context() if settings.tls else None
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=PatientForSoLong,
            timeout_keep_alive=REQUEST_WITHIN,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=CLOSE_WITHIN,
        )
        config.load()
        config.ssl = self._tls
        self._server = _Quiet(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[self._socket]))

    def renew(self, tls: ServerTls | None) -> list[str]:
        """Read the certificate's files again; what went wrong."""
        return tls.read_again_into(self._tls) if tls and self._tls else []

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ListenError(
            f"monitor.listen {host}:{port} cannot be used: {error.strerror}; is another daemon running?"
        ) from None
    listener.setblocking(False)
    return listener
