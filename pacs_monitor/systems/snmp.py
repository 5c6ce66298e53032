"""Any SNMP agent: storages and state of a host (HOST-RESOURCES-MIB), interfaces of a switch (IF-MIB).

It needs the extra `snmp`: `pip install 'pacs-monitor[snmp]'`. `community` selects version 2c, `username` version 3; a
read-only view of 1.3.6.1.2.1 (and of 1.3.6.1.4.1.2021 for the load) is enough. An agent does not answer a wrong
community, which looks the same as a host that is off.

Volumes are fixed and network disks, by hrStorageDescr (on Windows as `C:\\`, without label and serial number); other
storages (RAM disks, swap, removable media) are hidden unless they are named. Sizes beyond 31 bits, which agents report
as negative, are corrected; a volume with more used than its size is unknown. Rows with the same name are distinguished
by their index, as `NAME#INDEX`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, model_validator

from pacs_monitor.fields import Port, Secret, Settings
from pacs_monitor.model import Address, Needs, Node, Phase, ProbeContext, Reason
from pacs_monitor.net import NetFailure, Trace, resolve
from pacs_monitor.patterns import one_of
from pacs_monitor.systems.shared.resources import HostState, Interface, Link, Volume
from pacs_monitor.systems.shared.sizes import volume

TRIES = 3
MOST = 4096
"""Rows of a table."""
_TYPE, _DESCR, _UNITS, _SIZE, _USED = (f"1.3.6.1.2.1.25.2.3.1.{column}" for column in range(2, 7))
_FIXED, _NETWORK = "1.3.6.1.2.1.25.2.1.4", "1.3.6.1.2.1.25.2.1.10"
_FS_ACCESS, _FS_STORAGE = "1.3.6.1.2.1.25.3.8.1.5", "1.3.6.1.2.1.25.3.8.1.7"
_PROCESSOR, _RUNNING, _LOAD = "1.3.6.1.2.1.25.3.3.1.2", "1.3.6.1.2.1.25.4.2.1.2", "1.3.6.1.4.1.2021.10.1.3"
_IF, _IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
LINKS: Mapping[Any, Link] = dict(enumerate(Link, 1))
"""ifOperStatus: up(1), down(2), testing(3), unknown(4), dormant(5), notPresent(6), lowerLayerDown(7)."""
_OFF = 2
"""ifAdminStatus: down(2)."""
_WRAP = 1 << 32
_REFUSALS = ("WrongDigest", "UnknownUserName", "UnsupportedSecurityLevel", "DecryptionError", "AuthenticationFailure")


class SnmpSettings(Settings):
    model_config = ConfigDict(json_schema_extra=one_of("community", "username"))

    port: Port = 161
    """UDP port."""
    community: Secret | None = None
    """Version 2c; or community_file."""
    username: str | None = None
    """Version 3: the user (RFC 3414)."""
    auth: Literal["md5", "sha", "sha256", "sha512"] = "sha"
    """Version 3: the authentication protocol."""
    auth_password: Secret | None = None
    """Version 3; or auth_password_file. Without it there is no authentication."""
    priv: Literal["des", "aes", "aes256"] = "aes"
    """Version 3: the encryption protocol."""
    priv_password: Secret | None = None
    """Version 3; or priv_password_file. Without it there is no encryption."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.community is None) == (self.username is None):
            raise ValueError("give either community (version 2c) or username (version 3)")
        if self.priv_password and not self.auth_password:
            raise ValueError("priv_password needs auth_password")
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        return node.host.lower(), str(self.port)


class Snmp:
    kind: ClassVar[str] = "snmp"
    settings: ClassVar[type[SnmpSettings]] = SnmpSettings
    needs: ClassVar[Needs] = Needs()

    def __init__(self, settings: SnmpSettings) -> None:
        self._settings = settings

    def missing_package(self) -> str | None:
        return None if find_spec("pysnmp") else "pacs-monitor[snmp]"

    async def volumes(
        self, node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        columns = (_TYPE, _DESCR, _UNITS, _SIZE, _USED, _FS_STORAGE, _FS_ACCESS)
        types, names, units, sizes, used, storages, access = await self._columns(columns, node, ctx, trace)
        read_only = {str(storage) for row, storage in storages.items() if access.get(row) == 2}
        shorts = {row: _short(str(name)) for row, name in names.items()}
        apart = disambiguated(shorts)
        return [
            volume_of(
                name,
                *(_number(column.get(row)) for column in (units, sizes, used)),
                row=apart[row],
                read_only=row in read_only,
                hidden=types.get(row) not in (_FIXED, _NETWORK),
            )
            for row, name in shorts.items()
        ]

    async def interfaces(self, node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Interface]:
        old = [f"{_IF}.{column}" for column in (2, 7, 8, 14, 20, 13, 19, 10, 16)]
        new = [f"{_IFX}.{column}" for column in (1, 6, 10, 15)]
        found = await self._columns([*old, *new], node, ctx, trace)
        descr, admin, oper, errors_in, errors_out, drops_in, drops_out, octets_in, octets_out = found[:9]
        names, wide_in, wide_out, speed = found[9:]
        rows = dict.fromkeys(row for column in (admin, oper, descr, names) for row in column)
        shorts = {row: str(names.get(row) or descr.get(row) or row) for row in rows}
        apart = disambiguated(shorts)
        return [
            Interface(
                name,
                LINKS.get(oper.get(row), Link.UNKNOWN),
                row=apart[row],
                enabled=admin.get(row) != _OFF,
                errors=_sum(errors_in.get(row), errors_out.get(row)),
                discards=_sum(drops_in.get(row), drops_out.get(row)),
                octets_in=_number(wide_in.get(row, octets_in.get(row))),
                octets_out=_number(wide_out.get(row, octets_out.get(row))),
                speed=(_number(speed.get(row)) or 0) * 1_000_000 or None,
            )
            for row, name in shorts.items()
        ]

    async def host(self, services: Collection[str], node: Node, ctx: ProbeContext, trace: Trace) -> HostState:
        if services:
            raise trace.failure(
                Reason.NOT_CONFIGURED, "use processes instead of services: SNMP reports programs, not services"
            )
        columns = (_DESCR, _UNITS, _SIZE, _USED, _PROCESSOR, _RUNNING, _LOAD)
        names, units, sizes, used, cpus, running, load = await self._columns(columns, node, ctx, trace)
        rows = {str(name).casefold(): row for row, name in names.items()}
        total, free = (
            volume_of(name, *(_number(column.get(rows.get(name, ""))) for column in (units, sizes, used)))
            for name in ("physical memory", "available memory")
        )
        memory = None if total.used is None or total.free is None else total.used + total.free
        return HostState(
            memory=memory,
            memory_available=free.free if free.free is not None or "cached memory" in rows else total.free,
            load=_load(load.get("1")),
            cpus=len(cpus) or None,
            processes=Counter(map(str, running.values())) or None,
        )

    async def _columns(
        self, columns: Sequence[str], node: Node, ctx: ProbeContext, trace: Trace
    ) -> list[dict[str, Any]]:
        """Of each column its rows, by index; raises NetFailure."""
        if not node.host:
            raise trace.failure(Reason.NOT_CONFIGURED, f"node {node.name} has no host")
        address = Address(node.host, self._settings.port)
        remote = (await resolve(address, ctx.resolver, ctx.deadline, trace))[0]
        trace.begin(Phase.OPERATION)
        try:
            pysnmp = await ctx.ours(ctx.blocking(lambda: import_module("pysnmp.hlapi.v3arch.asyncio")))
            engine = await ctx.ours(ctx.blocking(pysnmp.SnmpEngine))
        except ImportError:
            detail = "run pip install 'pacs-monitor[snmp]': SNMP support is not installed"
            raise trace.failure(Reason.NOT_CONFIGURED, detail) from None
        try:
            async with asyncio.timeout_at(ctx.deadline):
                share = max(ctx.deadline - ctx.clock.monotonic(), 0.0) / (TRIES + 1)
                transport = pysnmp.Udp6TransportTarget if ":" in remote.host else pysnmp.UdpTransportTarget
                target = await transport.create(remote, timeout=share, retries=TRIES - 1)
                who = _credentials(pysnmp, self._settings)
                return [await _walk(pysnmp, (engine, who, target), column, address, trace) for column in columns]
        except TimeoutError:
            raise _silence(address, trace) from None
        finally:
            engine.close_dispatcher()


def _silence(address: Address, trace: Trace) -> NetFailure:
    detail = (
        f"{address} did not answer SNMP in time: the host is off, a firewall drops packets, or our community is wrong"
    )
    return trace.failure(Reason.TCP_TIMEOUT, detail)


async def _walk(pysnmp: Any, asking: tuple[Any, ...], column: str, address: Address, trace: Trace) -> dict[str, Any]:
    """One column of a table, by GETBULK."""
    begin, found = pysnmp.ObjectType(pysnmp.ObjectIdentity(column)), {}
    walk = pysnmp.bulk_walk_cmd(
        *asking, pysnmp.ContextData(), 0, 25, begin, lexicographicMode=False, lookupMib=False, maxRows=MOST
    )
    async for failed, status, _, rows in walk:
        if failed or status:
            raise _failure(type(failed).__name__, address, trace)
        for name, value in rows:
            found[str(name).removeprefix(f"{column}.")] = _plain(value)
    return found


def _failure(name: str, address: Address, trace: Trace) -> NetFailure:
    if name == "RequestTimedOut":
        return _silence(address, trace)
    if name in _REFUSALS:
        return trace.failure(Reason.AUTH, f"{address} rejects our SNMP user or password")
    return trace.failure(Reason.BAD_CONTENT, f"{address} answered with an SNMP error ({name})")


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


def volume_of(name: str, unit: int | None, size: int | None, used: int | None, **more: Any) -> Volume:
    """A row of hrStorageTable; sizes in units (RFC 2790).

    Integer32 shows what lies above 31 bits as negative, and loses what lies above 32: then more is used than there is,
    and far more, by an agent that goes beyond 31 bits. A little more is a volume with a quota, or figures that are not
    of one moment: nobody knows.
    """
    name = _short(name)
    if not unit or unit < 0 or size is None or used is None:
        return volume(name, used=None, free=None, **more)
    size, used = size % _WRAP, used % _WRAP
    if used > 2 * size and used >= _WRAP // 2:
        size += _WRAP
    return volume(name, used=used * unit, free=(size - used) * unit, size=size * unit, **more)


def disambiguated(names: Mapping[str, str]) -> dict[str, str]:
    """Row → what distinguishes it from rows of the same name: its index, or nothing where no other has its name."""
    count = Counter(names.values())
    return {row: row if count[name] > 1 else "" for row, name in names.items()}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _sum(*values: object) -> int | None:
    """Of those that are reported."""
    reported = [number for value in values if (number := _number(value)) is not None]
    return sum(reported) if reported else None


def _load(value: object) -> float | None:
    """UCD-SNMP-MIB laLoad, a text."""
    try:
        load = float(str(value))
    except ValueError:
        return None
    return load if isfinite(load) else None


def _short(name: str) -> str:
    """`C:\\ Label:System  Serial Number 1a2b3c4d` is `C:\\`."""
    return name.partition(" Label:")[0]
