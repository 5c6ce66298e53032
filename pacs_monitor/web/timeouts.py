"""How long the server waits for whom: uvicorn's own time-out runs only between an answer and the next byte.

So whoever connects and says nothing, or says it byte by byte, would keep a descriptor for ever, and the probes need
descriptors too. uvicorn's `limit_concurrency` closes nothing: it would turn the scrapes away and keep the silent ones.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from pacs_monitor.net.admission import Connection, Limits, RefusalCause

REQUEST_WITHIN = 10
"""Seconds for the head of a request, from the connection or the answer before."""
LIMITS = Limits(known=128, strangers=192, per_address=64)
"""Connections of this machine itself, and of all others; those that ask for nothing just now give way to others."""


class RequestTimeoutProtocol(H11Protocol):
    """uvicorn's protocol over h11, which limits headers; `timeout_keep_alive` runs until a request's head is there."""

    def __init__(self, connection: Connection, **more: Any) -> None:
        super().__init__(**more)
        self._connection = connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn says it
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As in uvicorn, but that any data would end the time-out: a whole head does, in `handle_events`."""
        self.conn.receive_data(data)
        self.handle_events()

    def handle_events(self) -> None:
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._connection.served()

    def _should_upgrade(self) -> bool:
        return False  # a server may ignore Upgrade (RFC 9110 7.8); uvicorn would write two warnings each time

    def on_response_complete(self) -> None:
        self._connection.waits()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self._connection.refused(RefusalCause.STALLED, "it does not read our answers")
            self._connection.abort()  # to close it politely would wait for the peer
        super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        self._connection.refused(RefusalCause.MALFORMED, "it did not send an HTTP request")
        super().send_400_response(msg)
