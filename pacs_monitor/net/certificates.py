"""How long the certificate of a TLS peer lasts, whether we trust it or not.

Python's ssl reports the dates of a certificate only after it has verified it, so that just the certificates that have
expired or are not trusted could not be dated. Their bytes can be had by a handshake that verifies nothing, on a
connection that carries nothing else.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from cryptography import x509

from pacs_monitor.format.human import duration
from pacs_monitor.model import SECOND, Measure, Micros, Outcome, Phase, Reason, Status, Tls

EXPIRY = Measure(
    "tls_certificate_expiry_timestamp_seconds",
    "When the certificate that the node presents in the TLS handshake expires, trusted or not.",
)
"""Declared by every probe that may use TLS."""


def not_after(certificate: bytes) -> float | None:
    """The end of a DER certificate's validity (RFC 5280 4.1.2.5), in seconds since the epoch; None if unreadable."""
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        return None


def until(expiry: float) -> str:
    """Seconds since 1970 as the day in UTC."""
    return f"it is valid until {datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"


def shown_by(connection: ssl.SSLObject | ssl.SSLSocket | None) -> float | None:
    """When the certificate of a peer expires with whom the handshake is over."""
    certificate = connection.getpeercert(binary_form=True) if connection else None
    return not_after(certificate) if certificate else None


async def shown_at(host: str, port: int, name: str, tls: Tls, deadline: float) -> float | None:
    """When the certificate expires that a peer shows for `name` (SNI), by a handshake that trusts anything."""
    with suppress(OSError, TimeoutError, ssl.SSLError):
        async with asyncio.timeout_at(deadline):
            _, writer = await asyncio.open_connection(host, port, ssl=_trusting(tls), server_hostname=name)
        writer.transport.abort()
        return shown_by(writer.get_extra_info("ssl_object"))
    return None


def _trusting(tls: Tls) -> ssl.SSLContext:
    """Verifies nothing; it has our certificate, since before TLS 1.3 some peers end the handshake without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context


def warn_before_expiry(outcome: Outcome, within: float, now: Micros) -> Outcome:
    """An outcome that is ok becomes a warning when the certificate has less than `within` seconds left."""
    for measurement in outcome.measurements:
        left = measurement.value - now / SECOND
        if measurement.name == EXPIRY.name and left < within and outcome.status is Status.OK:
            when = f"expires in {duration(left)}" if left > 0 else f"expired {duration(-left)} ago"
            detail = f"the TLS certificate {when}: {until(measurement.value)}"
            expiring = Reason.CERTIFICATE_EXPIRING
            return replace(outcome, status=Status.WARN, reason=expiring, phase=Phase.TLS, detail=detail)
    return outcome
