"""Addresses as they compare: one spelling for each."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Where a connection to the unspecified address ends."""


def plain(address: str) -> IPv4Address | IPv6Address:
    """Without its zone; an IPv4 address that came in over IPv6 is that IPv4 address. Raises ValueError."""
    parsed = ip_address(address.partition("%")[0])
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


@lru_cache(4096)
def canonical(host: str) -> str:
    """One spelling for all that are one host without asking a name server.

    IPv6 as RFC 5952 writes it, with its zone; an IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2) or written as C reads
    it (`127.1`, `2130706433`: inet_aton(3)) in dotted decimal; a name in lower case and without its last dot (RFC 4343,
    RFC 1034 3.1).
    """
    try:
        parsed = ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        try:
            return str(IPv4Address(socket.inet_aton(name))) if name.isascii() and " " not in name else name
        except (OSError, ValueError):
            return name
    address = str((isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed)
    return _THIS_MACHINE.get(address, address)


def block(address: str) -> str:
    """What one sender surely holds: an IPv4 address, or the /64 of an IPv6 address (RFC 6177 2)."""
    try:
        parsed = plain(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address) or parsed.is_loopback:
        return str(parsed)
    return str(ip_network((parsed, 64), strict=False))
