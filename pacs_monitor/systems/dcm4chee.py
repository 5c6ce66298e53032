"""dcm4chee-arc-light's REST API: its storages, its queues; and our own test objects are rejected and deleted over it.

An instance is rejected (113001, DCM, "Rejected for Quality Reasons"), and then its study is asked to be deleted, which
the archive does when every instance of it is rejected. Purging by rejection code (`DELETE /reject/113001^DCM`) is never
used: it would also purge what the department has rejected.

Volumes are the storages, by their dcmStorageID. dcm4chee leaves out a storage that it cannot read: name those that must
be there under the check's `volumes`. Queues are its task queues; of a task only the time for which it is scheduled is
looked at, as it may name patients. While all are scheduled for later, only those that are tried again count as waiting.

A secured archive wants a `token`; a role that may use /storage and /queue is enough to watch it.

Written by its interface description (docs/swagger/openapi.json) and proved against a server of the tests that keeps to
it: no dcm4chee was at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar
from urllib.parse import quote

from pacs_monitor import http
from pacs_monitor.fields import AETitle, Texts
from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import SECOND, Node, ProbeContext, Reason
from pacs_monitor.net import Passage
from pacs_monitor.systems.answers import Queue, Volume
from pacs_monitor.systems.forms import read_as

REJECTION = "113001^DCM"
PRODUCT = "dcm4chee"
SCHEDULED, RETRY, IN_PROCESS, FAILED = "SCHEDULED", "SCHEDULED FOR RETRY", "IN PROCESS", "FAILED"
_NOT_YET = {403: "has instances that are not rejected", 409: "is being worked on"}


class Dcm4cheeSettings(HttpSettings):
    """dcm4chee's REST API; its url ends with /dcm4chee-arc."""

    ae_title: AETitle
    """The AE title of the archive that may reject and delete."""
    queues: Texts = ()
    """Names or globs of the task queues to ask for (four or five requests each); all unless given."""


class Dcm4chee:
    kind: ClassVar[str] = "dcm4chee"
    settings: ClassVar[type[Dcm4cheeSettings]] = Dcm4cheeSettings

    def __init__(self, settings: Dcm4cheeSettings) -> None:
        self._settings = settings

    async def volumes(self, _node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Volume]:
        storages = await self._json("/storage", ctx, passage)
        with read_as(PRODUCT, "/storage", passage):
            return [_volume(storage) for storage in storages]

    async def queues(self, _node: Node, ctx: ProbeContext, passage: Passage) -> Sequence[Queue]:
        described = await self._json("/queue", ctx, passage)
        with read_as(PRODUCT, "/queue", passage):
            names = [str(queue["name"]) for queue in described]
        wanted = [name for name in names if _wanted(name, self._settings.queues)]
        return [await self._queue(name, ctx, passage) for name in wanted]

    async def _queue(self, name: str, ctx: ProbeContext, passage: Passage) -> Queue:
        path = f"/queue/{quote(name, safe='')}"
        counts = {}
        for status in (SCHEDULED, RETRY, IN_PROCESS, FAILED):
            counted = await self._json(f"{path}/count?status={quote(status)}", ctx, passage)
            with read_as(PRODUCT, "/queue", passage):
                counts[status] = int(counted["count"])
        oldest = await self._oldest(path, ctx, passage) if counts[SCHEDULED] else None
        waiting = counts[RETRY] + (0 if oldest is None else counts[SCHEDULED])
        return Queue(name, waiting, oldest, in_progress=counts[IN_PROCESS], failed=counts[FAILED])

    async def _oldest(self, path: str, ctx: ProbeContext, passage: Passage) -> float | None:
        """When the first waiting task was due; None while all are scheduled for later."""
        query = f"?status={SCHEDULED}&orderby=scheduledTime&limit=1"
        tasks = await self._json(path + query, ctx, passage)
        with read_as(PRODUCT, "/queue", passage):
            due = [_time(task["scheduledTime"]) for task in tasks]
        return min((at for at in due if at <= ctx.clock.now() / SECOND), default=None)

    async def _json(self, path: str, ctx: ProbeContext, passage: Passage) -> Any:
        settings = self._settings
        answer = await http.ask("GET", settings.url + path, ctx, passage, access=settings.access())
        what = f"dcm4chee's {path.partition('?')[0]}"
        http.expect(answer, what, 200, 204)
        return http.read_json(answer, what) if answer.status == 200 else []

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
            raise HttpError(Reason.CLEANUP_FAILED, f"dcm4chee hides the object, but keeps it: its study {why}")
        return there

    async def _ask(self, method: str, path: str, ctx: ProbeContext, *expected: int) -> int:
        settings = self._settings
        url = f"{settings.url}/aets/{quote(settings.ae_title)}/rs{path}"
        answer = await http.ask(method, url, ctx, Passage(), access=settings.access())
        http.expect(answer, f"dcm4chee's {method}", *expected)
        return answer.status


def _wanted(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _volume(storage: Any) -> Volume:
    """`dcmStorageThresholdExceeded` is there when it was marked as full."""
    return Volume(
        str(storage["dcmStorageID"]),
        used=int(storage["totalSpace"]) - int(storage["usableSpace"]),
        free=int(storage["usableSpace"]),
        read_only=storage.get("dcmReadOnly") in (True, "true"),
        full="dcmStorageThresholdExceeded" in storage,
    )


def _time(text: str) -> float:
    """ISO 8601 with an offset, as 2026-11-24T08:00:00.123+0000."""
    return datetime.fromisoformat(text).timestamp()
