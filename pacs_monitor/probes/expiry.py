"""A date after which something stops working: a licence, a support contract, the certificate of an offline device.

```yaml
licence: {probe: expiry, what: viewer licence, date: 2027-03-31, warn: 60d}
modality: {probe: expiry, what: the certificate of CT 1, cert: certificates/ct1.pem}
```

No system is contacted: the date is in the configuration, or in a certificate file supplied by the vendor, and the check
warns in time. A certificate file that cannot be read is `unknown`. For a certificate that a device presents on a port,
use `tls_certificate`.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from pydantic import ConfigDict, Field, model_validator

from pacs_monitor.fields import Day, Duration, FilePath, Settings
from pacs_monitor.format.human import pluralized
from pacs_monitor.model import (
    SECOND,
    Layer,
    Measure,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import NetFailure, Trace
from pacs_monitor.net.threads import OneThread
from pacs_monitor.patterns import one_of

_DAY = 86400.0


class ExpirySettings(Settings):
    model_config = ConfigDict(json_schema_extra=one_of("date", "cert"))

    date: Day | None = None
    """The last valid day (2027-03-31), in the monitor's time zone."""
    cert: FilePath | None = None
    """Instead of a date, a file of certificates, PEM or DER: the one that expires first counts."""
    what: str = Field("it", min_length=1)
    """What expires, as shown in messages: viewer licence."""
    warn: Duration = 60 * _DAY
    """Less time left than this is a warning."""
    fail: Duration = 0.0
    """Less time left than this is a failure; 0: only once the date has passed."""

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.date is None) is (self.cert is None):
            raise ValueError("give either date or cert")
        return self


class Expiry(Probe):
    kind = "expiry"
    settings = ExpirySettings
    measures = (Measure("expiry_timestamp_seconds", "When it expires: the end of its last day."),)
    layer = Layer.SERVICE
    timing = Timing(interval=3600.0, retry_interval=60.0, timeout=5.0)

    def __init__(self) -> None:
        self._thread = OneThread()

    async def run(self, _node: Node, settings: ExpirySettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        trace.begin(Phase.OPERATION)
        try:
            end = await self._end(settings, ctx, trace)
        except NetFailure as failure:
            return failure.outcome()
        trace.end()
        trace.measure("expiry_timestamp_seconds", end.at)
        left = end.at - ctx.clock.now() / SECOND
        if left >= settings.warn and left >= settings.fail:
            return trace.outcome()
        detail = f"{settings.what} {_words(end.day, left)}"
        warn = left >= settings.fail
        return Outcome.of(Reason.EXPIRING, warn=warn, phase=Phase.OPERATION, detail=detail, **trace.seen())

    async def _end(self, settings: ExpirySettings, ctx: ProbeContext, trace: Trace) -> End:
        if settings.date is not None:
            following = settings.date + datetime.timedelta(days=1)
            return End(datetime.datetime.combine(following, datetime.time(), ctx.zone).timestamp(), settings.date)
        file = Path(settings.cert or "")
        try:
            at = await self._thread.call(lambda: _first_end(file.read_bytes()), ctx, trace)
        except OSError as error:
            detail = f"the certificate cannot be read: {error.strerror}"
        except ValueError:
            detail = "the file contains no certificate in PEM or DER"
        else:
            return End(at.timestamp(), at.astimezone(ctx.zone).date())
        raise trace.failure(Reason.NOT_CONFIGURED, detail)


class End(NamedTuple):
    at: float
    """Seconds of Unix time."""
    day: datetime.date


def _first_end(data: bytes) -> datetime.datetime:
    """Of the validity of certificates (RFC 5280 4.1.2.5); raises ValueError where there are none."""
    pem = b"-----BEGIN" in data
    certificates = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    return min(certificate.not_valid_after_utc for certificate in certificates)


def _words(day: datetime.date, left: float) -> str:
    days = int(abs(left) // _DAY)
    many = pluralized(days, "day")
    if left < 0:
        return f"expired on {day}" + (f", {many} ago" if days else "")
    return f"expires on {day}, " + (f"in {many}" if days else "today")
