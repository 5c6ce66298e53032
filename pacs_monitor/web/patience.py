"""How long the server waits for whom: uvicorn's own time-out runs only between an answer and the next byte.

So whoever connects and says nothing, or says it byte by byte, would keep a descriptor for ever, and the probes need
descriptors too. uvicorn's `limit_concurrency` closes nothing: it would turn the scrapes away and keep the silent ones.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_WITHIN = 10
"""Seconds for the head of a request, from the connection or the answer before."""
AT_ONCE = 256
"""Connections; one more is dropped."""


class PatientForSoLong(H11Protocol):
    """uvicorn's protocol over h11, which limits headers; `timeout_keep_alive` runs until a request's head is there."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn says it
        super().connection_made(transport)
        if len(self.connections) > AT_ONCE:
            transport.abort()
            return
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """As in uvicorn, but that any data would end the time-out: a whole head does, in `handle_events`."""
        self.conn.receive_data(data)
        self.handle_events()
