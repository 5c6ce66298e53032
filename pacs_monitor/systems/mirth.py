"""Mirth Connect and Open Integration Engine: channel queues, received messages per channel, the engine's disk.

Each deployed channel is a queue and a feed under its name, and each of its destinations a queue as
`CHANNEL/DESTINATION`, because a channel keeps running when one of its destinations has stopped or fails. Messages and
their times are never requested, so no age is reported: watch length, growth and `failed` (Mirth's errors, which users
may clear).

The account needs permission to view the dashboard; an engine without roles has only one kind of user, who may do
everything. Every request has the header X-Requested-With, which the engine requires since 3.12.

Written from the sources of the engines (nextgenhealthcare/connect, OpenIntegrationEngine/engine) and tested against a
simulated server that follows them, not against a real engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pacs_monitor import http
from pacs_monitor.http import HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.resources import Feed, Gap, Queue, Volume
from pacs_monitor.systems.shared.schema_errors import read_as
from pacs_monitor.systems.shared.sizes import volume, whole

HEADERS = {"X-Requested-With": "pacs-monitor", "Accept": "application/json"}
PRODUCT, STATUSES, STATS = "Mirth", "/channels/statuses", "/system/stats"
_AT_WORK = "STARTED"


class MirthSettings(HttpSettings):
    """The engine's REST API; its url is usually https://HOST:8443, and /api is added."""


class Mirth:
    kind: ClassVar[str] = "mirth"
    settings: ClassVar[type[MirthSettings]] = MirthSettings

    def __init__(self, settings: MirthSettings) -> None:
        self._settings = settings

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        channels = await self._channels(ctx, trace)
        with read_as(PRODUCT, STATUSES, trace):
            return [queue for channel in channels for queue in _queues(channel)]

    async def feeds(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Feed]:
        channels = await self._channels(ctx, trace)
        with read_as(PRODUCT, STATUSES, trace):
            return [_feed(channel) for channel in channels]

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        stats = _inner(await self._json(STATS, ctx, trace), "com.mirth.connect.model.SystemStats")
        with read_as(PRODUCT, STATS, trace):
            free, total = whole(stats["diskFreeBytes"]), whole(stats["diskTotalBytes"])
        used = None if free is None or total is None else total - free
        return [volume("engine", used=used, free=free, size=total)]

    async def _channels(self, ctx: ProbeContext, trace: Trace) -> list[Mapping[str, Any]]:
        return _several(_inner(await self._json(STATUSES, ctx, trace), "list"), "dashboardStatus")

    async def _json(self, path: str, ctx: ProbeContext, trace: Trace) -> Any:
        settings, what = self._settings, f"Mirth's {path}"
        url, access = f"{settings.url}/api{path}", settings.access()
        answer = await http.request("GET", url, ctx, trace, access=access, headers=HEADERS)
        http.expect(answer, what, 200)
        return http.read_json(answer, what)


def _inner(reported: Any, name: str) -> Any:
    """What stands under the one name that Mirth's JSON begins with."""
    return reported.get(name, reported) if isinstance(reported, dict) else reported


def _several(reported: Any, name: str) -> list[Any]:
    """A list, of which Mirth's JSON makes the one item when there is one, and null or "" when there is none."""
    found = _inner(reported, name)
    if isinstance(found, list):
        return found
    return [found] if found and found is not reported else []


def _statistics(part: Mapping[str, Any]) -> dict[str, int]:
    """A map of Mirth: entries that each hold the name of a number and the number, whatever their types are called."""
    entries = _several(_inner(part.get("statistics"), "linked-hash-map"), "entry")
    found = {}
    for entry in entries:
        values = entry.values() if isinstance(entry, dict) else ()
        names = [value for value in values if isinstance(value, str) and not value.isdecimal()]
        numbers = [int(value) for value in values if not isinstance(value, str) or value.isdecimal()]
        found[names[0]] = numbers[0]
    return found


def _queues(channel: Mapping[str, Any]) -> Iterable[Queue]:
    yield _queue(str(channel["name"]), channel)
    children = _several(channel.get("childStatuses"), "dashboardStatus")
    count = Counter(child["name"] for child in children)
    for child in children:
        if child.get("metaDataId") not in (0, "0"):  # 0 is the source, which the channel itself stands for
            row = str(child.get("metaDataId")) if count[child["name"]] > 1 else ""
            yield _queue(f"{channel['name']}/{child['name']}", child, row)


def _queue(name: str, part: Mapping[str, Any], row: str = "") -> Queue:
    """Nothing is in progress where a part does not run; that one does is not reported."""
    stands = None if part["state"] == _AT_WORK else 0
    errors = _statistics(part).get("ERROR")
    queued = whole(part.get("queued"))
    gap = Gap(Reason.NOT_MEASURED, "Mirth does not report its length", quiet=True) if queued is None else None
    return Queue(name, queued, in_progress=stands, failed=errors, failed_is_total=True, gap=gap, row=row)


def _feed(channel: Mapping[str, Any]) -> Feed:
    return Feed(str(channel["name"]), _statistics(channel).get("RECEIVED"), channel["state"] == _AT_WORK)
