"""Is a machine healthy? Memory, load, and the programs, listening ports and services that must be there.

```yaml
machine: {probe: host, source: node_exporter, services: [orthanc.service], memory_warn: 90%}
this_machine: {probe: host, source: local, processes: [Orthanc], ports: [4242, 8042]}
```

`source` names the system: the node needs its block (`node_exporter:`, `windows_exporter:`, `snmp:`), except for
`local`, the machine that the monitor runs on. Memory and load only warn unless a failure limit is set: users notice a
stopped service, not a figure. A program, port or service that is not there is a failure (`missing`); a limit on
something that the source does not report is `not_configured`.
docs/systems.md lists the permissions that each system requires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from pacs_monitor.fields import Percent, Port, Settings, Texts
from pacs_monitor.format.human import number, percentage
from pacs_monitor.language import N_
from pacs_monitor.model import Layer, Measure, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.systems import HostSource, peer_of, system_of
from pacs_monitor.systems.shared.judgement import Finding, over, worst_of
from pacs_monitor.systems.shared.resources import UNKNOWN, HostState, ReportsHost

PerCpu = Annotated[float, Field(gt=0)]


class HostSettings(Settings):
    source: HostSource
    """The system that reports them: `local`, `node_exporter`, `windows_exporter`, `snmp` …"""
    memory_warn: Percent | None = 0.9
    """Memory in use at or above this is a warning; caches do not count."""
    memory_fail: Percent | None = None
    """Memory in use at or above this is a failure."""
    load_warn: PerCpu | None = 4.0
    """One-minute load average per CPU at or above this is a warning."""
    load_fail: PerCpu | None = None
    """One-minute load average per CPU at or above this is a failure."""
    processes: Texts = ()
    """Names or globs of programs that must run."""
    ports: tuple[Port, ...] = ()
    """TCP ports that something must listen on."""
    services: Texts = ()
    """Services that must be active, as systemd or Windows calls them."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return peer_of(node, self.source)


class Host(Probe):
    kind = "host"
    settings = HostSettings
    measures = (
        Measure("host_memory_bytes", "Memory of the machine."),
        Measure("host_memory_available_bytes", "Memory available to programs without swapping."),
        Measure("host_load", "Load average of the last minute."),
        Measure("host_cpus", "CPUs."),
        Measure("host_processes", "How many processes of each required program run.", ("program",)),
        EXPIRY,
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=20.0, timeout=15.0)
    next_steps = {
        Reason.OVER_LIMIT: N_("Find which program uses it; users are affected only once services slow down or stop."),
        Reason.MISSING: N_("Start it, then read its log to find out why it stopped."),
    }

    async def run(self, node: Node, settings: HostSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            system: ReportsHost = system_of(node, settings.source, trace)
            state = await system.host(settings.services, node, ctx, trace)
            _expect_reported(state, settings, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        trace.phase = Phase.OPERATION
        running = {wanted: _running(state.processes or {}, wanted) for wanted in settings.processes}
        _measure(state, running, trace)
        return worst_of([*_limits(state, settings), *_absent(state, settings, running)], trace)


def _expect_reported(state: HostState, settings: HostSettings, trace: Trace) -> None:
    """What must be there and cannot be seen is unknown, not missing."""
    for what, wanted, reported in (
        ("programs", settings.processes, state.processes),
        ("listening ports", settings.ports, state.ports),
    ):
        if wanted and reported is None:
            detail = f"use another source, or grant this one more rights: {settings.source} does not report {what} here"
            raise trace.failure(Reason.NOT_CONFIGURED, detail)


def _is_limited(settings: HostSettings, *limits: str) -> bool:
    """Whether a limit was set, and not left as it is."""
    return any(limit in settings.model_fields_set and getattr(settings, limit) is not None for limit in limits)


def _running(processes: Mapping[str, int], wanted: str) -> int:
    return sum(count for name, count in processes.items() if fnmatchcase(name, wanted))


def _measure(state: HostState, running: Mapping[str, int], trace: Trace) -> None:
    values = {
        "host_memory_bytes": state.memory,
        "host_memory_available_bytes": state.memory_available,
        "host_load": state.load,
        "host_cpus": state.cpus,
    }
    for name, value in values.items():
        if value is not None:
            trace.measure(name, value)
    for program, count in running.items():
        trace.measure("host_processes", count, (("program", program),))


def _limits(state: HostState, settings: HostSettings) -> Iterator[Finding]:
    memory = state.memory_available if state.memory else None
    load = state.load if state.cpus else None
    for what, limits, reported in (
        ("memory", ("memory_warn", "memory_fail"), memory),
        ("load", ("load_warn", "load_fail"), load),
    ):
        if reported is None and _is_limited(settings, *limits):
            detail = f"use another source, or set {limits[0]} to null: {settings.source} does not report {what}"
            yield Finding(False, Reason.NOT_CONFIGURED, detail)
    if state.memory and state.memory_available is not None:
        used = 1 - state.memory_available / state.memory
        yield from over(
            used, settings.memory_warn, settings.memory_fail, f"{percentage(used)} of memory is in use", percentage
        )
    if state.cpus and state.load is not None:
        each = state.load / state.cpus
        yield from over(each, settings.load_warn, settings.load_fail, f"the load per CPU is {number(each)}", number)


def _absent(state: HostState, settings: HostSettings, running: Mapping[str, int]) -> Iterator[Finding]:
    for program, count in running.items():
        if not count:
            yield Finding(False, Reason.MISSING, f"the program {program} is not running")
    for port in settings.ports:
        if port not in (state.ports or ()):
            yield Finding(False, Reason.MISSING, f"nothing listens on port {port}")
    for service in settings.services:
        reported = state.services.get(service)
        if reported == UNKNOWN:
            yield Finding(False, Reason.NOT_MEASURED, f"the state of the service {service} is unknown")
        elif reported != "active":
            yield Finding(False, Reason.MISSING, f"the service {service} is {reported or 'not there'}")
