"""How far is the time server from our clock? One SNTP query (RFC 4330), the offset in seconds.

```yaml
clock: {probe: ntp, warn: 500ms, fail: 5s}
```

Dates and times in DICOM objects, the order of HL7 messages and TLS itself depend on clocks that agree. Check the time
servers, and every modality or archive that answers NTP. The offset is between two clocks: when every node is off by the
same amount, the monitor's own clock is wrong. A server that is not synchronized itself (leap indicator 3, stratum 0 or
16) is a failure, whatever its time. No account is needed.
"""

from __future__ import annotations

import secrets
import struct
from typing import NamedTuple, Self

from pydantic import model_validator

from pacs_monitor.fields import Duration, Port, Settings
from pacs_monitor.format.human import duration
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Address,
    Clock,
    Layer,
    Measure,
    Micros,
    Needs,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.datagram import exchange

ERA = 2_208_988_800
"""Seconds from 1900-01-01, where NTP's era 0 begins, to 1970-01-01 (RFC 5905 6)."""
_PACKET = struct.Struct("!BBbb11I")
_CLIENT = 4 << 3 | 3
"""Version 4, mode 3."""


class NtpSettings(Settings):
    port: Port = 123
    """UDP port of the node."""
    warn: Duration = 0.5
    """An offset above this is a warning."""
    fail: Duration = 5.0
    """An offset above this is a failure."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn > self.fail:
            raise ValueError("warn must not be above fail")
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        return node.host.lower(), str(self.port)


class Ntp(Probe):
    kind = "ntp"
    settings = NtpSettings
    measures = (
        Measure("ntp_offset_seconds", N_("The node's clock minus the monitor's."), trend=True),
        Measure("ntp_stratum", "The node's error bound against its reference clock (root distance, RFC 5905 7.3)."),
    )
    layer = Layer.SERVICE
    needs = Needs()
    timing = Timing(interval=300.0, retry_interval=64.0, timeout=5.0)
    next_steps = {
        Reason.OVER_LIMIT: N_(
            "Compare with another time server: if it shows the same offset, the monitor's own clock is wrong."
        ),
        Reason.STALE: N_("Check which time source that server synchronizes to."),
    }

    async def run(self, node: Node, settings: NtpSettings, ctx: ProbeContext) -> Outcome:
        if not node.host:
            return Outcome.of(Reason.NOT_CONFIGURED, phase=Phase.RESOLVE, detail=f"node {node.name} has no host")
        trace, question = Trace(), _Question(ctx.clock)
        try:
            answer = await exchange(
                Address(node.host, settings.port),
                question.make,
                question.read,
                resolver=ctx.resolver,
                deadline=ctx.deadline,
                trace=trace,
            )
            trace.measure("ntp_stratum", answer.stratum)
            _expect_synchronized(answer, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.measure("ntp_offset_seconds", answer.offset)
        return _judge(answer, settings, trace)


class TimeReply(NamedTuple):
    leap: int
    stratum: int
    reference: bytes
    """Reference identifier; of a kiss-o'-death, its code (RFC 5905 7.4)."""
    offset: float
    """Seconds, ours to theirs."""
    delay: float
    """Seconds on the way and in waiting for us: the offset is known to half of them (RFC 5905 8)."""


class _Question:
    """Remembers what it asked: an answer must repeat the transmit timestamp, which is a random number of ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[tuple[int, int], Micros] = {}

    def make(self) -> bytes:
        token = secrets.randbits(32), secrets.randbits(32)
        self._sent[token] = self._clock.now()
        return _PACKET.pack(_CLIENT, 0, 0, 0, *[0] * 9, *token)

    def read(self, data: bytes) -> TimeReply | None:
        """None for whatever does not answer a question of ours."""
        arrived = self._clock.now()
        if len(data) < _PACKET.size:
            return None
        first, stratum, _, _, *words = _PACKET.unpack_from(data)
        sent = self._sent.get((words[5], words[6]))
        if first & 7 != 4 or sent is None:
            return None
        received, transmitted = _unix(words[7], words[8]), _unix(words[9], words[10])
        there, back = received - sent / SECOND, arrived / SECOND - transmitted
        return TimeReply(
            first >> 6, stratum, words[2].to_bytes(4), offset=(there - back) / 2, delay=max(there + back, 0.0)
        )


def _unix(seconds: int, fraction: int) -> float:
    """An NTP timestamp as Unix time; below 2^31 it is of era 1, from 2036 on (RFC 4330 3)."""
    era = 0 if seconds & 0x80000000 else 1 << 32
    return seconds + era - ERA + fraction / (1 << 32)


def _expect_synchronized(answer: TimeReply, trace: Trace) -> None:
    trace.phase = Phase.OPERATION
    if answer.stratum == 0 and answer.reference == b"RATE":
        raise trace.failure(Reason.BUSY, "lengthen the interval: it answered RATE, too many queries (RFC 5905 7.4)")
    if answer.stratum == 0 and answer.reference in (b"DENY", b"RSTR"):
        refused = "have the monitor's address allowed there: the server refuses it (RFC 5905 7.4)"
        raise trace.failure(Reason.NOT_AUTHORISED, refused)
    if answer.leap == 3 or not 0 < answer.stratum < 16:
        raise trace.failure(Reason.STALE, "it answers, but its clock is not synchronized")


def _judge(answer: TimeReply, settings: NtpSettings, trace: Trace) -> Outcome:
    """Only what the clock is surely off by counts: an answer that was long under way, or read late, says less."""
    offset, least = abs(answer.offset), abs(answer.offset) - answer.delay / 2
    if offset <= settings.warn:
        return trace.outcome()
    if least <= settings.warn:
        took = f"the answer took {duration(answer.delay)}, so the offset is known only to half of that"
        return Outcome.of(Reason.NOT_MEASURED, phase=Phase.OPERATION, detail=took, **trace.seen())
    warn = least <= settings.fail
    where = "ahead of" if answer.offset > 0 else "behind"
    detail = (
        f"its clock is {duration(offset)} {where} ours, more than {duration(settings.warn if warn else settings.fail)}"
    )
    return Outcome.of(Reason.OVER_LIMIT, warn=warn, phase=Phase.OPERATION, detail=detail, **trace.seen())
