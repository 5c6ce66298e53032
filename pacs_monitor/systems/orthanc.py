"""Orthanc's REST API: how full its storage is, and its jobs; also deletes our own test objects.

Tested with 1.10.1. The account needs GET /system, /statistics, /jobs and /tools/metrics-prometheus; for the clean-up of
test objects also POST /tools/lookup and DELETE /instances/ID. Orthanc itself has no such permissions: use an
authorization plugin or a proxy.

The volume is `storage`. Orthanc fills it up to MaximumStorageSize, and then refuses new objects or deletes the oldest
patient (MaximumStorageMode). It reports that size since 1.11.3; older versions need `maximum_storage` here. If there is
no such limit, monitor the machine instead (`node_exporter`, `snmp`, `local`).

The queue is `jobs`. Orthanc keeps only the last ten finished jobs (JobsHistorySize), so a burst of more failures
between two runs is not counted in full. When there are so many jobs that listing them would burden Orthanc, only their
number is reported, from its metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pacs_monitor import http
from pacs_monitor.fields import Size
from pacs_monitor.http import HttpError, HttpSettings, Response
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.exposition import parse
from pacs_monitor.systems.shared.resources import Queue, Volume
from pacs_monitor.systems.shared.schema_errors import read_as
from pacs_monitor.systems.shared.sizes import volume
from pacs_monitor.systems.shared.times import of_orthanc

_INSTANCE = re.compile(r"/instances/[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
"""An Orthanc identifier is a SHA-1 in five groups."""


PRODUCT = "Orthanc"
_WAITING, _RUNNING, _FAILED = ("Pending", "Retry"), "Running", "Failure"
_COUNTS = ("orthanc_jobs_pending", "orthanc_jobs_running")
_FAILED_KEPT, *_FAILED_EVER = ("orthanc_jobs_failed", "orthanc_jobs_total_failed", "orthanc_jobs_total_failure")
"""By version: of the jobs that are kept, or since the start."""
JOBS_LIMIT = 4 << 20
"""Bytes of a list of jobs: some thousands."""


class OrthancSettings(HttpSettings):
    """Orthanc's REST API."""

    maximum_storage: Size | None = None
    """Its storage limit (MaximumStorageSize), for Orthanc before 1.11.3, which does not report it."""


class Orthanc:
    kind: ClassVar[str] = "orthanc"
    settings: ClassVar[type[OrthancSettings]] = OrthancSettings

    def __init__(self, settings: OrthancSettings) -> None:
        self._settings = settings

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        system = await self._json("/system", ctx, trace)
        statistics = await self._json("/statistics", ctx, trace)
        with read_as(PRODUCT, "/statistics", trace):
            used = int(statistics["TotalDiskSize"])  # a text
            reported = int(system.get("MaximumStorageSize", 0)) << 20
        size = reported or self._settings.maximum_storage
        if not size:
            detail = (
                "set maximum_storage in its block: Orthanc has no limit (MaximumStorageSize) or is too old to report it"
            )
            raise HttpError(Reason.NOT_CONFIGURED, detail, trace)
        return [volume("storage", used=used, free=max(0, size - used))]

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        try:
            jobs = await self._get("/jobs?expand", ctx, trace, size_limit=JOBS_LIMIT)
        except HttpError as error:
            if error.reason is not Reason.BAD_CONTENT:
                raise
            return [await self._counted(ctx, trace)]
        listed = http.read_json(jobs, "Orthanc's /jobs")
        with read_as(PRODUCT, "/jobs", trace):
            return [_jobs(listed)]

    async def _counted(self, ctx: ProbeContext, trace: Trace) -> Queue:
        """Too many jobs to list them: their numbers alone."""
        answer = await self._get("/tools/metrics-prometheus", ctx, trace)
        samples = parse(answer, (*_COUNTS, _FAILED_KEPT, *_FAILED_EVER), "Orthanc's metrics")
        with read_as(PRODUCT, "/tools/metrics-prometheus", trace):
            numbers = {name: int(value) for name, _, value in samples}
            waiting, running = (numbers[name] for name in _COUNTS)
            failed = next((name for name in (_FAILED_KEPT, *_FAILED_EVER) if name in numbers), _FAILED_KEPT)
            is_total = failed in _FAILED_EVER
            return Queue("jobs", waiting, in_progress=running, failed=numbers.get(failed), failed_is_total=is_total)

    async def delete_instance(self, sop_instance: str, ctx: ProbeContext) -> bool:
        """Delete every copy of an instance; whether there was one. Raises HttpError unless it is gone then."""
        there = await self._lookup(sop_instance, ctx)
        for path in there:
            http.expect(await self._ask("DELETE", path, ctx), "Orthanc's DELETE", 200, 404)
        if there and await self._lookup(sop_instance, ctx):
            raise HttpError(Reason.CLEANUP_FAILED, "Orthanc confirmed a deletion but still has the instance")
        return bool(there)

    async def _lookup(self, sop_instance: str, ctx: ProbeContext) -> list[str]:
        """One UID may name several instances: of files that differ in patient, study or series."""
        answer = await self._ask("POST", "/tools/lookup", ctx, body=sop_instance.encode())
        http.expect(answer, "Orthanc's /tools/lookup", 200)
        found = http.read_json(answer, "Orthanc's /tools/lookup")
        try:
            paths = [str(entry["Path"]) for entry in found if entry["Type"] == "Instance"]
        except (LookupError, TypeError):
            paths = [""]
        if not isinstance(found, list) or not all(_INSTANCE.fullmatch(path) for path in paths):
            raise HttpError(Reason.BAD_CONTENT, "wrong url? The server that answers /tools/lookup is not Orthanc")
        return paths

    async def _json(self, path: str, ctx: ProbeContext, trace: Trace) -> Any:
        return http.read_json(await self._get(path, ctx, trace), f"Orthanc's {path}")

    async def _get(self, path: str, ctx: ProbeContext, trace: Trace, size_limit: int = http.SIZE_LIMIT) -> Response:
        url, access = self._settings.url + path, self._settings.access()
        answer = await http.request("GET", url, ctx, trace, access=access, size_limit=size_limit)
        http.expect(answer, f"Orthanc's {path.partition('?')[0]}", 200)
        return answer

    async def _ask(self, method: str, path: str, ctx: ProbeContext, body: bytes | None = None) -> Response:
        settings = self._settings
        return await http.request(method, settings.url + path, ctx, Trace(), access=settings.access(), body=body)


def _jobs(jobs: Iterable[Mapping[str, Any]]) -> Queue:
    """Of each job only its state, identifier and time are looked at: the rest may name patients.

    A job without a time that can be read waits all the same.
    """
    states = [(job["State"], job["ID"], job.get("CreationTime")) for job in jobs]
    waiting = [at for state, _, at in states if state in _WAITING]
    created = [time for at in waiting if (time := _time(at)) is not None]
    return Queue(
        "jobs",
        len(waiting),
        oldest=min(created, default=None),
        newest=max(created, default=None),
        in_progress=sum(state == _RUNNING for state, _, _ in states),
        failures=frozenset(str(job)[:36] for state, job, _ in states if state == _FAILED),
    )


def _time(text: object) -> float | None:
    try:
        return of_orthanc(str(text))
    except ValueError:
        return None
