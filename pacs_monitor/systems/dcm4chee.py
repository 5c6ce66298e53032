"""dcm4chee-arc-light's REST API: its storages and queues; also rejects and deletes our own test objects.

An instance is rejected (113001, DCM, "Rejected for Quality Reasons"), and then deletion of its study is requested,
which the archive performs once every instance of it is rejected. Purging by rejection code (`DELETE
/reject/113001^DCM`) is never used: it would also purge what the department has rejected.

Volumes are the storages, by their dcmStorageID. dcm4chee omits a storage that it cannot read: name those that must be
there under the check's `volumes`. A cloud storage has no size (dcm4chee reports -1, or nothing): if it is named, it is
unknown until dcm4chee marks it as full.

Queues are its task queues; of a task only its scheduled time and its number of failures are read, because it may name
patients. While all tasks are scheduled for later, only retries count as waiting.

Before 5.31 a retry is SCHEDULED like any other task, and before 5.24 tasks cannot be sorted by their scheduled time:
the hundred oldest tasks are then examined. Before 5.12 tasks cannot be counted and are listed instead, five hundred at
most.

A secured archive needs a `token`; for monitoring, a role that may use /storage and /queue is enough.

Written from its interface description (docs/swagger/openapi.json) and tested against a simulated server that follows
it, not against a real dcm4chee.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from pacs_monitor import http
from pacs_monitor.fields import AETitle, Texts
from pacs_monitor.http import HttpError, HttpSettings, Response
from pacs_monitor.model import SECOND, Flag, Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.resources import Gap, Queue, Volume
from pacs_monitor.systems.shared.schema_errors import read_as
from pacs_monitor.systems.shared.sizes import NOT_REPORTED, volume, whole

REJECTION = "113001^DCM"
PRODUCT = "dcm4chee"
LOOKED_AT = 100
"""Tasks of which the oldest is looked for where dcm4chee does not report it."""
LISTED = 500
"""Tasks that are counted one by one where dcm4chee does not count."""
_ORDERS = ("&orderby=scheduledTime", "&orderby=createdTime", "")
"""Since 5.24 (dcm4chee-arc-light, issue 3388), since 5.13 (issue 1302), and before; what it does not know is 400."""
_LOCAL = "file:"
_FULL_OR_GONE = Gap(Reason.NOT_MEASURED, "dcm4chee reports no usable space: it is full or missing")
"""Up to 5.13 a storage of which nothing is usable has neither usableSpace nor totalSpace."""
SCHEDULED, RETRY, IN_PROCESS, FAILED = "SCHEDULED", "SCHEDULED FOR RETRY", "IN PROCESS", "FAILED"
_NOT_YET = {403: "has instances that are not rejected", 409: "is being processed"}


class Dcm4cheeSettings(HttpSettings):
    """dcm4chee's REST API; its url ends with /dcm4chee-arc."""

    ae_title: AETitle
    """The archive AE title under which objects are rejected and deleted."""
    queues: Texts = ()
    """Names or globs of the task queues to query (up to six requests each); all by default."""

    def peer(self, node: Node) -> tuple[str, ...]:
        return *super().peer(node), self.ae_title


class Dcm4chee:
    kind: ClassVar[str] = "dcm4chee"
    settings: ClassVar[type[Dcm4cheeSettings]] = Dcm4cheeSettings

    def __init__(self, settings: Dcm4cheeSettings) -> None:
        self._settings = settings
        self._tells_retries = True
        self._order = 0
        """Which of _ORDERS this dcm4chee knows, as far as it was asked."""

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        storages = await self._json("/storage", ctx, trace)
        with read_as(PRODUCT, "/storage", trace):
            return [_volume(storage) for storage in storages]

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        described = await self._json("/queue", ctx, trace)
        with read_as(PRODUCT, "/queue", trace):
            names = [str(queue["name"]) for queue in described]
        wanted = [name for name in names if _wanted(name, self._settings.queues)]
        return [await self._queue(name, ctx, trace) for name in wanted]

    async def _queue(self, name: str, ctx: ProbeContext, trace: Trace) -> Queue:
        path = f"/queue/{quote(name, safe='')}"
        scheduled = await self._count(path, SCHEDULED, ctx, trace)
        retried = await self._count(path, RETRY, ctx, trace) if self._tells_retries else None
        in_process, failed = [await self._count(path, status, ctx, trace) for status in (IN_PROCESS, FAILED)]
        due = await self._due(path, scheduled or 0, ctx, trace) if scheduled else Due()
        again = due.retried if retried is None else retried
        waiting = again + (scheduled or 0 if due.some else 0)
        return Queue(name, waiting, due.since, in_progress=in_process, failed=failed)

    async def _count(self, path: str, status: str, ctx: ProbeContext, trace: Trace) -> int | None:
        """How many tasks have a status; None where dcm4chee does not know it (400)."""
        also = (400,) if status == RETRY else ()
        answer = await self._get(f"{path}/count?status={quote(status)}", ctx, trace, 404, 405, *also)
        if answer.status == 400:
            self._tells_retries = False
            return None
        if answer.status in (404, 405):
            return await self._listed(path, status, ctx, trace, *also)
        counted = _content(answer, path)
        with read_as(PRODUCT, "/queue", trace):
            return int(counted["count"])

    async def _listed(self, path: str, status: str, ctx: ProbeContext, trace: Trace, *also: int) -> int | None:
        answer = await self._get(f"{path}?status={quote(status)}&limit={LISTED}", ctx, trace, *also)
        if answer.status == 400:
            self._tells_retries = False
            return None
        tasks = _content(answer, path)
        with read_as(PRODUCT, "/queue", trace):
            if len(tasks) >= LISTED:
                trace.flags.append(Flag.CAPPED)
            return len(tasks)

    async def _due(self, path: str, scheduled: int, ctx: ProbeContext, trace: Trace) -> Due:
        """What is due of the scheduled tasks, in the best order that this dcm4chee knows."""
        while True:
            order, more = _ORDERS[self._order], (400,) if self._order + 1 < len(_ORDERS) else ()
            limit = LOOKED_AT if self._order else 1
            query = f"?status={SCHEDULED}{order}&limit={limit}"
            answer = await self._get(path + query, ctx, trace, *more)
            if answer.status != 400:
                break
            self._order += 1
        tasks = _content(answer, path)
        with read_as(PRODUCT, "/queue", trace):
            return _due(tasks, ctx.clock.now() / SECOND, whole_list=limit == 1 or len(tasks) >= scheduled)

    async def _json(self, path: str, ctx: ProbeContext, trace: Trace) -> Any:
        return _content(await self._get(path, ctx, trace), path)

    async def _get(self, path: str, ctx: ProbeContext, trace: Trace, *also: int) -> Response:
        settings = self._settings
        answer = await http.request("GET", settings.url + path, ctx, trace, access=settings.access())
        http.expect(answer, _asked(path), 200, 204, *also)
        return answer

    async def delete_instance(self, study: str, series: str, sop_instance: str, ctx: ProbeContext) -> bool:
        """Reject an instance of a test study, and delete the study; whether the instance was there.

        Raises HttpError when it was rejected, but is not purged yet.
        """
        instance = f"/studies/{study}/series/{series}/instances/{sop_instance}"
        rejected = await self._ask("POST", f"{instance}/reject/{quote(REJECTION)}", ctx, 200, 204, 404)
        deleted = await self._ask("DELETE", f"/studies/{study}", ctx, 200, 204, 404, *_NOT_YET)
        there = rejected != 404
        if there and deleted in _NOT_YET:
            why = _NOT_YET[deleted]
            raise HttpError(Reason.CLEANUP_FAILED, f"dcm4chee hides the object but keeps it: its study {why}")
        return there

    async def _ask(self, method: str, path: str, ctx: ProbeContext, *expected: int) -> int:
        settings = self._settings
        url = f"{settings.url}/aets/{quote(settings.ae_title)}/rs{path}"
        answer = await http.request(method, url, ctx, Trace(), access=settings.access())
        http.expect(answer, f"dcm4chee's {method}", *expected)
        return answer.status


def _wanted(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


class Due(NamedTuple):
    """What is known of scheduled tasks."""

    since: float | None = None
    """When the first that is due was due."""
    some: bool = False
    """At least one is due, or may be."""
    retried: int = 0
    """Scheduled for later, having failed before."""


def _due(tasks: Any, now: float, *, whole_list: bool) -> Due:
    """`whole_list`: none that is due stands beyond these."""
    times = [(_time(task["scheduledTime"]), whole(task.get("failures"))) for task in tasks]
    due = [at for at, _ in times if at <= now]
    return Due(min(due, default=None), bool(due) or not whole_list, sum(at > now and bool(n) for at, n in times))


def _asked(path: str) -> str:
    return f"dcm4chee's {path.partition('?')[0]}"


def _content(answer: Response, path: str) -> Any:
    return http.read_json(answer, _asked(path)) if answer.status == 200 else []


def _volume(storage: Any) -> Volume:
    """`dcmStorageThresholdExceeded` is there when it was marked as full."""
    total, usable = whole(storage.get("totalSpace")), whole(storage.get("usableSpace"))
    full, read_only = "dcmStorageThresholdExceeded" in storage, storage.get("dcmReadOnly") in (True, "true")
    gap = _FULL_OR_GONE if str(storage["dcmURI"]).startswith(_LOCAL) else NOT_REPORTED._replace(quiet=not full)
    return volume(
        str(storage["dcmStorageID"]),
        used=None if total is None or usable is None else total - usable,
        free=usable,
        size=total,
        read_only=read_only,
        full=full,
        **({"gap": gap} if usable is None else {}),
    )


def _time(text: str) -> float:
    """ISO 8601 with an offset, as 2026-11-24T08:00:00.123+0000."""
    return datetime.fromisoformat(text).timestamp()
