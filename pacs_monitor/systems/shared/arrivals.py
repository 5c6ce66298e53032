"""Which AE has sent what to an Orthanc, and when, by its REST API.

The account needs GET /changes, /series/ID and /instances/ID/metadata/RemoteAET in addition to those that `orthanc`
lists. Of a series only the calling AE title of its first object and the time of its arrival are read.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from pacs_monitor import http
from pacs_monitor.http import HttpError
from pacs_monitor.model import ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.systems.orthanc import OrthancSettings
from pacs_monitor.systems.shared.times import of_orthanc

CHANGES_BACK = 2000
"""Changes that are looked through at most."""
SERIES_LOOKED_AT = 100
"""New series whose sender is asked for at most, by two requests each."""
SIZE_LIMIT = 4 << 20
"""Bytes of a list of changes."""
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
"""An Orthanc identifier is a SHA-1 in five groups."""


class Arrival(NamedTuple):
    """A new series: which AE sent it, and when it came, in seconds of Unix time."""

    sender: str
    at: float


class Arrivals(NamedTuple):
    series: tuple[Arrival, ...]
    last: int
    """The number of the last change, from which to look on."""
    partial: bool
    """There were more than were looked at."""


async def arrivals(settings: OrthancSettings, since: int | None, ctx: ProbeContext, trace: Trace) -> Arrivals:
    """New series after a change, or of the last changes; raises NetFailure."""
    asking = _Asking(settings, ctx, trace)
    try:
        last = int((await asking.json("/changes?last"))["Last"])
        begin = max(0, last - CHANGES_BACK)
        after = begin if since is None or since > last else max(since, begin)  # since > last: another database
        changes = (await asking.json(f"/changes?since={after}&limit={CHANGES_BACK}"))["Changes"]
        new = [(str(one["ID"]), of_orthanc(one["Date"])) for one in changes if one["ChangeType"] == "NewSeries"]
        looked_at = new[-SERIES_LOOKED_AT:]
        senders = [await asking.sender(series) for series, _ in looked_at]
    except (LookupError, TypeError, ValueError):
        raise HttpError(
            Reason.BAD_CONTENT, "wrong url? The server that answers /changes is not Orthanc", trace
        ) from None
    series = tuple(Arrival(sender, at) for sender, (_, at) in zip(senders, looked_at, strict=True) if sender)
    missed = since is not None and since < after
    return Arrivals(series, last, missed or len(new) > len(looked_at))


class _Asking(NamedTuple):
    settings: OrthancSettings
    ctx: ProbeContext
    trace: Trace

    async def sender(self, series: str) -> str | None:
        """The calling AE title of a series' first object; None where it did not come by DICOM, or is gone already."""
        found = await self.json(f"/series/{_identifier(series)}")
        if not found or not found["Instances"]:
            return None
        instance = _identifier(found["Instances"][0])
        sender = await self._get(f"/instances/{instance}/metadata/RemoteAET")
        return sender.decode("ascii").strip() if sender else None

    async def json(self, path: str) -> Any:
        body = await self._get(path)
        return None if body is None else json.loads(body)

    async def _get(self, path: str) -> bytes | None:
        """None where there is nothing."""
        url, access = self.settings.url + path, self.settings.access()
        answer = await http.request("GET", url, self.ctx, self.trace, access=access, size_limit=SIZE_LIMIT)
        http.expect(answer, f"Orthanc's /{re.split('[/?]', path)[1]}", 200, 404)
        return answer.body if answer.status == 200 else None


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError("not an Orthanc identifier")
    return text
