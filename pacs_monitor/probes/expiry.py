"""A date after which something stops: a licence, a support contract, the certificate of a device that is not online.

```yaml
licence: {probe: expiry, what: viewer licence, date: 2027-03-31, warn: 60d}
```

Nothing is asked: the date stands in the file, and the check warns in time whoever reads pages.
"""

from __future__ import annotations

import datetime
from typing import ClassVar

from pydantic import Field

from pacs_monitor.fields import Duration, Settings
from pacs_monitor.model import (
    SECOND,
    Address,
    Layer,
    Measure,
    Measurement,
    Node,
    Outcome,
    Phase,
    ProbeContext,
    Reason,
    Rhythm,
    Status,
)

_DAY = 86400.0


class ExpirySettings(Settings):
    date: datetime.date
    """The last day on which it holds (2027-03-31), in the monitor's time zone."""
    what: str = Field("it", min_length=1)
    """What ends, for people: viewer licence."""
    warn: Duration = 60 * _DAY
    """Less time left than this is a warning."""
    fail: Duration = 0.0
    """Less time left than this is a failure; 0: once the date is past."""


class Expiry:
    kind: ClassVar[str] = "expiry"
    settings: ClassVar[type[ExpirySettings]] = ExpirySettings
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("expiry_timestamp_seconds", "When it ends: the end of its last day."),
    )
    layer: ClassVar[Layer] = Layer.SERVICE
    writes: ClassVar[bool] = False
    uses_association: ClassVar[bool] = False
    rhythm: ClassVar[Rhythm] = Rhythm(interval=3600.0, retry_interval=60.0, timeout=5.0)

    def addresses(self, _node: Node, _settings: ExpirySettings) -> tuple[Address, ...]:
        return ()

    async def run(self, _node: Node, settings: ExpirySettings, ctx: ProbeContext) -> Outcome:
        following = settings.date + datetime.timedelta(days=1)
        end = datetime.datetime.combine(following, datetime.time(), ctx.zone).timestamp()
        seen = (Measurement("expiry_timestamp_seconds", end),)
        left = end - ctx.clock.now() / SECOND
        if left >= settings.warn and left >= settings.fail:
            return Outcome(Status.OK, measurements=seen)
        return Outcome.of(
            Reason.EXPIRING,
            warn=left >= settings.fail,
            phase=Phase.OPERATION,
            detail=_detail(settings, left),
            measurements=seen,
        )


def _detail(settings: ExpirySettings, left: float) -> str:
    days = int(abs(left) // _DAY)
    plural = "" if days == 1 else "s"
    if left < 0:
        return f"{settings.what} ended on {settings.date}, {days} day{plural} ago" if days else f"{settings.what} ended"
    return f"{settings.what} ends on {settings.date}, " + (f"in {days} day{plural}" if days else "today")
