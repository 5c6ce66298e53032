"""Does the worklist answer? A Modality Worklist C-FIND (PS3.4 K) like a modality's; answers are counted and dropped.

```yaml
dicom_worklist: {modality: CT, at_least: 1, hours: "Mon-Fri 08:00-16:00", slow: 2s}
```

The query uses the keys that a modality uses: its AE title (`station`), its `modality`, and the day. No patient name, ID
or number is requested. With `at_least`, fewer scheduled procedures are a warning (`too_few`); with `hours` or the
check's `calendar`, only during
those hours, because nobody is scheduled at night: `hours: Mon-Fri 06:00-20:00`. Our AE title must be registered there
for the worklist, and for nothing else.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from pacs_monitor.dicom.dates import resolve_dates, today
from pacs_monitor.dicom.endpoint import ENDPOINT, addresses_of, not_configured, target_of
from pacs_monitor.dicom.find import MODALITY_WORKLIST_FIND
from pacs_monitor.dicom.query import CountSettings, check_keys, count, count_measures
from pacs_monitor.fields import AETitle, ServiceHours
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Node, Outcome, Probe, ProbeContext, Timing


def _modality(value: str) -> str:
    return check_keys({"Modality": value})["Modality"]


def _date(value: str) -> str:
    check_keys({"ScheduledProcedureStepStartDate": value})
    return value


class DicomWorklistSettings(CountSettings):
    station: AETitle | None = None
    """Scheduled Station AE Title; all stations by default."""
    modality: Annotated[str, AfterValidator(_modality)] = ""
    """CT, MR, US …; all modalities by default."""
    date: Annotated[str, AfterValidator(_date)] = "today"
    """Day or range (`today-1d..today+1d`) of the scheduled procedure steps; all days when empty."""
    hours: ServiceHours | None = None
    """Hours in which `at_least` applies; always by default."""


class DicomWorklist(Probe):
    kind = "dicom_worklist"
    settings = DicomWorklistSettings
    measures = count_measures("worklist", N_("Items that the query found."))
    layer = Layer.SERVICE
    uses_association = True
    needs = ENDPOINT
    timing = Timing(interval=300.0, retry_interval=30.0, timeout=30.0)

    def addresses(self, node: Node, settings: DicomWorklistSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: DicomWorklistSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        keys = _keys(settings, ctx)
        now = ctx.clock.now()
        closed = ctx.calendar is not None and not ctx.calendar.is_open(now)
        if closed or (settings.hours is not None and not settings.hours.hold(now, ctx.zone)):
            settings = settings.model_copy(update={"at_least": 0})
        return await count(target, MODALITY_WORKLIST_FIND, keys, settings, ctx, name="worklist", few_is_a_warning=True)


def _keys(settings: DicomWorklistSettings, ctx: ProbeContext) -> dict[str, Any]:
    """Matching keys stand in the item of the Scheduled Procedure Step Sequence (PS3.4 K.6.1.2.2)."""
    day = today(ctx.clock.now(), ctx.zone)
    step = {
        "ScheduledStationAETitle": settings.station or "",
        "ScheduledProcedureStepStartDate": resolve_dates(settings.date, day) if settings.date else "",
        "ScheduledProcedureStepStartTime": "",
        "Modality": settings.modality,
        "ScheduledProcedureStepID": "",
    }
    return {"ScheduledProcedureStepSequence": [step]}
