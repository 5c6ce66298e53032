"""Addresses in one spelling."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def plain(address: str) -> IPv4Address | IPv6Address:
    """Without its zone; an IPv4 address that came in over IPv6 is that IPv4 address. Raises ValueError."""
    parsed = ip_address(address.partition("%")[0])
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed
