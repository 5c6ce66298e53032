"""dcm4chee-arc-light's REST API: our own test objects are rejected over it, and then deleted for good.

An instance is rejected (113001, DCM, "Rejected for Quality Reasons"), and then its study is asked to be deleted, which
the archive does when every instance of it is rejected. Purging by rejection code (`DELETE /reject/113001^DCM`) is never
used: it would also purge what the department has rejected.

Written by its interface description (docs/swagger/openapi.json) and proved against a server of the tests that keeps to
it: no dcm4chee was at hand.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pacs_monitor import http
from pacs_monitor.fields import AETitle
from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.model import ProbeContext, Reason
from pacs_monitor.net import Passage

REJECTION = "113001^DCM"
_NOT_YET = {403: "has instances that are not rejected", 409: "is being worked on"}


class Dcm4cheeSettings(HttpSettings):
    """dcm4chee's REST API; its url ends with /dcm4chee-arc."""

    ae_title: AETitle
    """The AE title of the archive that may reject and delete."""


class Dcm4chee:
    kind: ClassVar[str] = "dcm4chee"
    settings: ClassVar[type[Dcm4cheeSettings]] = Dcm4cheeSettings

    def __init__(self, settings: Dcm4cheeSettings) -> None:
        self._settings = settings

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
