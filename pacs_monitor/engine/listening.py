"""Our own DICOM listener, for whoever runs checks: started when it is configured, missed by the checks else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from pacs_monitor.dicom.acceptor import Listener, known_nodes
from pacs_monitor.model import Node, Resolver

log = logging.getLogger(__name__)


async def listen(
    ae_title: str,
    address: tuple[str, int],
    *,
    nodes: Callable[[], Iterable[Node]],
    ours: Callable[[str], Awaitable[bool]],
    resolver: Resolver,
) -> Listener | None:
    """A listener for these nodes and for what the ledger holds; None when the address cannot be listened on."""
    host, port = address
    listener = Listener(ae_title, known=known_nodes(nodes, resolver), ours=ours, host=host, port=port)
    try:
        await listener.start()
    except OSError as error:
        log.error("no DICOM listener at %s:%d (%s): checks that need it cannot run", host, port, error.strerror)
        return None
    return listener
