"""Has a feed gone silent? A dead man's switch: messages must arrive, by weekday and hour, or the check fails.

`source` says where the messages are counted. An interface engine's own counters are best: name the system whose block
the node has (`mirth` …), and in `feeds` the channels that matter (by default, all of them together). An engine counts
by channel, so `expect` only names what they carry; a channel in `feeds` that is not started is a warning. `folder` uses
the newest file in a folder into which messages are written; files that are fetched at once are missed, so use an
archive folder or a copy. `listener` is the monitor's own listener (`monitor.hl7_listener`), to which the engine sends
copies; there `expect` names message types, and each must arrive.

`within` is how long the feed may be silent: `15m`, or by hours in the monitor's time zone:

```yaml
orders:
  probe: hl7_feed
  source: mirth
  feeds: [Orders to PACS]
  within: {"Mon-Fri 07:00-19:00": 15m, "Sat 08:00-12:00": 1h, otherwise: 4h}
results: {probe: hl7_feed, source: listener, expect: "ORU^R01", within: 2h}
```

With `calendar: NAME`, only silence within the open hours of that calendar counts, so neither a holiday does.
Without `otherwise`, silence outside the named hours is never a failure. Only silence within those hours counts, so a
quiet weekend does not; once a feed has been silent too long, it stays a failure until a message arrives. For a feed
that has not been seen yet, `within` counts from the first run. Between two runs a counter shows only that a message
arrived, not when, so set `within` to several intervals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from datetime import tzinfo
from fnmatch import fnmatchcase
from time import monotonic
from typing import Annotated, Any, NamedTuple, Self

from pydantic import ConfigDict, PlainValidator, WithJsonSchema, model_validator

from pacs_monitor.fields import FolderPath, Settings, Texts
from pacs_monitor.format.human import duration, moment
from pacs_monitor.hl7.silence import Limit, Limits, note_pause, pauses_of
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
from pacs_monitor.net import EXPIRY, NetFailure, Trace
from pacs_monitor.patterns import DURATION, together, trimmed
from pacs_monitor.systems import SourceOf, peer_of, system_of
from pacs_monitor.systems.shared.paths import leads_to_a_file, look
from pacs_monitor.systems.shared.resources import Feed, ReportsFeeds

LAST = "hl7_feed_last_message_timestamp_seconds"
MESSAGES = "hl7_feed_messages"
OURS = ("folder", "listener")
ANY = "any"
"""The name of a feed whose messages may be of any type."""
_AT_ONCE = 256
"""Files between two looks at the clock."""


class Seen(NamedTuple):
    """When the last message of a feed came, None when that is not known, and whether its channel is started."""

    last: Micros | None
    up: bool = True


_SILENCE = trimmed(DURATION, "15m", "4h")


class Hl7FeedSettings(Settings):
    model_config = ConfigDict(json_schema_extra=together("source", "folder", "folder"))

    source: Annotated[str, SourceOf("feeds", *OURS)]
    """Where messages are counted: a system (`mirth` …), `folder` or `listener`."""
    within: Annotated[
        Limits,
        PlainValidator(Limits.parse),
        WithJsonSchema({"anyOf": [_SILENCE, {"additionalProperties": _SILENCE, "type": "object", "minProperties": 1}]}),
    ]
    """How long a feed may be silent: a duration, or durations by hours and `otherwise`."""
    expect: Texts = ()
    """Message types (MSH-9, such as ORM^O01) that must arrive; any type by default."""
    feeds: Texts = ()
    """Channels of the engine, each of which must receive messages."""
    folder: FolderPath | None = None
    """The folder of `source: folder`."""
    pattern: str = "*"
    """Glob that the file names must match."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.source == "folder") != (self.folder is not None):
            raise ValueError("source: folder and the setting folder require each other")
        if self.feeds and self.source in OURS:
            raise ValueError("set source to an engine: feeds are the channels of one")
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        return (self.source, self.folder or "") if self.source in OURS else peer_of(node, self.source)


class Hl7Feed(Probe):
    kind = "hl7_feed"
    settings = Hl7FeedSettings
    measures = (
        Measure(LAST, "When the last message was seen to arrive.", ("feed",)),
        Measure(
            MESSAGES,
            N_("Messages counted by the source; the counter may be reset."),
            ("feed",),
            trend=True,
            counts=True,
            by_hour=True,
        ),
        EXPIRY,
    )
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=30.0, timeout=15.0)
    next_steps = {
        Reason.MISSING: N_("In the engine, check whether the channel is deployed or was renamed."),
    }

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:
        note_pause(memory, since, until)

    async def run(self, node: Node, settings: Hl7FeedSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        trace.begin(Phase.OPERATION)
        try:
            if settings.source == "listener":
                seen = _by_listener(settings, ctx, trace)
            elif settings.folder is not None:
                seen = await _by_folder(settings.folder, settings, ctx, trace)
            else:
                seen = await _by_system(node, settings, ctx, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.begin(Phase.OPERATION)
        return _judge(seen, settings, ctx, trace)


def _by_listener(settings: Hl7FeedSettings, ctx: ProbeContext, trace: Trace) -> Mapping[str, Seen]:
    if ctx.hl7_listener is None:
        detail = "configure monitor.hl7_listener and run the daemon, which listens there: source: listener needs both"
        raise trace.failure(Reason.NOT_CONFIGURED, detail)
    activity = ctx.hl7_listener.activity
    for kind in settings.expect or activity:
        if kind in activity:
            trace.measure(MESSAGES, activity[kind].messages, (("feed", kind),))
    if not settings.expect:
        return {ANY: Seen(max((one.last for one in activity.values()), default=None))}
    return {kind: Seen(activity[kind].last if kind in activity else None) for kind in settings.expect}


async def _by_folder(folder: str, settings: Hl7FeedSettings, ctx: ProbeContext, trace: Trace) -> Mapping[str, Seen]:
    newest = await look(folder, _newest(folder, settings.pattern, ctx.deadline - 0.1), ctx, trace)
    if newest is None:
        raise trace.failure(Reason.NOT_MEASURED, "the folder has more files than can be read in time")
    return {_name(settings): Seen(round(newest * SECOND) or None)}


def _newest(folder: str, pattern: str, until: float) -> Callable[[], float | None]:
    """When the newest file was written, in seconds of Unix time, 0 where there is none; None when the time is up."""

    def find() -> float | None:
        newest = 0.0
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number % _AT_ONCE == 0 and monotonic() > until:
                    return None
                with suppress(FileNotFoundError):  # fetched in this moment
                    if fnmatchcase(entry.name, pattern) and leads_to_a_file(entry):
                        newest = max(newest, entry.stat().st_mtime)
        return newest

    return find


async def _by_system(node: Node, settings: Hl7FeedSettings, ctx: ProbeContext, trace: Trace) -> Mapping[str, Seen]:
    """Counters: a message has come when one has changed, unless somebody has just set it to nothing."""
    system: ReportsFeeds = system_of(node, settings.source, trace)
    reported = {feed.name: feed for feed in await system.feeds(node, ctx, trace)}
    missing = [name for name in settings.feeds if name not in reported]
    if missing:
        detail = f"{settings.source} has not deployed: {', '.join(missing)}"
        raise trace.failure(Reason.MISSING, detail)
    unreported = [name for name in settings.feeds or reported if reported[name].received is None]
    if unreported and (settings.feeds or len(unreported) == len(reported)):
        raise trace.failure(
            Reason.NOT_MEASURED, f"{settings.source} does not report received messages for: {', '.join(unreported)}"
        )
    counts = {name: reported[name].received or 0 for name in settings.feeds} or {
        _name(settings): _sum(reported.values())
    }
    before: dict[str, int] = ctx.memory.get("counts", {})
    ctx.memory["counts"] = counts
    for name, count in counts.items():
        trace.measure(MESSAGES, count, (("feed", name),))
    now = ctx.clock.now()
    came = {name for name, count in counts.items() if count and before.get(name, count) != count}
    return {name: Seen(now if name in came else None, name not in reported or reported[name].up) for name in counts}


def _sum(feeds: Iterable[Feed]) -> int:
    return sum(feed.received or 0 for feed in feeds)


def _name(settings: Hl7FeedSettings) -> str:
    return " ".join(settings.expect) or ANY


def _judge(seen: Mapping[str, Seen], settings: Hl7FeedSettings, ctx: ProbeContext, trace: Trace) -> Outcome:
    now, known, pauses = ctx.clock.now(), _remembered(seen, ctx), pauses_of(ctx.memory)
    silent = []
    for name, one in seen.items():
        last, since = known[name]
        if last is not None:
            trace.measure(LAST, last / SECOND, (("feed", name),))
        limit = settings.within.exceeded(since, now, ctx.zone, ctx.calendar, pauses=pauses)
        if limit is not None:
            silent.append(_sentence(name if one.up else f"{name} (not started)", limit, last, ctx.zone))
    stopped = [f"{name}: the channel is not started" for name, one in seen.items() if not one.up]
    if silent or (stopped and settings.within.apply(now, ctx.zone, ctx.calendar)):
        trace.end()
        detail = "; ".join(silent or stopped)
        return Outcome.of(Reason.SILENT, warn=not silent, phase=Phase.OPERATION, detail=detail, **trace.seen())
    return trace.outcome()


def _remembered(seen: Mapping[str, Seen], ctx: ProbeContext) -> dict[str, tuple[Micros | None, Micros]]:
    """Of each feed, when its last message came, if that was ever seen, and since when it is silent."""
    now, memory = ctx.clock.now(), ctx.memory
    before: dict[str, Micros] = memory.get("last", {})
    since: dict[str, Micros] = memory.get("since", {})
    last = {name: max(one.last or 0, before.get(name, 0)) for name, one in seen.items()}
    memory["last"] = {name: min(at, now) for name, at in last.items() if at}
    memory["since"] = {name: since.get(name, now) for name, at in last.items() if not at}
    return {name: (at, at) for name, at in memory["last"].items()} | {
        name: (None, at) for name, at in memory["since"].items()
    }


def _sentence(feed: str, limit: Limit, last: Micros | None, zone: tzinfo) -> str:
    whose = "" if feed == ANY else f"{feed}: "
    allowed = f"the longest acceptable gap is {duration(limit.seconds)}"
    if last is None:
        return f"{whose}no message since monitoring began; {allowed}"
    return f"{whose}no message since {moment(last, zone)}; {allowed}"
