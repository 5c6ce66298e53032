"""The reason behind whatever `requests`, `urllib3` and `ssl` raised."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Iterator
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected

import requests
from urllib3.exceptions import LocationValueError, NameResolutionError

from pacs_monitor.format.human import duration
from pacs_monitor.model import Address, Phase, Reason, Tls
from pacs_monitor.net.protocols import WRONG, spoken
from pacs_monitor.net.tls import Fault, fault, refusal, refuses_us

_WORDS = {
    Reason.TIMEOUT: "no complete answer within {timeout}",
    Reason.TCP_TIMEOUT: "no connection within {timeout}",
    Reason.TCP_REFUSED: "the connection was refused",
    Reason.TCP_UNREACHABLE: "there is no route to the host",
    Reason.TCP_RESET: "the connection was reset (wrong port or protocol?)",
    Reason.DNS: "the name does not resolve",
    Reason.TLS_TIMEOUT: "the TLS handshake was not completed within {timeout}",
    Reason.CLOSED: "the connection was closed before the answer was complete (wrong port or protocol?)",
    Reason.NOT_CONFIGURED: "no request was sent, because url, headers and account do not make a valid one",
    Reason.BAD_CONTENT: "wrong port or protocol? The answer is not HTTP (a TLS port needs https://)",
}
_NO_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
"""How http.client words it."""
_CUT = {Phase.RESOLVE: Reason.TCP_TIMEOUT, Phase.CONNECT: Reason.TCP_TIMEOUT, Phase.TLS: Reason.TLS_TIMEOUT}
_UNSENDABLE = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    LocationValueError,
    UnicodeError,
)
"""What is raised before anything is sent."""
_REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    *((kind, Reason.NOT_CONFIGURED) for kind in _UNSENDABLE),
    (RemoteDisconnected, Reason.CLOSED),
    (IncompleteRead, Reason.CLOSED),
    (HTTPException, Reason.BAD_CONTENT),
    (requests.exceptions.ContentDecodingError, Reason.BAD_CONTENT),
    (NameResolutionError, Reason.DNS),
    (socket.gaierror, Reason.DNS),
    (TimeoutError, Reason.TIMEOUT),
    (ConnectionResetError, Reason.TCP_RESET),
    (BrokenPipeError, Reason.TCP_RESET),
)


def explain(error: BaseException, address: Address, phase: Phase, timeout: float, tls: Tls | None) -> Fault:
    """Why an exchange failed in this phase."""
    chain = list(_causes(error))
    if refused := next((found for cause in chain if (found := _NO_TUNNEL.search(str(cause)))), None):
        return _of_proxy(int(refused[1]), address)
    secure = [cause for cause in chain if isinstance(cause, ssl.SSLError)]
    if secure:
        return _of_tls(secure[-1], address, phase, tls)
    reason = _reason(chain)
    if reason is Reason.BAD_CONTENT and (begins := _instead_of_a_status(chain)):
        return _of_another_protocol(begins, address)
    return of_cut(address, phase, timeout) if reason is Reason.TIMEOUT else _worded(reason, address, timeout)


def _instead_of_a_status(chain: Iterable[BaseException]) -> bytes:
    """What came in place of a status line (RFC 9112 4)."""
    lines = (str(cause.args[0]) for cause in chain if isinstance(cause, BadStatusLine) and cause.args)
    return next(lines, "").encode("latin-1", "replace")


def _of_another_protocol(begins: bytes, address: Address) -> Fault:
    other = spoken(begins)
    if other == "TLS":
        return Fault(
            Reason.BAD_CONTENT, f"{WRONG} write https:// instead of http://: {address} speaks TLS on this port"
        )
    what = f"speaks {other} on this port, not HTTP" if other else "answers our request with something that is not HTTP"
    return Fault(Reason.BAD_CONTENT, f"{WRONG} {address} {what}")


def _of_proxy(status: int, address: Address) -> Fault:
    """What a proxy means that answers our CONNECT with another status than 2xx (RFC 9110 9.3.6)."""
    if status == 407:
        return Fault(Reason.AUTH, f"the proxy requires an account for {address} (407)")
    if status >= 500:
        return Fault(Reason.TCP_UNREACHABLE, f"the proxy cannot connect to {address} (it answered {status})")
    return Fault(Reason.NOT_CONFIGURED, f"the proxy does not allow connections to {address} (it answered {status})")


def of_cut(address: Address, phase: Phase, timeout: float) -> Fault:
    """The time was up in this phase."""
    return _worded(_CUT.get(phase, Reason.TIMEOUT), address, timeout)


def _worded(reason: Reason, address: Address, timeout: float) -> Fault:
    return Fault(reason, f"{address}: {_WORDS[reason].format(timeout=duration(timeout))}")


def _of_tls(error: ssl.SSLError, address: Address, phase: Phase, tls: Tls | None) -> Fault:
    if refuses_us(error):
        return refusal(address)
    if phase is not Phase.TLS:
        return Fault(Reason.CLOSED, f"{address}: the TLS connection broke before the answer was complete")
    found = fault(error, address, (tls and tls.server_name) or address.host)
    if found.reason is Reason.TLS_UNTRUSTED and tls is None:
        return Fault(found.reason, f"add its CA to the system or to REQUESTS_CA_BUNDLE: {found.detail}")
    return found


def _reason(chain: list[BaseException]) -> Reason:
    """Innermost causes first."""
    for cause in reversed(chain):
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return reason
    return Reason.CLOSED


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: as cause, as context, as `reason` or among its arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]
