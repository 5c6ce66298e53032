"""Orthanc's REST API: our own test objects are deleted over it.

Tried with 1.10.1. No more is asked of it than to look up one UID and to delete one instance, so that an account limited
to that (by an authorization plugin or a proxy) is enough.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pacs_monitor import http
from pacs_monitor.http import Answer, HttpError, HttpSettings
from pacs_monitor.model import ProbeContext, Reason
from pacs_monitor.net import Passage

_INSTANCE = re.compile(r"/instances/[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
"""An Orthanc identifier is a SHA-1 in five groups."""


class OrthancSettings(HttpSettings):
    """Orthanc's REST API."""


class Orthanc:
    kind: ClassVar[str] = "orthanc"
    settings: ClassVar[type[OrthancSettings]] = OrthancSettings

    def __init__(self, settings: OrthancSettings) -> None:
        self._settings = settings

    async def delete_instance(self, sop_instance: str, ctx: ProbeContext) -> bool:
        """Delete every copy of an instance; whether there was one. Raises HttpError unless it is gone then."""
        there = await self._lookup(sop_instance, ctx)
        for path in there:
            http.expect(await self._ask("DELETE", path, ctx), "Orthanc's DELETE", 200, 404)
        if there and await self._lookup(sop_instance, ctx):
            raise HttpError(Reason.CLEANUP_FAILED, "Orthanc confirmed a deletion, and still knows the instance")
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
        if not all(_INSTANCE.fullmatch(path) for path in paths):
            raise HttpError(Reason.BAD_CONTENT, "what answers to /tools/lookup is not Orthanc")
        return paths

    async def _ask(self, method: str, path: str, ctx: ProbeContext, body: bytes | None = None) -> Answer:
        settings = self._settings
        return await http.ask(method, settings.url + path, ctx, Passage(), access=settings.access(), body=body)
