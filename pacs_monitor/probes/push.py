"""A job that cannot be probed reports to the API; if its report does not arrive in time, the check fails.

```yaml
nightly_backup: {probe: push, within: 26h, slow: 4h}
```

The job ends with `curl -fsS -X POST -H "Authorization: Bearer $TOKEN" MONITOR/api/v1/push/NODE/CHECK`. Append
`?status=fail` when it failed, and `seconds=812` for how long it took. A token with the role `reporter` may do this and
nothing else. No text is accepted, so no patient data can get in. Reports survive a restart of the monitor.

While the check is paused, reports are still accepted; none is missed, and `within` counts afresh from the end of the
pause.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import tzinfo
from typing import Any

from pacs_monitor.fields import Duration, Settings
from pacs_monitor.format.human import duration, moment
from pacs_monitor.hl7.silence import note_pause, pauses_of, too_long
from pacs_monitor.intervals import Interval
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Measurement,
    Micros,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Report,
    Status,
    Timing,
)


class PushSettings(Settings):
    within: Duration
    """The longest acceptable gap between reports: for a nightly job, a day plus its usual delay."""
    slow: Duration | None = None
    """A job that reports a longer duration than this is a warning (reason `slow`)."""


class Push(Probe):
    kind = "push"
    settings = PushSettings
    measures = (
        Measure("push_last_report_timestamp_seconds", "When the job last reported, success or failure."),
        Measure("push_job_seconds", N_("How long the job took, as reported by the job."), trend=True),
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=1.0, timeout=5.0)
    next_steps = {
        Reason.EXIT_STATUS: N_("Read the job's log: the job itself reported the failure."),
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

    def note(self, memory: MutableMapping[str, Any], report: Report, seconds: float | None, now: Micros) -> None:
        memory.update(reported=now, status=report, seconds=seconds)


def _judge(memory: Mapping[str, Any], settings: PushSettings, now: Micros, zone: tzinfo) -> Outcome:
    reported, seconds = memory["reported"], memory["seconds"]
    when = moment(reported, zone)
    measured = [Measurement("push_last_report_timestamp_seconds", reported / SECOND)]
    if seconds is not None:
        measured.append(Measurement("push_job_seconds", seconds))
    seen: dict[str, Any] = {"phase": Phase.OPERATION, "measurements": tuple(measured)}
    silence = (now - reported) / SECOND
    overdue = too_long(Interval(reported, now), pauses_of(memory), settings.within)
    if silence > settings.within and overdue:
        detail = f"the last report arrived {when}; the next was due within {duration(settings.within)}"
        return Outcome.of(Reason.SILENT, detail=detail, **seen)
    if memory["status"] != "ok":
        detail = f"the job reported {memory['status']} {when}"
        return Outcome.of(Reason.EXIT_STATUS, warn=memory["status"] == "warn", detail=detail, **seen)
    if settings.slow is not None and seconds is not None and seconds > settings.slow:
        detail = f"the job took {duration(seconds)}, more than {duration(settings.slow)}"
        return Outcome.of(Reason.SLOW, warn=True, detail=detail, **seen)
    return Outcome(Status.OK, measurements=tuple(measured))
