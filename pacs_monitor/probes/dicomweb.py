"""Does a DICOMweb service answer? A QIDO-RS search whose matches are counted and dropped, and optionally WADO-RS.

```yaml
dicomweb: {url: "https://pacs.example.org/dicom-web", username: monitor, password: "${PACS_PASSWORD:-choose-one}"}
```

`url` is the root of the service (for Orthanc, http://HOST:8042/dicom-web). `keys` narrow the search as in `dicom_find`:
keywords of PS3.6, dates relative to today. Fewer than `at_least` matches is a failure (`too_few`). At most `limit`
matches are requested. If that many are returned, or the service sends `Warning: 299` to say that there are more
(PS3.18 8.3.4.4), the count is a lower bound, flagged `capped`, and never `too_few`.

`metadata_of` names one instance of an approved test study, as STUDY/SERIES/INSTANCE: WADO-RS must then return its
metadata, which proves that files can be read, not only the database.

Nothing is stored and no image is retrieved; `dicomweb_store` does that. Accounts (`username`, `password`), bearer
tokens (`token`) and client certificates (`tls`) are sent only to the host of `url`; redirects are not followed, and no
proxy is used except the one in `proxy`. The account needs permission to search and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pacs_monitor import http
from pacs_monitor.dicom.dates import today
from pacs_monitor.dicom.query import check_keys, dated
from pacs_monitor.dicom.testobject import Uids
from pacs_monitor.dicom.web import Level, Service, has_metadata, search
from pacs_monitor.fields import Duration, NumberOrNone
from pacs_monitor.http import HttpError, HttpSettings
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Flag, Layer, Measure, Node, Outcome, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import EXPIRY, NetFailure, Trace, warn_before_expiry

_TODAY = {"StudyDate": "today"}
_UID = r"[0-9]+(\.[0-9]+)*"


class DicomwebSettings(HttpSettings):
    level: Level = "studies"
    """What to search for."""
    keys: Annotated[Mapping[str, str], AfterValidator(check_keys)] = _TODAY
    """Keyword → value to match."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most matches to request."""
    at_least: NumberOrNone = 0
    """Fewer matches than this are a failure (reason `too_few`)."""
    metadata_of: Annotated[str, Field(pattern=f"^{_UID}/{_UID}/{_UID}$")] | None = None
    """An instance, as STUDY/SERIES/INSTANCE UIDs, whose metadata must be returned as well (else reason `missing`)."""
    slow: Duration | None = None
    """If all answers together take longer than this, it is a warning (reason `slow`)."""
    certificate: Duration = 21 * 86400.0
    """A certificate that expires sooner than this is a warning (reason `certificate_expiring`)."""

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.at_least > self.limit:
            raise ValueError(f"at_least is {self.at_least}, but limit stops at {self.limit}")
        if not any(value.strip("*?") for value in self.keys.values()):
            raise ValueError("add keys that narrow the search: one that matches everything burdens the archive")
        return self


class Dicomweb(Probe):
    kind = "dicomweb"
    settings = DicomwebSettings
    measures = (
        Measure("dicomweb_matches", "Studies, series or instances that the search found."),
        Measure("dicomweb_search_seconds", N_("From the search request to the end of its answer."), trend=True),
        Measure("dicomweb_metadata_seconds", "From the metadata request to the end of its answer."),
        EXPIRY,
    )
    layer = Layer.SERVICE
    uses_association = True
    timing = Timing(interval=300.0, retry_interval=30.0, timeout=30.0)

    def addresses(self, node: Node, settings: DicomwebSettings) -> tuple[Address, ...]:  # noqa: ARG002 - the Protocol's
        return (http.address_of(settings.url),)

    async def run(self, node: Node, settings: DicomwebSettings, ctx: ProbeContext) -> Outcome:  # noqa: ARG002
        trace = Trace()
        service = Service(settings.url, settings.access(), ctx, trace)
        try:
            await _search(service, settings)
            if settings.metadata_of is not None:
                await _read_metadata(service, settings.metadata_of)
        except NetFailure as failure:
            return failure.outcome()
        return warn_before_expiry(trace.outcome(settings.slow), settings.certificate, ctx.clock.now())


async def _search(service: Service, settings: DicomwebSettings) -> None:
    trace, began = service.trace, monotonic()
    keys = dated(settings.keys, today(service.ctx.clock.now(), service.ctx.zone))
    datasets, cut = await search(service, settings.level, keys, settings.limit)
    matches = len(datasets)
    trace.measure("dicomweb_matches", matches)
    trace.measure("dicomweb_search_seconds", monotonic() - began)
    if cut or matches >= settings.limit:
        trace.flags.append(Flag.CAPPED)
    if cut and matches < settings.at_least:
        detail = (
            f"lower at_least to {matches} or less: {service} returned {matches} {settings.level} and reported that it"
            " has more"
        )
        raise HttpError(Reason.NOT_MEASURED, detail, trace)
    if matches < settings.at_least:
        detail = f"{service} returned {matches} {settings.level}; expected at least {settings.at_least}"
        raise HttpError(Reason.TOO_FEW, detail, trace)


async def _read_metadata(service: Service, instance: str) -> None:
    began = monotonic()
    if not await has_metadata(service, Uids(*instance.split("/"))):
        raise HttpError(Reason.MISSING, f"{service} has no metadata for the instance in metadata_of", service.trace)
    service.trace.measure("dicomweb_metadata_seconds", monotonic() - began)
