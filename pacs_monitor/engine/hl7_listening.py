"""Our own MLLP listener, for whoever runs checks: started when it is configured, missed by the checks else."""

from __future__ import annotations

import logging
import ssl

from pacs_monitor.config.sections import Hl7Listener, ListenerTls
from pacs_monitor.hl7.listener import Listener
from pacs_monitor.model import Clock

log = logging.getLogger(__name__)


async def listen_hl7(settings: Hl7Listener, clock: Clock) -> Listener | None:
    """The listener of `monitor.hl7_listener`; None when it cannot listen."""
    host, port = settings.listen
    receiver = settings.receiving_application, settings.receiving_facility
    try:
        tls = _context(settings.tls) if settings.tls else None
        listener = Listener(clock, receiver, settings.sources, host=host, port=port, tls=tls)
        await listener.start()
    except OSError as error:
        why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        log.error("no HL7 listener at %s:%d (%s): checks that need it cannot run", host, port, why)
        return None
    return listener


def _context(settings: ListenerTls) -> ssl.SSLContext:
    """Asks senders for a certificate where there is an authority to check it by (IHE ATNA wants both sides to)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.cert, settings.key, password="")
    if settings.ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(settings.ca)
    return context
