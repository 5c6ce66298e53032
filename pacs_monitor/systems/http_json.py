"""Any service that answers with JSON: its numbers, located by JSONPath (RFC 9535), become volumes and queues.

A path that finds several values, or a list, counts them. A path that finds nothing is `bad_content`: an answer whose
form has changed is not interpreted. A number that is null or below zero is unknown, and so is its volume or queue.
Times may be Unix time in seconds or milliseconds, or ISO 8601.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, ClassVar

import jsonpath
from pydantic import AfterValidator

from pacs_monitor import http
from pacs_monitor.fields import Settings
from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import Node, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.shared.resources import Gap, Queue, Volume
from pacs_monitor.systems.shared.sizes import NOT_REPORTED, volume

_NO_LENGTH = Gap(Reason.NOT_MEASURED, "the service does not report its length")
_NO_SIZE = Gap(Reason.NOT_MEASURED, "the service does not report its size")
MILLISECONDS = 1e11
"""Unix time above this is in milliseconds: as seconds it would be the year 5138."""


def _path(value: str) -> str:
    try:
        jsonpath.compile(value)
    except jsonpath.JSONPathError:
        raise ValueError(f"{value!r} is not a JSONPath; write $.queue.length") from None
    return value


JsonPath = Annotated[str, AfterValidator(_path)]


class QueuePaths(Settings):
    path: str = ""
    """The path to request, appended to url."""
    length: JsonPath
    """How many items wait."""
    oldest: JsonPath | None = None
    """When the longest waiting item arrived; if there are several times, the earliest."""
    in_progress: JsonPath | None = None
    """How many items are in progress."""
    failed: JsonPath | None = None
    """How many failed items there are."""


class VolumePaths(Settings):
    path: str = ""
    """The path to request, appended to url."""
    used: JsonPath
    """Bytes in use."""
    free: JsonPath
    """Bytes free."""


class HttpJsonSettings(HttpSettings):
    queues: Mapping[str, QueuePaths] = {}
    """Name of a queue → where its numbers are."""
    volumes: Mapping[str, VolumePaths] = {}
    """Name of a volume → where its numbers are."""


class HttpJson:
    kind: ClassVar[str] = "http_json"
    settings: ClassVar[type[HttpJsonSettings]] = HttpJsonSettings

    def __init__(self, settings: HttpJsonSettings) -> None:
        self._settings = settings

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        found = []
        bodies = await self._bodies(self._settings.queues.values(), ctx, trace)
        for name, paths in self._settings.queues.items():
            body = bodies[paths.path]
            oldest = _values(body, paths.oldest, trace) if paths.oldest else []
            length = _number(body, paths.length, trace)
            found.append(
                Queue(
                    name,
                    length,
                    oldest=min((_time(value, trace) for value in oldest if value is not None), default=None),
                    in_progress=_number(body, paths.in_progress, trace) if paths.in_progress else None,
                    failed=_number(body, paths.failed, trace) if paths.failed else None,
                    gap=_NO_LENGTH if length is None else None,
                )
            )
        return found

    async def volumes(
        self, _node: Node, ctx: ProbeContext, trace: Trace, _named: Sequence[str] = ()
    ) -> Sequence[Volume]:
        found = []
        bodies = await self._bodies(self._settings.volumes.values(), ctx, trace)
        for name, paths in self._settings.volumes.items():
            body = bodies[paths.path]
            used, free = _number(body, paths.used, trace), _number(body, paths.free, trace)
            reported = volume(name, used=used, free=free)
            found.append(replace(reported, gap=_NO_SIZE) if reported.gap is NOT_REPORTED else reported)
        return found

    async def _bodies(
        self, asked: Iterable[QueuePaths | VolumePaths], ctx: ProbeContext, trace: Trace
    ) -> dict[str, Any]:
        """Each answer is asked for once."""
        return {path: await self._json(path, ctx, trace) for path in dict.fromkeys(paths.path for paths in asked)}

    async def _json(self, path: str, ctx: ProbeContext, trace: Trace) -> Any:
        settings = self._settings
        answer = await http.request("GET", settings.url + path, ctx, trace, access=settings.access())
        http.expect(answer, "the service", 200)
        return http.read_json(answer, "the service")


def _values(body: Any, path: str, trace: Trace) -> list[Any]:
    try:
        return list(jsonpath.findall(path, body))
    except (jsonpath.JSONPathError, RecursionError):
        raise _lacks(path, trace) from None


def _number(body: Any, path: str, trace: Trace) -> int | None:
    """One number, or how many values there are; a wildcard or filter may rightly find none. None when not known."""
    values = _values(body, path, trace)
    several = not jsonpath.compile(path).singular_query()  # type: ignore[union-attr]  # only a path with | has none
    if several:
        return len(values)
    if len(values) == 1 and isinstance(values[0], list):
        return len(values[0])
    if len(values) == 1 and values[0] is None:
        return None
    try:
        number = round(float(values[0]))
        return number if number >= 0 else None
    except (LookupError, TypeError, ValueError, OverflowError):
        raise _lacks(path, trace) from None


def _time(value: Any, trace: Trace) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _iso(value, trace)
    if not isfinite(seconds):
        return _iso(value, trace)
    return seconds / 1000 if seconds > MILLISECONDS else seconds


def _iso(value: Any, trace: Trace) -> float:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise HttpError(Reason.BAD_CONTENT, "a value that should be a time is not one", trace) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _lacks(path: str, trace: Trace) -> HttpError:
    return HttpError(Reason.BAD_CONTENT, f"the answer of the service has no number at {path}", trace)
