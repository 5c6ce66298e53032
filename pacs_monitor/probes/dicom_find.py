"""Does the peer find studies? A C-FIND (PS3.4 C.4.1), whose answers are counted, timed and dropped.

```yaml
dicom_find: {slow: 2s}
priors: {probe: dicom_find, keys: {StudyDate: yesterday, ModalitiesInStudy: CT}, at_least: 1}
```

A success proves that the database behind the archive answers, which a C-ECHO does not. `keys` are elements by their
keyword in PS3.6, with dates relative to today (`today`, `yesterday`, `today-7d..today`) in the monitor's time zone; the
default is today's studies. Apart from the keys, the query requests only the unique key of its level, so no patient data
is requested unless a key asks for it.

Fewer than `at_least` matches is a failure (`too_few`). After `limit` matches the query is cancelled, and some peers
stop at a limit of their own (B001): the count is then a lower bound, flagged `capped`, and never too few. Counts that
look like a limit of the peer (full hundreds, powers of two) are flagged as well. Our AE title must be registered there
for queries, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from pacs_monitor.dicom.dates import today
from pacs_monitor.dicom.endpoint import ENDPOINT, addresses_of, not_configured, target_of
from pacs_monitor.dicom.find import PATIENT_ROOT_FIND, STUDY_ROOT_FIND
from pacs_monitor.dicom.query import CountSettings, check_keys, count, count_measures, identifier
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Node, Outcome, Probe, ProbeContext, Timing

ROOTS = {"study": STUDY_ROOT_FIND, "patient": PATIENT_ROOT_FIND}
_TODAY = {"StudyDate": "today"}


class DicomFindSettings(CountSettings):
    level: Literal["study", "series", "image"] = "study"
    """The level of the query (QueryRetrieveLevel)."""
    root: Literal["study", "patient"] = "study"
    """The information model (PS3.4 C.6); a few archives support only the Patient Root."""
    keys: Annotated[Mapping[str, str], AfterValidator(check_keys)] = _TODAY
    """Keyword → value to match; wildcards and ranges as the peer supports them."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not any(value.strip("*?") for value in self.keys.values()):
            raise ValueError("add keys that narrow the query: one that matches everything burdens the archive")
        return self


class DicomFind(Probe):
    kind = "dicom_find"
    settings = DicomFindSettings
    measures = count_measures("find", N_("Studies, series or images that the query found."))
    layer = Layer.SERVICE
    uses_association = True
    needs = ENDPOINT
    timing = Timing(interval=300.0, retry_interval=30.0, timeout=30.0)

    def addresses(self, node: Node, settings: DicomFindSettings) -> tuple[Address, ...]:
        return addresses_of(node, settings)

    async def run(self, node: Node, settings: DicomFindSettings, ctx: ProbeContext) -> Outcome:
        target = target_of(node, settings)
        if target is None:
            return not_configured(node)
        keys = identifier(settings.level, settings.keys, today(ctx.clock.now(), ctx.zone))
        return await count(target, ROOTS[settings.root], keys, settings, ctx, name="find", few_is_a_warning=False)
