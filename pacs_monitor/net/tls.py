"""TLS over a connected transport, each failure with its Reason."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pacs_monitor.model import Address, Phase, Reason, Tls
from pacs_monitor.net import certificates
from pacs_monitor.net.protocols import WRONG
from pacs_monitor.net.trace import NetFailure, Trace

SHUTDOWN_WITHIN = 1.0
"""Seconds for the peer's close_notify (RFC 8446 6.1) after ours; then the connection is dropped."""
_NOT_YET = 9
_EXPIRED = 10
_WRONG_NAME = (62, 64)
"""X509_V_ERR_CERT_NOT_YET_VALID, …_CERT_HAS_EXPIRED, …_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH of OpenSSL's
x509_vfy.h."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
"""OpenSSL's words for bytes that are no TLS record (RFC 8446 5.1)."""
_OUR_CERTIFICATE = re.compile(
    r"ALERT_(NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN|REQUIRED)"
    r"|UNKNOWN_CA|ACCESS_DENIED)$"
)
"""The alerts (RFC 8446 6.2) for a refused or missing client certificate, in OpenSSL's words."""


class Fault(NamedTuple):
    reason: Reason
    detail: str


async def secure(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    tls: Tls,
    address: Address,
    *,
    deadline: float,
    trace: Trace,
) -> asyncio.Transport:
    """The transport to go on with; raises NetFailure, and leaves no socket behind whatever happens.

    The trace learns when the peer's certificate expires, also when that is what the handshake failed for.
    """
    trace.begin(Phase.TLS)
    name = tls.server_name or address.host
    host = (transport.get_extra_info("peername") or address)[0]
    try:
        async with asyncio.timeout_at(deadline):
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                protocol,
                client_context(tls),
                server_hostname=name,
                ssl_shutdown_timeout=SHUTDOWN_WITHIN,
            )
    except NetFailure as failure:
        transport.abort()
        raise trace.failure(failure.reason, failure.detail) from None
    except (OSError, ssl.SSLError) as error:
        transport.abort()
        trace.end()
        expiry = await _expiry_of_refused(error, Address(host, address.port), name, tls, deadline)
        _note(trace, expiry)
        reason, detail = fault(error, address, name)
        raise trace.failure(reason, detail if expiry is None else f"{detail}; {certificates.until(expiry)}") from None
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise trace.failure(Reason.TLS_NOT_OFFERED, f"{WRONG} {address} closed the connection during the TLS handshake")
    trace.end()
    _note(trace, certificates.shown_by(secured.get_extra_info("ssl_object")))
    return secured


async def _expiry_of_refused(error: OSError, address: Address, name: str, tls: Tls, deadline: float) -> float | None:
    """When the certificate expires that the handshake failed for, by another one, after the first socket is closed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    await asyncio.sleep(0)
    return await certificates.shown_at(address.host, address.port, name, tls, deadline)


def _note(trace: Trace, expiry: float | None) -> None:
    if expiry is not None:
        trace.measure(certificates.EXPIRY.name, expiry)


def client_context(tls: Tls) -> ssl.SSLContext:
    """The context for a peer, made anew when a file of it has changed; raises NetFailure (`not_configured`)."""
    files = (tls.ca or ssl.get_default_verify_paths().cafile, tls.cert, tls.key)
    try:
        return _kept_context(tls, tuple(_stamp(file) for file in files))
    except OSError as error:
        raise _unusable(error) from None


def fresh_context(tls: Tls) -> ssl.SSLContext:
    """The same, for callers that change it; raises NetFailure (`not_configured`)."""
    try:
        return _context(tls)
    except OSError as error:
        raise _unusable(error) from None


def _unusable(error: OSError) -> NetFailure:
    if isinstance(error, ssl.SSLError):
        why = error.reason or "no certificate found"
        detail = f"correct the files under tls: they do not match each other or are not PEM ({why})"
    else:
        detail = f"a file under tls cannot be read: {error.strerror}"
    return NetFailure(Reason.NOT_CONFIGURED, Phase.TLS, detail)


def _stamp(file: str | None) -> tuple[int, int, int] | None:
    """Changes when a file is written or replaced."""
    if file is None:
        return None
    status = Path(file).stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(1024)
def _kept_context(tls: Tls, _stamps: tuple[tuple[int, int, int] | None, ...]) -> ssl.SSLContext:
    return _context(tls)


def _context(tls: Tls) -> ssl.SSLContext:
    """Verifies the peer by `ca`, or the system's trust store, and shows our certificate where there is one.

    The empty password makes an encrypted key an error; without it OpenSSL would ask for one on the terminal.
    """
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context


def refuses_us(error: BaseException | None) -> bool:
    """Whether a peer refused our certificate, or that we have none; in TLS 1.3 it says so after the handshake."""
    return isinstance(error, ssl.SSLError) and bool(_OUR_CERTIFICATE.search(error.reason or ""))


def refusal(who: object) -> Fault:
    """What to say of a peer that `refuses_us`."""
    detail = f"check cert and key under tls: {who} rejects our TLS certificate, or requires one and got none"
    return Fault(Reason.AUTH, detail)


async def refusal_behind(
    failure: NetFailure, who: object, address: Address, *, name: str, tls: Tls, deadline: float
) -> NetFailure:
    """The same failure, or the refusal of our certificate that is behind it.

    In TLS 1.3 a peer refuses it after the handshake, while our request is on its way: the reset that answers the
    request can overtake the alert. So another connection says nothing, and waits for the alert alone.
    """
    try:
        async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + SHUTDOWN_WITHIN)):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=client_context(tls), server_hostname=name
            )
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, NetFailure) as error:
        if refuses_us(error):
            reason, detail = refusal(who)
            return NetFailure(reason, failure.phase, detail, failure.trace)
    return failure


def fault(error: OSError, address: Address, name: str) -> Fault:
    """Why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error.verify_code, address, name)
    if isinstance(error, TimeoutError):
        return Fault(Reason.TLS_TIMEOUT, f"{address} did not complete the TLS handshake in time")
    if refuses_us(error):
        return refusal(address)
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return Fault(Reason.TLS_NOT_OFFERED, f"{WRONG} {address} does not speak TLS on this port")
    detail = (
        f"{WRONG} {address} does not speak TLS on this port, or refuses our TLS versions, or requires a client "
        "certificate"
    )
    return Fault(Reason.TLS_NOT_OFFERED, detail)


def _distrust(code: int, address: Address, name: str) -> Fault:
    whose = f"the certificate of {address}"
    if code == _EXPIRED:
        return Fault(Reason.TLS_EXPIRED, f"{whose}, or of a CA that issued it, has expired")
    if code in _WRONG_NAME:
        return Fault(Reason.TLS_HOSTNAME, f"{whose} is not issued for the name {name}")
    if code == _NOT_YET:
        return Fault(Reason.TLS_UNTRUSTED, f"check the clocks of both machines: {whose} is not valid yet")
    return Fault(Reason.TLS_UNTRUSTED, f"{whose} is not signed by a CA trusted here")
