"""Do studies still arrive? The age of the newest one, per modality or station, or when it arrived, per sender.

```yaml
study_flow: {modalities: [CT, MR], within: 2h, hours: "Mon-Fri 07:00-19:00"}
senders: {probe: study_flow, senders: [CT1, US3], within: 4h}
```

When a modality's images stop arriving, no other check shows it: the archive is up, and the reading room notices first.
Each modality in `modalities` and each Station Name in `stations` is a feed of its own; without either, all studies are
one feed. A newest study older than `within` is `silent`. The query is a C-FIND, or QIDO-RS where `qido` is set; answers
are counted, their dates and times read, and the rest dropped.

Orthanc reports which AE sent what: `senders` are calling AE titles, each a feed of its own, read from the REST API in
the node's `orthanc:` block. There the arrival time of a series counts (that of its first object), and only its sender
and that time are read. For a sender that was never seen, `within` counts from the first run. The account needs GET
/changes, /series/ID and /instances/ID/metadata/RemoteAET. If more than 100 series arrived since the last run, only the
latest are examined, and the result is flagged `capped`.

Without `senders` the study's own date and time count (PS3.3 C.7.2.1), read in the monitor's time zone, because C-FIND
does not report when a study arrived; so `within` must leave room for long examinations. Stations are queried at SERIES
level across studies, which not every archive allows (`query_refused`). Our AE title must be registered there for
queries, and for nothing else.

Modalities may be idle at night: with `hours` (or the check's
`calendar`, which knows holidays), silence counts only during those hours (`hours: Mon-Fri 07:00-19:00`), so
`within` starts afresh when they begin; once a feed has been silent too long, it stays a failure until a study arrives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from pacs_monitor import http
from pacs_monitor.calendars import Hours
from pacs_monitor.dicom import Target
from pacs_monitor.dicom.endpoint import addresses_of, not_configured, target_of
from pacs_monitor.dicom.find import STUDY_ROOT_FIND
from pacs_monitor.dicom.query import Queries, QuerySettings, check_keys
from pacs_monitor.dicom.studies import MODALITIES, Day, studies_by_web, studies_of
from pacs_monitor.dicom.web import Service
from pacs_monitor.fields import Duration, ServiceHours, Texts
from pacs_monitor.format.human import duration
from pacs_monitor.hl7.silence import Limit, Limits, note_pause, pauses_of
from pacs_monitor.http import HttpSettings
from pacs_monitor.language import N_
from pacs_monitor.model import (
    SECOND,
    Address,
    Flag,
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
from pacs_monitor.systems import peer_of
from pacs_monitor.systems.orthanc import Orthanc, OrthancSettings
from pacs_monitor.systems.shared.arrivals import Arrival, arrivals

EVERYTHING = "all"
ALWAYS = Hours(())
LOOK_BACK = timedelta(days=7)
"""How far back the first run looks for a newest study older than `within`; later runs remember it."""


class StudyFlowSettings(QuerySettings):
    within: Duration
    """The longest acceptable age of the newest study."""
    hours: ServiceHours | None = None
    """Hours in which silence counts; always by default."""
    modalities: Texts = ()
    """Modalities (CT, MR, …), each a feed of its own."""
    stations: Texts = ()
    """Station Names (0008,1010), each a feed of its own."""
    senders: Texts = ()
    """Calling AE titles, each a feed of its own, where Orthanc reports them; instead of modalities and stations."""
    keys: Annotated[Mapping[str, str], AfterValidator(check_keys)] = {}
    """Additional keys for every query, such as InstitutionName."""
    qido: HttpSettings | None = None
    """Query this DICOMweb service by QIDO-RS (`url`, `username`, `password`, `token`, `tls`), instead of C-FIND."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 5000
    """Answers per day and feed after which the query is cancelled (C-CANCEL)."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.senders and (self.modalities or self.stations or self.keys or self.qido):
            raise ValueError("senders cannot be combined with modalities, stations, keys or qido: use a second check")
        return self

    def peer(self, node: Node) -> tuple[str, ...]:
        if self.senders:
            return peer_of(node, Orthanc.kind)
        return self.qido.peer(node) if self.qido else super().peer(node)


Ask = Callable[[date, Mapping[str, str]], Awaitable[Day]]
"""What an archive has of a day that matches these keys."""


class Feed(NamedTuple):
    name: str
    keys: Mapping[str, str]


class StudyFlow(Probe):
    kind = "study_flow"
    settings = StudyFlowSettings
    measures = (
        Measure("study_newest_timestamp_seconds", "When the newest study of a feed began, or arrived.", ("feed",)),
        Measure(
            "studies_today",
            N_("Today's studies (series, by station or sender)."),
            ("feed",),
            trend=True,
            counts=True,
            by_hour=True,
        ),
        EXPIRY,
    )
    layer = Layer.SERVICE
    uses_association = True
    timing = Timing(interval=600.0, retry_interval=60.0, timeout=60.0)
    next_steps = {
        Reason.SILENT: N_("Check the send queue of the modality, then the router before the archive."),
    }

    def addresses(self, node: Node, settings: StudyFlowSettings) -> tuple[Address, ...]:
        if settings.senders:
            api = node.systems.get(Orthanc.kind)
            return (http.address_of(api.url),) if isinstance(api, OrthancSettings) else ()
        return (http.address_of(settings.qido.url),) if settings.qido else addresses_of(node, settings)

    def resumed(self, memory: MutableMapping[str, Any], since: Micros, until: Micros) -> None:
        note_pause(memory, since, until)

    async def run(self, node: Node, settings: StudyFlowSettings, ctx: ProbeContext) -> Outcome:
        try:
            if settings.senders:
                return await _by_sender(node, settings, ctx)
            if settings.qido is not None:
                service = Service(settings.qido.url, settings.qido.access(), ctx, Trace())
                return await _by_web(service, settings)
            target = target_of(node, settings)
            return not_configured(node) if target is None else await _by_find(target, settings, ctx)
        except NetFailure as failure:
            return failure.outcome()


async def _by_find(target: Target, settings: StudyFlowSettings, ctx: ProbeContext) -> Outcome:
    async with Queries(target, STUDY_ROOT_FIND, ctx) as queries:

        async def ask(day: date, keys: Mapping[str, str]) -> Day:
            return await studies_of(await queries.association(), day, ctx.zone, keys=keys, limit=settings.limit)

        silent = await _query(ask, queries.trace, settings, ctx)
    return _judge(queries.trace, str(target), silent, settings)


async def _by_web(service: Service, settings: StudyFlowSettings) -> Outcome:
    async def ask(day: date, keys: Mapping[str, str]) -> Day:
        return await studies_by_web(service, day, service.ctx.zone, keys=keys, limit=settings.limit)

    silent = await _query(ask, service.trace, settings, service.ctx)
    return _judge(service.trace, str(service), silent, settings)


async def _query(ask: Ask, trace: Trace, settings: StudyFlowSettings, ctx: ProbeContext) -> list[str]:
    listening = FeedQuery(ask, trace, settings, ctx)
    heard = [await listening.to(feed) for feed in feeds(settings)]
    trace.end()
    return [wrong for wrong in heard if wrong]


async def _by_sender(node: Node, settings: StudyFlowSettings, ctx: ProbeContext) -> Outcome:
    trace = Trace()
    api = node.systems.get(Orthanc.kind)
    if not isinstance(api, OrthancSettings):
        return Outcome.of(Reason.NOT_CONFIGURED, detail=f"senders: node {node.name} needs a block orthanc: {{url: …}}")
    reported = await arrivals(api, ctx.memory.get("change"), ctx, trace)
    trace.end()
    ctx.memory["change"] = reported.last
    if reported.partial:
        trace.flags.append(Flag.CAPPED)
    by_sender = SenderArrivals(reported.series, settings, ctx)
    silent = [wrong for sender in settings.senders if (wrong := by_sender.of(sender, trace))]
    return _judge(trace, f"Orthanc of {node.name}", silent, settings)


class SenderArrivals:
    """What came from whom, added to what is remembered."""

    def __init__(self, series: Sequence[Arrival], settings: StudyFlowSettings, ctx: ProbeContext) -> None:
        self._series, self._settings = series, settings
        self._zone, self._calendar = ctx.zone, ctx.calendar
        self._now = ctx.clock.now()
        self._day = f"{self._date(self._now / SECOND)}"
        memory, self._pauses = ctx.memory, pauses_of(ctx.memory)
        self._newest: dict[str, float] = memory.setdefault("newest", {})
        self._since: dict[str, Micros] = memory.setdefault("since", {})
        if memory.get("day") != self._day:
            memory["day"], memory["counts"] = self._day, {}
        self._counts: dict[str, int] = memory["counts"]

    def of(self, sender: str, trace: Trace) -> str | None:
        """What is wrong with a sender, if anything."""
        came = [one.at for one in self._series if one.sender == sender]
        today = sum(f"{self._date(at)}" == self._day for at in came)
        self._counts[sender] = self._counts.get(sender, 0) + today
        trace.measure("studies_today", self._counts[sender], (("feed", sender),))
        newest = max([*came, self._newest.get(sender, 0.0)])
        last = self._since.setdefault(sender, self._now)
        if newest:
            self._newest[sender] = newest
            trace.measure("study_newest_timestamp_seconds", newest, (("feed", sender),))
            last = round(newest * SECOND)
        limits = Limits([Limit(self._settings.hours or ALWAYS, self._settings.within)])
        if limits.exceeded(last, self._now, self._zone, self._calendar, pauses=self._pauses) is None:
            return None
        what = "the newest series arrived" if newest else "none has arrived since monitoring began"
        return f"{sender}: {what} {duration((self._now - last) / SECOND)} ago, {_allowed(self._settings)}"

    def _date(self, at: float) -> date:
        return datetime.fromtimestamp(at, self._zone).date()


def _judge(trace: Trace, who: str, silent: Sequence[str], settings: StudyFlowSettings) -> Outcome:
    if not silent:
        return trace.outcome(settings.slow)
    detail = f"{who}: {'; '.join(silent)}"
    return Outcome.of(Reason.SILENT, phase=Phase.OPERATION, detail=detail, **trace.seen())


def feeds(settings: StudyFlowSettings) -> list[Feed]:
    """What is listened for, one by one."""
    named = [
        *(Feed(modality, {MODALITIES: modality}) for modality in settings.modalities),
        *(Feed(station, {"StationName": station}) for station in settings.stations),
    ]
    return [Feed(feed.name, {**settings.keys, **feed.keys}) for feed in named or [Feed(EVERYTHING, {})]]


def _of(feed: Feed) -> str:
    return "" if feed.name == EVERYTHING else f" of {feed.name}"


def _allowed(settings: StudyFlowSettings) -> str:
    return f"more than {duration(settings.within)}{' in service hours' if settings.hours else ''}"


class FeedQuery:
    """One run, however the archive is asked."""

    def __init__(self, ask: Ask, trace: Trace, settings: StudyFlowSettings, ctx: ProbeContext) -> None:
        self._ask, self._passage, self._settings = ask, trace, settings
        self._zone, self._calendar = ctx.zone, ctx.calendar
        self._limits = Limits([Limit(settings.hours or ALWAYS, settings.within)])
        self._now = datetime.fromtimestamp(ctx.clock.now() / SECOND, UTC).astimezone(ctx.zone)
        self._remembered: dict[str, Any] = ctx.memory.setdefault("newest", {})
        self._pauses = pauses_of(ctx.memory)

    async def to(self, feed: Feed) -> str | None:
        """What is wrong with a feed, if anything."""
        found, latest = await self._newest(feed)
        newest = max(found.timestamp() if found else 0.0, self._remembered.get(feed.name, 0.0))
        if newest:
            self._remembered[feed.name] = newest
            self._passage.measure("study_newest_timestamp_seconds", newest, (("feed", feed.name),))
        at_most = max(newest, latest.timestamp() if latest else 0.0)
        if not at_most:
            longest_ago = (self._now - LOOK_BACK).timestamp()
            return f"no study{_of(feed)} for {LOOK_BACK.days} days" if self._too_long(longest_ago) else None
        if not self._too_long(at_most):
            return None
        age = duration(self._now.timestamp() - at_most)
        at_least = "at least " if at_most > newest else ""
        return f"the newest study{_of(feed)} began {at_least}{age} ago, {_allowed(self._settings)}"

    def _too_long(self, since: float) -> bool:
        now = round(self._now.timestamp() * SECOND)
        return (
            self._limits.exceeded(round(since * SECOND), now, self._zone, self._calendar, pauses=self._pauses)
            is not None
        )

    async def _newest(self, feed: Feed) -> tuple[datetime | None, datetime | None]:
        """The newest study that was reported, and when the newest can have begun at most, where a list was cut.

        Day by day backwards, so that an archive with studies of today is asked once.
        """
        within = timedelta(seconds=self._settings.within)
        first = self._now - (within if feed.name in self._remembered else max(within, LOOK_BACK))
        day = self._now.date()
        while day >= first.date():
            found = await self._ask(day, feed.keys)
            if day == self._now.date():
                self._passage.measure("studies_today", found.studies, (("feed", feed.name),))
            latest = min(datetime.combine(day, time.max, self._zone), self._now) if found.cut else None
            if found.newest is not None or found.cut:
                return found.newest and min(found.newest, self._now), latest
            day -= timedelta(days=1)
        return None, None
