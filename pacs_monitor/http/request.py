"""HTTP as probes ask it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pacs_monitor.http.access import NOBODY, Access
from pacs_monitor.http.exchange import SIZE_LIMIT, address_of, send
from pacs_monitor.http.response import HttpError, Response
from pacs_monitor.model import Address, ProbeContext, Reason, Tls
from pacs_monitor.net import EXPIRY, NetFailure, Trace, certificates, refusal_behind, resolve
from pacs_monitor.net.protocols import WRONG

_ABOUT_A_CERTIFICATE = (Reason.TLS_EXPIRED, Reason.TLS_HOSTNAME, Reason.TLS_UNTRUSTED)
_WANTS_TLS = re.compile(
    rb"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled server port"
    rb"|HTTP request to an HTTPS server|combination of host and port requires TLS"
)
"""How nginx, Apache httpd, Go's net/http and Tomcat answer plain HTTP on a port for TLS, all with 400."""
_LOST = (Reason.CLOSED, Reason.TCP_RESET)


async def request(
    method: str,
    url: str,
    ctx: ProbeContext,
    trace: Trace,
    *,
    access: Access = NOBODY,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    size_limit: int = SIZE_LIMIT,
    kept: float = 0.0,
) -> Response:
    """One exchange until the run's deadline, or `kept` seconds before; raises NetFailure. It begins with its thread.

    Straight to the node, or through the proxy of `access`: one that cannot be reached is no fault of the node.
    """
    until = ctx.deadline - kept
    secure = url.startswith("https:")
    tls = access.tls or (Tls() if secure else None)
    address = address_of(url)
    addresses = await resolve(address_of(access.proxy or url), ctx.resolver, until, trace)

    left = until - ctx.clock.monotonic()
    if left <= 0:
        raise trace.failure(Reason.TIMEOUT, f"{address} could not be queried again: no time was left")

    def exchange() -> Response:
        nonlocal until
        until = ctx.clock.monotonic() + left
        return send(
            method,
            url,
            timeout=left,
            headers=headers,
            body=body,
            size_limit=size_limit,
            access=replace(access, tls=tls),
            addresses=addresses,
            trace=trace,
        )

    try:
        answer = await ctx.blocking(exchange)
        if not secure and answer.status == 400 and _WANTS_TLS.search(answer.body):
            detail = f"{WRONG} write https:// instead of http://: {address} speaks TLS on this port"
            raise HttpError(Reason.BAD_CONTENT, detail, trace)
        return answer
    except NetFailure as failure:
        if tls is None or access.proxy:
            raise
        raise await _looked_into(failure, address, addresses[0].host, tls, until) from None


async def _looked_into(failure: NetFailure, address: Address, host: str, tls: Tls, deadline: float) -> NetFailure:
    """What another handshake can add: when a certificate that failed expires, or that it is ours that was refused."""
    name = tls.server_name or address.host
    if failure.reason in _LOST:
        return await refusal_behind(
            failure, address, Address(host, address.port), name=name, tls=tls, deadline=deadline
        )
    expiry = None
    if failure.reason in _ABOUT_A_CERTIFICATE:
        expiry = await certificates.shown_at(host, address.port, name, tls, deadline)
    if expiry is None:
        return failure
    failure.trace.measure(EXPIRY.name, expiry)
    return HttpError(failure.reason, f"{failure.detail}; {certificates.until(expiry)}", failure.trace)
