"""Studies of one day, as an archive reports them by C-FIND or QIDO-RS: when, and of which modalities.

No key of a patient is asked for, and of an answer nothing is read but the three elements named here.

Some archives ignore Modalities in Study (0008,0061) as a key and answer with every study, so that it is read from the
answers as well; one that does not return it either cannot be asked by modality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple

from pacs_monitor.dicom import web
from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.find import STUDY_ROOT_FIND
from pacs_monitor.dicom.query import search
from pacs_monitor.dicom.web import Service
from pacs_monitor.model import Flag, Reason
from pacs_monitor.net import Trace

MODALITIES = "ModalitiesInStudy"
_TIMES = ("StudyTime", "SeriesTime")
_TAGS = {MODALITIES: "00080061", "StudyTime": "00080030", "SeriesTime": "00080031"}
"""All that is read of an answer."""


class Day(NamedTuple):
    """What an archive has of one day."""

    studies: int
    newest: datetime | None
    capped: bool
    """There may be more."""
    cut: bool = False
    """There is more: the newest may be newer."""


async def studies_of(association: Association, day: date, zone: tzinfo, *, keys: Mapping[str, str], limit: int) -> Day:
    """The studies of a day that match `keys`; with a StationName its series instead. Raises NetFailure."""
    level, unique = ("SERIES", "SeriesInstanceUID") if by_series(keys) else ("STUDY", "StudyInstanceUID")
    asked = {"QueryRetrieveLevel": level, "StudyDate": f"{day:%Y%m%d}", "StudyTime": "", unique: "", **keys}
    if by_series(keys):
        asked |= {"StudyInstanceUID": "", "SeriesTime": ""}
    found = await search(association, STUDY_ROOT_FIND, asked, limit=limit, read=tuple(_TAGS))
    answers = _of_modality(association.trace, association.peer, found.values, keys)
    return _summed(answers, day, zone, capped=found.capped, cut=found.cut)


async def studies_by_web(service: Service, day: date, zone: tzinfo, *, keys: Mapping[str, str], limit: int) -> Day:
    """The same by QIDO-RS (PS3.18 10.6)."""
    level = "series" if by_series(keys) else "studies"
    asked = {**keys, "StudyDate": f"{day:%Y%m%d}", "includefield": ",".join(_TAGS.values())}
    found = await web.search(service, level, asked, limit)
    answers = _of_modality(service.trace, str(service), [_attributes(dataset) for dataset in found.datasets], keys)
    capped = found.cut or len(found.datasets) >= limit
    if capped:
        service.trace.flags.append(Flag.CAPPED)
    return _summed(answers, day, zone, capped=capped, cut=capped)


def by_series(keys: Mapping[str, str]) -> bool:
    """Station Name (0008,1010) is known of series, not of studies."""
    return "StationName" in keys


def _attributes(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What is read of one match in the DICOM JSON Model (PS3.18 F)."""
    values = {keyword: dataset.get(tag, {}).get("Value") for keyword, tag in _TAGS.items()}
    return {keyword: value if keyword == MODALITIES else value[0] for keyword, value in values.items() if value}


def _summed(answers: Sequence[Mapping[str, Any]], day: date, zone: tzinfo, *, capped: bool, cut: bool) -> Day:
    newest = max(map(_time, answers), default=None)
    return Day(len(answers), None if newest is None else datetime.combine(day, newest, zone), capped, cut)


def _of_modality(
    trace: Trace, peer: str, answers: Sequence[Mapping[str, Any]], keys: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    modality = keys.get(MODALITIES)
    if not modality:
        return answers
    reported = [answer for answer in answers if MODALITIES in answer]
    if answers and not reported:
        detail = f"{peer} does not return {MODALITIES}, so studies cannot be queried by modality"
        raise trace.failure(Reason.NOT_CONFIGURED, detail)
    return [answer for answer in reported if modality in _several(answer[MODALITIES])]


def _several(value: Any) -> Sequence[str]:
    return value if isinstance(value, list) else str(value).split("\\")


def _time(answer: Mapping[str, Any]) -> time:
    """VR TM (PS3.5 6.2): HH, HHMM or HHMMSS, a fraction or not; older writers put colons between. None is midnight."""
    for keyword in reversed(_TIMES):
        digits = str(answer.get(keyword, "")).replace(":", "").partition(".")[0].strip()
        if digits.isdecimal() and len(digits) in (2, 4, 6):
            hour, minute, second = (int(digits[at : at + 2] or 0) for at in (0, 2, 4))
            if hour < 24 and minute < 60:
                return time(hour, minute, min(second, 59))
    return time()
