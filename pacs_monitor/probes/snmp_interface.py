"""Are the links of a switch, a firewall or a server up, free of errors, and not saturated?

```yaml
uplinks: {probe: snmp_interface, interfaces: [GigabitEthernet1/0/1, "Ten*"], errors_warn: 1}
```

The node needs the block of the system that `source` names (`snmp: {community: …}`). Named interfaces must be up;
without names, all interfaces that are up are checked, because most switches have unused ports. A dormant interface (RFC
2863: it waits for an external event) is a warning, and one whose state the agent does not know is `unknown`. Interfaces
with the same name are distinguished by their index, as `NAME#INDEX`; the name alone means all of them.

Errors and load are rates between two runs, so the first run, and the first after a counter was cleared, reports none.
Rising errors reveal a half-duplex link long before users call. A read-only community or user, restricted to the
monitor's address, is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from pacs_monitor.fields import Percent, Settings, Texts
from pacs_monitor.format.human import label, number, percentage
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.systems import InterfaceSource, peer_of, system_of
from pacs_monitor.systems.shared.judgement import Finding, selected, worst_of
from pacs_monitor.systems.shared.resources import Interface, Link, ReportsInterfaces

MOST = 64
"""Interfaces for which one check records measurements."""
_LABEL = ("interface",)
ARate = Annotated[float, Field(ge=0)]


class SnmpInterfaceSettings(Settings):
    source: InterfaceSource = "snmp"
    """The system that reports the interfaces."""
    interfaces: Texts = ()
    """Names or globs of interfaces that must be up; by default all that are up."""
    ignore: Texts = ()
    """Names or globs of interfaces to leave out."""
    errors_warn: ARate | None = 0.1
    """This many frames with errors per second are a warning."""
    discards_warn: ARate | None = None
    """This many dropped frames per second are a warning."""
    load_warn: Percent | None = 0.9
    """Load in the busier direction, as a share of the interface's speed, at or above this is a warning."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return peer_of(node, self.source)


class SnmpInterface(Probe):
    kind = "snmp_interface"
    settings = SnmpInterfaceSettings
    measures = (
        Measure("interface_up", "Whether the interface is up: 1 or 0.", _LABEL),
        Measure("interface_receive_bytes_per_second", "Received bits per second.", _LABEL),
        Measure("interface_transmit_bytes_per_second", "Sent bits per second.", _LABEL),
        Measure("interface_errors_per_second", "Frames with errors, in and out.", _LABEL),
        Measure("interface_discards_per_second", "Frames dropped, in and out.", _LABEL),
        EXPIRY,
    )
    layer = Layer.NETWORK
    timing = Timing(interval=60.0, retry_interval=20.0, timeout=15.0)
    next_steps = {
        Reason.MISSING: N_("Check the cable, the switch port, and the device at the other end."),
    }

    async def run(self, node: Node, settings: SnmpInterfaceSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            system: ReportsInterfaces = system_of(node, settings.source, trace)
            reported = await system.interfaces(node, ctx, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        trace.phase = Phase.OPERATION
        if not settings.interfaces:
            reported = _in_use(reported)
        interfaces, troubles = selected("interface", reported, settings.interfaces, settings.ignore, trace)
        before, now = ctx.memory.get("counters", {}), ctx.clock.now() / SECOND
        for interface in interfaces[:MOST]:
            rates = _rates(before.get(interface.label), interface, now)
            _measure(interface, rates, trace)
            troubles += _troubles(interface, rates, settings)
        ctx.memory["counters"] = {interface.label: [now, *_counters(interface)] for interface in interfaces[:MOST]}
        return worst_of(troubles, trace)


def _in_use(reported: Sequence[Interface]) -> Sequence[Interface]:
    """Those that are up; where none is, those of which nobody knows."""
    up = [interface for interface in reported if interface.up]
    return up or [interface for interface in reported if interface.link is Link.UNKNOWN and interface.enabled]


class Rates(NamedTuple):
    """Per second, since the last run; None where the counter is not reported."""

    received: float | None
    sent: float | None
    errors: float | None
    discards: float | None


def _counters(interface: Interface) -> tuple[int | None, ...]:
    return interface.octets_in, interface.octets_out, interface.errors, interface.discards


def _rates(before: Sequence[float | None] | None, interface: Interface, now: float) -> Rates | None:
    """None at the first look, and when a counter went back: it wrapped or was cleared, and nobody knows which."""
    if before is None or before[0] is None or now <= before[0]:
        return None
    pairs = zip(before[1:], _counters(interface), strict=True)
    grown = [None if old is None or new is None else new - old for old, new in pairs]
    if any(growth is not None and growth < 0 for growth in grown):
        return None
    took = now - before[0]
    return Rates(*(None if growth is None else growth / took for growth in grown))


def _measure(interface: Interface, rates: Rates | None, trace: Trace) -> None:
    values: dict[str, float | None] = {"interface_up": None if interface.link is Link.UNKNOWN else int(interface.up)}
    if rates is not None:
        values |= {
            "interface_receive_bytes_per_second": rates.received,
            "interface_transmit_bytes_per_second": rates.sent,
            "interface_errors_per_second": rates.errors,
            "interface_discards_per_second": rates.discards,
        }
    for name, value in values.items():
        if value is not None:
            trace.measure(name, value, (("interface", label(interface.label)),))


def _state(interface: Interface, name: str) -> Iterator[Finding]:
    if not interface.enabled and not interface.up:
        yield Finding(False, Reason.MISSING, f"{name} is administratively down (ifAdminStatus)")
    elif interface.link is Link.UNKNOWN:
        yield Finding(False, Reason.NOT_MEASURED, f"{name} is {interface.link}")
    elif not interface.up:
        yield Finding(interface.link is Link.DORMANT, Reason.MISSING, f"{name} is {interface.link}")


def _troubles(interface: Interface, rates: Rates | None, settings: SnmpInterfaceSettings) -> Iterator[Finding]:
    name = label(interface.label)
    yield from _state(interface, name)
    if rates is None:
        return
    for what, rate, limit in (
        ("frames with errors", rates.errors, settings.errors_warn),
        ("dropped frames", rates.discards, settings.discards_warn),
    ):
        if limit is not None and rate is not None and rate > limit:
            yield Finding(
                True, Reason.OVER_LIMIT, f"{name} has {number(rate)} {what} per second, more than {number(limit)}"
            )
    load = max(rates.received or 0.0, rates.sent or 0.0) * 8 / interface.speed if interface.speed else 0.0
    if settings.load_warn is not None and load >= settings.load_warn:
        detail = f"{name} is {percentage(load)} loaded, the limit is {percentage(settings.load_warn)}"
        yield Finding(True, Reason.OVER_LIMIT, detail)
