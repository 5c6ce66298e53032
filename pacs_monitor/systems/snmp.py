"""Anything that speaks SNMP: storages and state of a host (HOST-RESOURCES-MIB), interfaces of a switch (IF-MIB).

It wants the extra `snmp`: `pip install 'pacs-monitor[snmp]'`. A `community` asks by version 2c, a `username` by version
3; a read-only view of 1.3.6.1.2.1 (and of 1.3.6.1.4.1.2021 for the load) is enough. Who gets a wrong community is met
with silence: it cannot be told from a host that is off.

Volumes are fixed and network disks, by hrStorageDescr (of Windows, as `C:\\`, without label and serial number). Sizes
beyond 32 bits, which some agents let wrap, are put right as far as it can be known.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from pacs_monitor.fields import Port, Secret, Settings
from pacs_monitor.model import Address, Node, Phase, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Passage, resolve
from pacs_monitor.systems.answers import HostState, Interface, Volume
from pacs_monitor.systems.forms import read_as

TRIES = 3
MOST = 4096
"""Rows of a table."""
_TYPE, _DESCR, _UNITS, _SIZE, _USED = (f"1.3.6.1.2.1.25.2.3.1.{column}" for column in range(2, 7))
_FIXED, _NETWORK = "1.3.6.1.2.1.25.2.1.4", "1.3.6.1.2.1.25.2.1.10"
_FS_ACCESS, _FS_STORAGE = "1.3.6.1.2.1.25.3.8.1.5", "1.3.6.1.2.1.25.3.8.1.7"
_PROCESSOR, _RUNNING, _LOAD = "1.3.6.1.2.1.25.3.3.1.2", "1.3.6.1.2.1.25.4.2.1.2", "1.3.6.1.4.1.2021.10.1.3"
_IF, _IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
_HOST_MIB = ("an agent that keeps to HOST-RESOURCES-MIB", "SNMP")
_UP = 1
_WRAP = 1 << 32
_REFUSALS = ("WrongDigest", "UnknownUserName", "UnsupportedSecurityLevel", "DecryptionError", "AuthenticationFailure")


class SnmpSettings(Settings):
    port: Port = 161
    """UDP port."""
    community: Secret | None = None
    """Version 2c; or community_file."""
    username: str | None = None
    """Version 3: the user (RFC 3414)."""
    auth: Literal["md5", "sha", "sha256", "sha512"] = "sha"
    """Version 3: how the user proves who he is."""
    auth_password: Secret | None = None
    """Version 3; or auth_password_file. Without it nothing is proved."""
    priv: Literal["des", "aes", "aes256"] = "aes"
    """Version 3: how messages are encrypted."""
    priv_password: Secret | None = None
    """Version 3; or priv_password_file. Without it nothing is encrypted."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.community is None) == (self.username is None):
            raise ValueError("give either community (version 2c) or username (version 3)")
        if self.priv_password and not self.auth_password:
            raise ValueError("priv_password needs auth_password")
        return self


class Snmp:
    kind: ClassVar[str] = "snmp"
    settings: ClassVar[type[SnmpSettings]] = SnmpSettings

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings

    async def volumes(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        columns = (_TYPE, _DESCR, _UNITS, _SIZE, _USED, _FS_STORAGE, _FS_ACCESS)
        types, names, units, sizes, used, storages, access = await self._columns(columns, node, ctx, passage)
        read_only = {str(storage) for row, storage in storages.items() if access.get(row) == 2}
        with read_as(*_HOST_MIB, passage):
            rows = [row for row, kind in types.items() if kind in (_FIXED, _NETWORK) and row in names]
            return [
                volume_of(names[row], units[row], sizes[row], used[row], read_only=row in read_only) for row in rows
            ]

    async def interfaces(self, node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Interface]:
        old = [f"{_IF}.{column}" for column in (2, 7, 8, 14, 20, 13, 19, 10, 16)]
        new = [f"{_IFX}.{column}" for column in (1, 6, 10, 15)]
        found = await self._columns([*old, *new], node, ctx, passage)
        descr, admin, oper, errors_in, errors_out, drops_in, drops_out, octets_in, octets_out = found[:9]
        names, wide_in, wide_out, speed = found[9:]
        return [
            Interface(
                name=str(names.get(row) or descr.get(row) or row),
                enabled=admin[row] == _UP,
                up=oper.get(row) == _UP,
                errors=errors_in.get(row, 0) + errors_out.get(row, 0),
                discards=drops_in.get(row, 0) + drops_out.get(row, 0),
                octets_in=wide_in.get(row, octets_in.get(row, 0)),
                octets_out=wide_out.get(row, octets_out.get(row, 0)),
                speed=speed[row] * 1_000_000 if speed.get(row) else None,
            )
            for row in admin
        ]

    async def host(self, services: Collection[str], node: Node, ctx: ProbeContext, passage: Passage) -> HostState:
        if services:
            raise passage.failure(Reason.NOT_CONFIGURED, "SNMP tells programs, not services: name those instead")
        columns = (_DESCR, _UNITS, _SIZE, _USED, _PROCESSOR, _RUNNING, _LOAD)
        names, units, sizes, used, cpus, running, load = await self._columns(columns, node, ctx, passage)
        with read_as(*_HOST_MIB, passage):
            stored = {names[row]: (sizes[row] * units[row], used[row] * units[row]) for row in sizes if row in names}
            total, _ = stored.get("Physical memory", (None, 0))
            available, taken = stored.get("Available memory", (None, 0))
            return HostState(
                memory=total,
                memory_available=None if available is None else available - taken,
                load=float(load["1"]) if "1" in load else None,
                cpus=len(cpus) or None,
                processes=Counter(map(str, running.values())),
            )

    async def _columns(
        self, columns: Sequence[str], node: Node, ctx: ProbeContext, passage: Passage
    ) -> list[dict[str, Any]]:
        """Of each column its rows, by index; raises NetFailure."""
        if not node.host:
            raise passage.failure(Reason.NOT_CONFIGURED, f"node {node.name} has no host")
        address = Address(node.host, self._settings.port)
        remote = (await resolve(address, ctx.resolver, ctx.deadline, passage))[0]
        passage.begin(Phase.OPERATION)
        try:
            pysnmp = await ctx.ours(ctx.blocking(lambda: import_module("pysnmp.hlapi.v3arch.asyncio")))
            engine = await ctx.ours(ctx.blocking(pysnmp.SnmpEngine))
        except ImportError:
            detail = "SNMP is not installed here: pip install 'pacs-monitor[snmp]'"
            raise passage.failure(Reason.NOT_CONFIGURED, detail) from None
        try:
            async with asyncio.timeout_at(ctx.deadline):
                share = max(ctx.deadline - ctx.clock.monotonic(), 0.0) / (TRIES + 1)
                transport = pysnmp.Udp6TransportTarget if ":" in remote.host else pysnmp.UdpTransportTarget
                target = await transport.create(remote, timeout=share, retries=TRIES - 1)
                who = _credentials(pysnmp, self._settings)
                return [await _walk(pysnmp, (engine, who, target), column, address, passage) for column in columns]
        except TimeoutError:
            raise _silence(address, passage) from None
        finally:
            engine.close_dispatcher()


def _silence(address: Address, passage: Passage) -> NetFailure:
    detail = f"{address} did not answer by SNMP in time: off, filtered on the way, or it does not know our community"
    return passage.failure(Reason.TCP_TIMEOUT, detail)


async def _walk(
    pysnmp: Any, asking: tuple[Any, ...], column: str, address: Address, passage: Passage
) -> dict[str, Any]:
    """One column of a table, by GETBULK."""
    begin, found = pysnmp.ObjectType(pysnmp.ObjectIdentity(column)), {}
    walk = pysnmp.bulk_walk_cmd(
        *asking, pysnmp.ContextData(), 0, 25, begin, lexicographicMode=False, lookupMib=False, maxRows=MOST
    )
    async for failed, status, _, rows in walk:
        if failed or status:
            raise _failure(type(failed).__name__, address, passage)
        for name, value in rows:
            found[str(name).removeprefix(f"{column}.")] = _plain(value)
    return found


def _failure(name: str, address: Address, passage: Passage) -> NetFailure:
    if name == "RequestTimedOut":
        return _silence(address, passage)
    if name in _REFUSALS:
        return passage.failure(Reason.AUTH, f"{address} refuses our SNMP user or password")
    return passage.failure(Reason.BAD_CONTENT, f"{address} answered by SNMP with an error ({name})")


def _credentials(pysnmp: Any, settings: SnmpSettings) -> Any:
    if settings.community is not None:
        return pysnmp.CommunityData(settings.community.get_secret_value(), mpModel=1)
    auth = {"md5": "HMACMD5", "sha": "HMACSHA", "sha256": "HMAC192SHA256", "sha512": "HMAC384SHA512"}[settings.auth]
    priv = {"des": "DESPriv", "aes": "AesCfb128", "aes256": "AesCfb256"}[settings.priv]
    proofs: dict[str, Any] = {}
    if settings.auth_password:
        proofs["authKey"] = settings.auth_password.get_secret_value()
        proofs["authProtocol"] = getattr(pysnmp, f"usm{auth}AuthProtocol")
    if settings.priv_password:
        proofs["privKey"] = settings.priv_password.get_secret_value()
        proofs["privProtocol"] = getattr(pysnmp, f"usm{priv}Protocol")
    return pysnmp.UsmUserData(settings.username, **proofs)


def _plain(value: Any) -> Any:
    """A number, or a text; an OBJECT IDENTIFIER in digits."""
    if type(value).__name__ in ("OctetString", "DisplayString"):
        return bytes(value).decode(errors="replace").rstrip("\0")
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value)


def volume_of(name: str, unit: int, size: int, used: int, *, read_only: bool = False) -> Volume:
    """Integer32 shows what lies above as negative, and loses what lies above 32 bits: more than all cannot be used."""
    size, used = size % _WRAP, used % _WRAP
    if used > size:
        size += _WRAP
    return Volume(_short(name), used * unit, (size - used) * unit, read_only=read_only)


def _short(name: str) -> str:
    """`C:\\ Label:System  Serial Number 1a2b3c4d` is `C:\\`."""
    return name.partition(" Label:")[0]
