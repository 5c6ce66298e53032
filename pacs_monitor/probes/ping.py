"""Does the host answer ICMP echo requests, how fast, and how many get lost?

```yaml
ping: {slow: 50ms, lost: 20%}
```

Many firewalls drop ICMP, so a host that does not answer may still be up: `tcp` on one of its ports proves more. No
privilege is needed where the system lets the monitor's group open ICMP sockets (`net.ipv4.ping_group_range`); otherwise
CAP_NET_RAW is.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from time import monotonic
from typing import Annotated

from pydantic import Field

from pacs_monitor.fields import Duration, Percent, Settings
from pacs_monitor.format.human import duration, percentage
from pacs_monitor.model import Address, Layer, Measure, Needs, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import NetFailure, Trace, resolve
from pacs_monitor.net.connection import connect_failure

SPACING = 0.1
"""Seconds between two requests."""
AT_ONCE = 1000
"""Packets that are taken in one look; a raw socket receives those to everybody on this machine."""
_HEADER = struct.Struct("!BBHHH")
_TOKEN = 16
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
"""Request and reply: RFC 792, RFC 4443 4."""
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


class PingSettings(Settings):
    count: Annotated[int, Field(ge=1, le=20)] = 3
    """How many echo requests a run sends."""
    wait: Duration = 2.0
    """How long to wait for the last reply."""
    lost: Percent = 0.5
    """A higher share of lost replies is a warning; no reply at all is a failure."""
    slow: Duration | None = None
    """A mean round trip longer than this is a warning (reason `slow`)."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return (node.host.lower(),)


class Ping(Probe):
    kind = "ping"
    settings = PingSettings
    measures = (
        Measure("ping_round_trip_seconds", "The mean round trip of the replies."),
        Measure("ping_lost_ratio", "Share of requests without a reply, from 0 to 1."),
    )
    layer = Layer.NETWORK
    needs = Needs()
    timing = Timing(interval=60.0, retry_interval=10.0, timeout=5.0)

    async def run(self, node: Node, settings: PingSettings, ctx: ProbeContext) -> Outcome:
        if not node.host:
            return Outcome.of(Reason.NOT_CONFIGURED, phase=Phase.RESOLVE, detail=f"node {node.name} has no host")
        trace = Trace()
        try:
            host = (await resolve(Address(node.host, 0), ctx.resolver, ctx.deadline, trace))[0].host
            trace.begin(Phase.OPERATION)
            trips = await _ping(host, settings, ctx.deadline, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        return _judge(trips, host, settings, trace)


async def _ping(host: str, settings: PingSettings, deadline: float, trace: Trace) -> list[float]:
    """The round trips of the replies that came."""
    with _socket(host, trace) as sock:
        try:
            sock.connect((host, 0))
            echoes = _Echoes(sock, settings.count)
            await echoes.exchange(deadline, settings.wait)
        except OSError as error:
            raise trace.failure(*connect_failure(Address(host, 0), error, 0.0)) from None
        return echoes.trips


def _socket(host: str, trace: Trace) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = socket.socket(family, kind, _PROTOCOL[family])
        except PermissionError:
            continue
        except OSError as error:
            raise trace.failure(*connect_failure(Address(host, 0), error, 0.0)) from None
        sock.setblocking(False)
        return sock
    raise trace.failure(
        Reason.NOT_CONFIGURED,
        "allow the monitor to send ICMP: as root, sysctl -w net.ipv4.ping_group_range='0 2147483647', or"
        " give the monitor's unit AmbientCapabilities=CAP_NET_RAW; or use the probe tcp",
    )


class _Echoes:
    """Requests of one run; a random token distinguishes their replies from those to anybody else on this machine."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        self._sock, self._count = sock, count
        self._request, self._reply = _ECHO[socket.AddressFamily(sock.family)]
        self._token = secrets.token_bytes(_TOKEN)
        self._sent: dict[int, float] = {}
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trips: list[float] = []

    async def exchange(self, deadline: float, wait: float) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._sock.fileno(), self._readable)
        try:
            for sequence in range(self._count):
                self._send(sequence)
                if sequence < self._count - 1:
                    await asyncio.sleep(min(SPACING, max((deadline - monotonic()) / self._count, 0.0)))
            await asyncio.wait([self._all], timeout=min(wait, max(deadline - monotonic(), 0.0)))
            self._readable()
            if self._all.done():
                self._all.result()
        finally:
            loop.remove_reader(self._sock.fileno())

    def _send(self, sequence: int) -> None:
        head = _HEADER.pack(self._request, 0, 0, 0, sequence)
        packet = _HEADER.pack(self._request, 0, checksum(head + self._token), 0, sequence) + self._token
        self._sent[sequence] = monotonic()
        self._sock.send(packet)

    def _readable(self) -> None:
        """Take all that has come: a busy loop looks late, and perhaps for the last time."""
        try:
            for _ in range(AT_ONCE):
                self._take(self._sock.recv(2048), monotonic())
        except BlockingIOError:
            return
        except OSError as error:
            if not self._all.done():
                self._all.set_exception(error)

    def _take(self, packet: bytes, now: float) -> None:
        start = packet.find(self._token) - _HEADER.size
        if start < 0:
            return
        kind, _, _, _, sequence = _HEADER.unpack_from(packet, start)
        if kind != self._reply or sequence not in self._sent:
            return
        self.trips.append(now - self._sent.pop(sequence))
        if len(self.trips) == self._count and not self._all.done():
            self._all.set_result(None)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); the kernel makes it for ICMPv6 and for unprivileged sockets."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _judge(trips: list[float], host: str, settings: PingSettings, trace: Trace) -> Outcome:
    lost = 1 - len(trips) / settings.count
    trace.measure("ping_lost_ratio", lost)
    if not trips:
        detail = f"{host} does not answer echo requests: it is off or unreachable, or ICMP is filtered on the way"
        return Outcome.of(Reason.TCP_TIMEOUT, phase=Phase.OPERATION, detail=detail, **trace.seen())
    mean = sum(trips) / len(trips)
    trace.measure("ping_round_trip_seconds", mean)
    if lost > settings.lost:
        reason, detail = (
            Reason.OVER_LIMIT,
            f"{percentage(lost)} of the replies from {host} were lost, more than {percentage(settings.lost)}",
        )
    elif settings.slow is not None and mean > settings.slow:
        reason, detail = (
            Reason.SLOW,
            f"the round trip took {duration(mean)} on average, more than {duration(settings.slow)}",
        )
    else:
        return trace.outcome()
    return Outcome.of(reason, warn=True, phase=Phase.OPERATION, detail=detail, **trace.seen())
