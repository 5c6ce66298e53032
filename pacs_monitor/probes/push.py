"""A job that cannot be probed reports to the API; if its report does not arrive in time, the check fails.

```yaml
nightly_backup: {probe: push, within: 26h, slow: 4h}
```

The job ends with `curl -fsS -X POST -H "Authorization: Bearer $TOKEN" MONITOR/api/v1/push/NODE/CHECK`. Append
`?status=fail` when it failed, and `seconds=812` for how long it took. A token with the role `reporter` may do this and
nothing else. No text is accepted, so no patient data can get in. Reports survive a restart of the monitor.

A job may also send numbers, `&NAME=NUMBER` for each that `values` declares, with limits: so a server on which the
vendor allows no exporter reports its own disks and services ([a task for Windows](../windows.md#a-task-that-reports)):

```yaml
server:
  probe: push
  within: 15m
  values: {free_bytes: {warn_below: 100GiB, fail_below: 50GiB}, stopped_services: {fail_above: 0}}
```

A declared number that the last report does not have is unknown; it is never taken for 0.

While the check is paused, reports are still accepted; none is missed, and `within` counts afresh from the end of the
pause.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping
from datetime import tzinfo
from operator import gt, lt
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from pacs_monitor import patterns
from pacs_monitor.fields import Duration, Settings, parse_size
from pacs_monitor.format.human import duration, moment, number
from pacs_monitor.hl7.silence import note_pause, pauses_of, too_long
from pacs_monitor.intervals import Interval
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Micros,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Report,
    Timing,
)
from pacs_monitor.net import Trace
from pacs_monitor.patterns import trimmed
from pacs_monitor.systems.shared.judgement import Finding, worst_of

MOST_VALUES = 32
"""Each is a time series."""


def _amount(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return parse_size(value)


Amount = Annotated[
    float,
    BeforeValidator(_amount),
    Field(allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number"}, trimmed(patterns.SIZE, "50GiB")]}),
]
"""A number, or a size, which is its bytes."""


def _free(name: str) -> str:
    if name in ("status", "seconds"):
        raise ValueError(f"name it otherwise: a report has {name} already")
    return name


ValueName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_free)]


class ValueLimits(Settings):
    """What a number may be; without limits it is measured only."""

    fail_below: Amount | None = None
    """Less is a failure: a number or a size such as `50GiB`."""
    warn_below: Amount | None = None
    """Less is a warning."""
    warn_above: Amount | None = None
    """More is a warning."""
    fail_above: Amount | None = None
    """More is a failure."""


class PushSettings(Settings):
    within: Duration
    """The longest acceptable gap between reports: for a nightly job, a day plus its usual delay."""
    slow: Duration | None = None
    """A job that reports a longer duration than this is a warning (reason `slow`)."""
    values: Annotated[Mapping[ValueName, ValueLimits], Field(max_length=MOST_VALUES)] = {}
    """Numbers of a report by name, `free_bytes`, each with `fail_below`, `warn_below`, `warn_above`, `fail_above`."""


class Push(Probe):
    kind = "push"
    settings = PushSettings
    measures = (
        Measure("push_last_report_timestamp_seconds", "When the job last reported, success or failure."),
        Measure("push_job_seconds", N_("How long the job took, as reported by the job."), trend=True),
        Measure("push_value", N_("A number of the last report that `values` declares."), ("name",), trend=True),
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=1.0, timeout=5.0)
    next_steps = {
        Reason.EXIT_STATUS: N_("Read the job's log: the job itself reported the failure."),
        Reason.OVER_LIMIT: N_("Look at what the job measured; the detail names the number and its limit."),
        Reason.NOT_MEASURED: N_(
            "Look at what the job sends: it has to report every number that `values` of the check declares."
        ),
        Reason.SILENT: N_(
            "Check whether the job ran; if it did, check that it can reach the monitor and that its token is still "
            "valid."
        ),
    }

    async def run(self, _node: Node, settings: PushSettings, ctx: ProbeContext) -> Outcome:
        now = ctx.clock.now()
        watched = ctx.memory.setdefault("watched", now)
        reported = ctx.memory.get("reported")
        if reported is not None:
            return _judge(ctx.memory, settings, now, ctx.zone)
        until = watched + round(settings.within * SECOND)
        if now <= until or not too_long(Interval(watched, now), pauses_of(ctx.memory), settings.within):
            has = f"the job has until {moment(until, ctx.zone)}"
            detail = f"no report has arrived yet; {has if now <= until else 'the check was paused meanwhile'}"
            return Outcome.of(Reason.AWAITED, phase=Phase.OPERATION, detail=detail)
        detail = f"no report has arrived since the monitor began to wait for one, {moment(watched, ctx.zone)}"
        return Outcome.of(Reason.SILENT, phase=Phase.OPERATION, detail=detail)

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:
        note_pause(memory, since, until)

    def takes(self, settings: PushSettings) -> Collection[str]:
        return settings.values

    def note(
        self,
        memory: MutableMapping[str, Any],
        report: Report,
        seconds: float | None,
        now: Micros,
        values: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        memory.update(reported=now, status=report, seconds=seconds, values=dict(values))


def _judge(memory: Mapping[str, Any], settings: PushSettings, now: Micros, zone: tzinfo) -> Outcome:
    reported, seconds = memory["reported"], memory["seconds"]
    when = moment(reported, zone)
    trace = Trace()
    trace.phase = Phase.OPERATION
    trace.measure("push_last_report_timestamp_seconds", reported / SECOND)
    if seconds is not None:
        trace.measure("push_job_seconds", seconds)
    sent: Mapping[str, float] = memory.get("values", {})
    for name in settings.values.keys() & sent:
        trace.measure("push_value", sent[name], (("name", name),))
    silence = (now - reported) / SECOND
    overdue = too_long(Interval(reported, now), pauses_of(memory), settings.within)
    if silence > settings.within and overdue:
        words = f"the last report arrived {when}; the next was due within {duration(settings.within)}"
        return worst_of([Finding(False, Reason.SILENT, words)], trace)
    if memory["status"] != "ok":
        words = f"the job reported {memory['status']} {when}"
        return worst_of([Finding(memory["status"] == "warn", Reason.EXIT_STATUS, words)], trace)
    troubles = list(_troubles(settings.values, sent))
    if settings.slow is not None and seconds is not None and seconds > settings.slow:
        words = f"the job took {duration(seconds)}, more than {duration(settings.slow)}"
        troubles.append(Finding(True, Reason.SLOW, words))
    return worst_of(troubles, trace)


def _troubles(limits: Mapping[str, ValueLimits], values: Mapping[str, float]) -> Iterator[Finding]:
    for name, limit in limits.items():
        if name not in values:
            yield Finding(False, Reason.NOT_MEASURED, f"the last report has no {name}")
            continue
        value = values[name]
        for bound, mild, is_beyond, than in (
            (limit.fail_below, False, lt, "less"),
            (limit.fail_above, False, gt, "more"),
            (limit.warn_below, True, lt, "less"),
            (limit.warn_above, True, gt, "more"),
        ):
            if bound is not None and is_beyond(value, bound):
                yield Finding(mild, Reason.OVER_LIMIT, f"{name} is {number(value)}, {than} than {number(bound)}")
                break
