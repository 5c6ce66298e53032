"""Is the newest matching file recent and large enough? Backups, exports, logs: anything that a job should write.

```yaml
backup: {probe: file_age, path: "/backup/pacs/*.dump", fail: 26h, min_size: 1GiB, interval: 15m}
```

The folder is read on the monitor's own machine (mount it read-only; a job elsewhere can report by `push`). The
monitor's user needs permission to list the folder and nothing else. File names are never shown, because they may hold
patient data. A link that leads nowhere, or to itself, does not count as a file. Where the monitor's user may not follow
a link, the other files are judged; if they are too old or too few, the check is `not_authorised`. A folder that hangs,
such as a dead network mount, occupies one thread and is a `timeout`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, ValidationInfo

from pacs_monitor.fields import Duration, LocalPath, Number, Settings, Size
from pacs_monitor.format.human import byte_size, duration, moment
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
    Timing,
)
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.threads import OneThread
from pacs_monitor.paths import sort_of
from pacs_monitor.systems.shared.paths import leads_to_a_file

AHEAD = 3600.0
"""Seconds that a file may be dated in the future; one that is further ahead would hide that nothing new comes."""
_LOOK_AT_THE_CLOCK = 1000
"""Entries of a folder between two looks."""


def _check_folder(value: str, info: ValidationInfo) -> str:
    if any(c in str(Path(value).parent) for c in "*?["):
        raise ValueError(f"{value!r} has a wildcard in the folder; only the file name may contain wildcards")
    if info.context and sort_of(value) == "folder":
        raise ValueError(f"write which files in it count, as {Path(value) / '*'}: {value!r} is a folder")
    return value


class FileAgeSettings(Settings):
    path: Annotated[LocalPath, AfterValidator(_check_folder)]
    """The files: a folder and a pattern for names (`*`, `?`, `[…]`)."""
    fail: Duration = 26 * 3600.0
    """If the newest file is older than this, it is a failure (reason `stale`)."""
    warn: Duration | None = None
    """If the newest file is older than this, it is a warning."""
    min_size: Size = 1
    """If the newest file is smaller than this, it is a failure (reason `bad_content`)."""
    at_least: Number = 1
    """How many files must match; fewer are a failure (reason `missing`)."""

    def peer(self, node: Node) -> tuple[str, ...]:  # noqa: ARG002 - the Protocol's
        return (self.path,)


class FileAge(Probe):
    kind = "file_age"
    settings = FileAgeSettings
    measures = (
        Measure("file_newest_timestamp_seconds", "When the newest matching file was last written."),
        Measure("file_newest_bytes", N_("The size of the newest matching file."), trend=True),
        Measure("file_matches", "How many files match."),
    )
    layer = Layer.SERVICE
    timing = Timing(interval=300.0, retry_interval=60.0, timeout=30.0)
    next_steps = {
        Reason.BAD_CONTENT: N_("Check the newest file: an aborted job often leaves one that is too small."),
    }

    def __init__(self) -> None:
        self._thread = OneThread()

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:
        note_pause(memory, since, until)

    async def run(self, _node: Node, settings: FileAgeSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        trace.begin(Phase.OPERATION)
        late = _by(ctx)
        try:
            found = await self._thread.call(lambda: _look(settings.path, late), ctx, trace)
        except PermissionError:
            return _failed(trace, Reason.NOT_CONFIGURED, "the monitor's user may not read the folder")
        except FileNotFoundError:
            return _failed(trace, Reason.MISSING, "check whether it is mounted: the folder does not exist")
        except OSError as error:
            return _failed(trace, Reason.MISSING, f"the folder cannot be read: {error.strerror}")
        except NetFailure as failure:
            return failure.outcome()
        if found is None:
            return _failed(trace, Reason.TIMEOUT, "the folder has more entries than can be read in time")
        return _judge(found, settings, ctx, trace)


class Found(NamedTuple):
    matches: int
    newest: float
    """Seconds of Unix time."""
    size: int
    closed: int = 0
    """Matches that we may not look at."""


def _by(ctx: ProbeContext) -> Callable[[], bool]:
    return lambda: ctx.clock.monotonic() > ctx.deadline - 0.1


def _look(path: str, late: Callable[[], bool]) -> Found | None:
    """The newest match, by one walk through the folder; None when the time is up."""
    place = Path(path)
    matches, newest, size, closed = 0, 0.0, 0, 0
    with os.scandir(place.parent) as entries:
        for number, entry in enumerate(entries):
            if number % _LOOK_AT_THE_CLOCK == 0 and late():
                return None
            if not fnmatchcase(entry.name, place.name):
                continue
            try:
                if leads_to_a_file(entry):
                    status = entry.stat()
                    matches += 1
                    if status.st_mtime >= newest:
                        newest, size = status.st_mtime, status.st_size
            except FileNotFoundError:  # removed meanwhile
                continue
            except PermissionError:
                closed += 1
    return Found(matches, newest, size, closed)


def _judge(found: Found, settings: FileAgeSettings, ctx: ProbeContext, trace: Trace) -> Outcome:
    outcome = _judge_seen(found, settings, ctx, trace)
    if found.closed and outcome.reason in (Reason.MISSING, Reason.STALE):
        what = "a matching file" if found.closed == 1 else f"{found.closed} matching files"
        return _failed(trace, Reason.NOT_AUTHORISED, f"the monitor's user may not read {what}; {outcome.detail}")
    return outcome


def _judge_seen(found: Found, settings: FileAgeSettings, ctx: ProbeContext, trace: Trace) -> Outcome:
    trace.measure("file_matches", found.matches)
    if found.matches < settings.at_least:
        pattern, enough = Path(settings.path).name, f"fewer than {settings.at_least}"
        some = f"{found.matches} files match {pattern}, {enough}" if found.matches else f"no file matches {pattern}"
        return _failed(trace, Reason.MISSING, some)
    trace.measure("file_newest_timestamp_seconds", found.newest)
    trace.measure("file_newest_bytes", found.size)
    age = ctx.clock.now() / SECOND - found.newest
    written = moment(round(found.newest * SECOND), ctx.zone)
    if age < -AHEAD:
        return _failed(trace, Reason.BAD_CONTENT, f"the newest file is dated in the future: {written}")
    old = f"the newest file is {duration(age)} old (written {written})"
    silence, pauses = Interval(round(found.newest * SECOND), ctx.clock.now()), pauses_of(ctx.memory)
    if age > settings.fail and too_long(silence, pauses, settings.fail):
        return _failed(trace, Reason.STALE, f"{old}, more than {duration(settings.fail)}")
    if found.size < settings.min_size:
        sizes = f"{byte_size(found.size)}, less than {byte_size(settings.min_size)}"
        detail = f"the newest file has only {sizes} (written {written})"
        return _failed(trace, Reason.BAD_CONTENT, detail)
    if settings.warn is not None and age > settings.warn and too_long(silence, pauses, settings.warn):
        return _failed(trace, Reason.STALE, f"{old}, more than {duration(settings.warn)}", warn=True)
    return trace.outcome()


def _failed(trace: Trace, reason: Reason, detail: str, *, warn: bool = False) -> Outcome:
    trace.end()
    return Outcome.of(reason, warn=warn, phase=Phase.OPERATION, detail=detail, **trace.seen())
