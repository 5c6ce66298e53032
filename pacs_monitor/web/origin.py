"""Where a request comes from, and by which name it asks for us: what browsers and connections cannot hide.

A browser on this machine comes from loopback too, whatever page it shows. It gives itself away: by the Host header when
a foreign name was made to resolve to this machine, by the Origin header when a foreign page asks for something, and by
Sec-Fetch-Site (W3C Fetch Metadata 2.4) when a foreign page loads something, as by an image, or leads there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from pacs_monitor.config import MonitorSettings
from pacs_monitor.config.values import is_loopback
from pacs_monitor.language import N_
from pacs_monitor.net.addresses import plain

FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers by which proxies give themselves away (RFC 7239, RFC 9110 7.6.3, and two by custom)."""
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:@]*))(?::\d*)?")


def is_among(scope: Scope, networks: Collection[str]) -> bool:
    """Whether the peer of the connection, which no header can change, has one of these addresses."""
    client = scope.get("client")
    try:
        address = plain(client[0]) if client else None
    except ValueError:
        return False
    return address is not None and any(address in ip_network(one, strict=False) for one in networks)


def from_our_page(headers: Headers, external: str = "") -> bool:
    """By Origin (RFC 6454 7), which browsers send with every write: the address asked for, or the one of the proxy."""
    ours = urlsplit(external)
    known = {f"{ours.scheme}://{ours.netloc}"} if ours.netloc else set()
    host = headers.get("host", "")
    known |= {f"http://{host}", f"https://{host}"} if host else set()
    return all(origin in known for origin in headers.getlist("origin"))


def names_us(headers: Headers, monitor: MonitorSettings) -> bool:
    """Whether Host is a name of ours, or an address: whoever makes a name of theirs lead here, asks by that name."""
    host = host_of(headers.get("host", "")).lower().rstrip(".")
    with suppress(ValueError):
        return bool(ip_address(host))
    ours = {"localhost", monitor.listen[0].lower(), (urlsplit(monitor.external_url).hostname or "").lower()}
    return host in ours - {""}


def refuse_stranger(scope: Scope, headers: Headers) -> str | None:
    """Why a request is refused without `auth`, or None: only this machine itself is served."""
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return N_("set monitor.auth: without it only this machine itself is served")
    if any(name in headers for name in FORWARDING):
        return N_("set monitor.auth: without it only this machine itself is served, and this comes through a proxy")
    if not is_loopback(host_of(headers.get("host", ""))):
        return N_("without monitor.auth the Host header must be a loopback address or localhost")
    if not from_our_page(headers):
        return N_("without monitor.auth requests from pages of other origins are refused")
    return None


def host_of(header: str) -> str:
    """The host of a Host header (RFC 9110 7.2), without its port and brackets; "" when it is none."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2] or "") if found else ""
