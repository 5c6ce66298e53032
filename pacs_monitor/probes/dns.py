"""Does a name server answer a query correctly? One query over UDP (RFC 1035), to the node.

```yaml
archive_name: {probe: dns, name: pacs.example.org, type: A, expect: 10.0.0.20}
directory: {probe: dns, name: _ldap._tcp.example.org, type: SRV}
```

Modalities, viewers and logins depend on DNS. The node is the name server; add a check for each of them. `expect` proves
that the name still resolves to the right machine, and not merely that it exists. No account is needed.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator

from pacs_monitor.fields import Duration, Port, Settings, Texts
from pacs_monitor.format.human import label
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Measure, Needs, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.datagram import exchange

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
_HEADER = struct.Struct("!6H")
_RECURSE = 0x0100
_PAYLOAD = 1232
"""Bytes that we take by UDP (EDNS, RFC 6891 6.2.3); without it, answers of more than 512 would be cut."""
_OPT = struct.pack("!BHHIH", 0, 41, _PAYLOAD, 0, 0)
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}
_NO_SUCH_NAME = 3
_CUT = 0x0200
_POINTERS = 32
"""Compression pointers (RFC 1035 4.1.4) that one name may follow: a circle ends."""
_SHOWN = 10
"""Records that the terminal shows."""


def _check_name(value: str) -> str:
    """A domain name; of an address, its name under in-addr.arpa or ip6.arpa (for PTR)."""
    try:
        return ip_address(value).reverse_pointer
    except ValueError:
        pass
    name = value.rstrip(".")
    if not all(1 <= len(label) <= 63 and label.isascii() for label in name.split(".")) or len(name) > 253:
        raise ValueError(f"{value!r} is not a domain name")
    return name


class DnsSettings(Settings):
    name: Annotated[str, AfterValidator(_check_name)]
    """What to look up: a name, or an address with `type: PTR`."""
    type: Literal["A", "AAAA", "CNAME", "PTR", "MX", "SRV", "TXT"] = "A"
    """The type of record."""
    expect: Texts = ()
    """Records that must be in the answer: addresses, names, or `priority weight port target` of SRV."""
    port: Port = 53
    """UDP port of the node."""
    slow: Duration | None = None
    """An answer that takes longer than this is a warning (reason `slow`)."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return node.host.lower(), str(self.port)


class Dns(Probe):
    kind = "dns"
    settings = DnsSettings
    measures = (Measure("dns_records", "Records of the type in the answer."),)
    layer = Layer.SERVICE
    needs = Needs()
    timing = Timing(interval=60.0, retry_interval=10.0, timeout=5.0)
    next_steps = {
        Reason.BAD_CONTENT: N_(
            "Query another name server and find out who changed the record: until it is fixed, clients may reach the "
            "wrong host."
        ),
        Reason.MISSING: N_("Query another name server: if it has the record, this server lacks the zone."),
        Reason.QUERY_REFUSED: N_(
            "The name server is running: check its zone, its forwarders, and which clients it may answer."
        ),
    }

    async def run(self, node: Node, settings: DnsSettings, ctx: ProbeContext) -> Outcome:
        if not node.host:
            return Outcome.of(Reason.NOT_CONFIGURED, phase=Phase.RESOLVE, detail=f"node {node.name} has no host")
        trace, identity = Trace(), secrets.token_bytes(2)
        try:
            answer = await exchange(
                Address(node.host, settings.port),
                lambda: _question(identity, settings),
                lambda data: data if data[:2] == identity and len(data) > 2 and data[2] & 0x80 else None,
                resolver=ctx.resolver,
                deadline=ctx.deadline,
                trace=trace,
            )
            _judge(answer, settings, trace)
        except NetFailure as failure:
            return failure.outcome()
        return trace.outcome(settings.slow)


def _question(identity: bytes, settings: DnsSettings) -> bytes:
    head = identity + struct.pack("!5H", _RECURSE, 1, 0, 0, 1)
    name = b"".join(bytes([len(label)]) + label.encode() for label in settings.name.split("."))
    return head + name + struct.pack("!BHH", 0, TYPES[settings.type], 1) + _OPT


def _judge(answer: bytes, settings: DnsSettings, trace: Trace) -> None:
    """Raises NetFailure unless the records are there."""
    trace.phase = Phase.OPERATION
    name = settings.name
    try:
        _, flags, *_ = _HEADER.unpack_from(answer)
        records = list(_records(answer, TYPES[settings.type]))
    except (struct.error, IndexError, ValueError):
        raise trace.failure(Reason.BAD_CONTENT, "it answered, but not with a DNS message") from None
    if flags & 0xF == _NO_SUCH_NAME:
        raise trace.failure(Reason.MISSING, f"it answered that the name {name} does not exist (NXDOMAIN)")
    if flags & 0xF:
        said = _RCODES.get(flags & 0xF, f"RCODE {flags & 0xF}")
        raise trace.failure(Reason.QUERY_REFUSED, f"it answered {said} to the query for {name}")
    trace.measure("dns_records", len(records))
    trace.terminal = (("answer", ", ".join(map(label, records[:_SHOWN])) or "no record"),)
    if not records:
        raise trace.failure(Reason.MISSING, f"it has no {settings.type} record for {name}")
    missing = [wanted for wanted in settings.expect if _plain(wanted) not in map(_plain, records)]
    if missing:
        cut = "; the answer was cut to fit a datagram" if flags & _CUT else ""
        raise trace.failure(Reason.BAD_CONTENT, f"{name} {_leads(records, settings)} {', '.join(missing)}{cut}")


def _leads(records: list[str], settings: DnsSettings) -> str:
    """Where it leads instead, if that is an address: other records hold what their owner wrote."""
    if settings.type not in ("A", "AAAA"):
        return "does not resolve to"
    return f"resolves to {', '.join(records[:_SHOWN])}, not to"


def _plain(record: str) -> str:
    try:
        return str(ip_address(record))
    except ValueError:
        return record.rstrip(".").lower()


def _records(message: bytes, wanted: int) -> Iterator[str]:
    """The records of one type in the answer section, as people write them."""
    _, _, questions, answers, _, _ = _HEADER.unpack_from(message)
    at = _HEADER.size
    for _ in range(questions):
        at = _name(message, at)[1] + 4
    for _ in range(answers):
        at = _name(message, at)[1]
        kind, _, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        if at + length > len(message):
            raise ValueError("a record extends beyond the message")
        if kind == wanted:
            yield _text(message, at, length, kind)
        at += length


def _text(message: bytes, at: int, length: int, kind: int) -> str:
    data = message[at : at + length]
    if kind in (TYPES["A"], TYPES["AAAA"]):
        return str(ip_address(data))
    if kind == TYPES["TXT"]:
        return _strings(data)
    numbers = {TYPES["MX"]: 1, TYPES["SRV"]: 3}.get(kind, 0)
    words = struct.unpack_from(f"!{numbers}H", message, at)
    return " ".join([*map(str, words), _name(message, at + 2 * numbers)[0]])


def _strings(data: bytes) -> str:
    """Character strings (RFC 1035 3.3.14), joined."""
    joined, at = b"", 0
    while at < len(data):
        joined += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return joined.decode(errors="replace")


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name and where it ends; compressed names go on elsewhere (RFC 1035 4.1.4)."""
    labels: list[str] = []
    end = None
    for _ in range(128 + _POINTERS):
        length = message[at]
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode(errors="replace"))
            at += 1 + length
        else:
            return ".".join(labels), end or at + 1
    raise ValueError("the compression of a name loops")
