"""TLS over a connected transport, each failure with its Reason."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache

from pacs_monitor.model import Address, Phase, Reason, Tls
from pacs_monitor.net.passage import NetFailure, Passage

SHUTDOWN_WITHIN = 1.0
"""Seconds for the peer's close_notify (RFC 8446 6.1) after ours; then the connection is dropped."""
_EXPIRED = 10
_WRONG_NAME = (62, 64)
"""X509_V_ERR_CERT_HAS_EXPIRED, …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH of OpenSSL's x509_vfy.h."""


async def secure(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    tls: Tls,
    address: Address,
    *,
    deadline: float,
    passage: Passage,
) -> asyncio.Transport:
    """The transport to go on with; raises NetFailure, and leaves no socket behind whatever happens."""
    passage.begin(Phase.TLS)
    name = tls.server_name or address.host
    try:
        async with asyncio.timeout_at(deadline):
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                protocol,
                client_context(tls),
                server_hostname=name,
                ssl_shutdown_timeout=SHUTDOWN_WITHIN,
            )
    except (OSError, ssl.SSLError) as error:
        transport.abort()
        raise _failure(error, address, name, passage) from None
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise passage.failure(Reason.TLS_NOT_OFFERED, f"{address} closed the connection in the TLS handshake")
    passage.end()
    return secured


@lru_cache(1024)
def client_context(tls: Tls) -> ssl.SSLContext:
    """Verifies the peer by `ca`, or the system's trust store, and shows our certificate where there is one."""
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context


def _failure(error: OSError, address: Address, name: str, passage: Passage) -> NetFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _EXPIRED:
            return passage.failure(Reason.TLS_EXPIRED, f"the certificate of {address} has expired")
        if error.verify_code in _WRONG_NAME:
            return passage.failure(Reason.TLS_HOSTNAME, f"the certificate of {address} is not made out to {name}")
        return passage.failure(Reason.TLS_UNTRUSTED, f"the certificate of {address} is not signed by a CA trusted here")
    if isinstance(error, TimeoutError):
        return passage.failure(Reason.TLS_TIMEOUT, f"{address} did not finish the TLS handshake in time")
    if isinstance(error, FileNotFoundError | PermissionError):
        return passage.failure(Reason.NOT_CONFIGURED, f"a file under tls cannot be read: {error.strerror}")
    return passage.failure(
        Reason.TLS_NOT_OFFERED, f"{address} does not speak TLS on this port, or accepts none of our versions"
    )
