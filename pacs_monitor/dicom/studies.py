"""Studies of one day, as an archive's C-FIND tells them: when, and of which modalities. No key of a patient is asked.

Some archives ignore Modalities in Study (0008,0061) as a key and answer with every study, so that it is read from the
answers as well; one that does not return it either cannot be asked by modality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple

from pacs_monitor.dicom.association import Association
from pacs_monitor.dicom.find import STUDY_ROOT_FIND
from pacs_monitor.dicom.query import Found, search
from pacs_monitor.model import Reason

MODALITIES = "ModalitiesInStudy"
_TIMES = ("StudyTime", "SeriesTime")


class Day(NamedTuple):
    """What an archive has of one day."""

    studies: int
    newest: datetime | None
    capped: bool


async def studies_of(association: Association, day: date, zone: tzinfo, *, keys: Mapping[str, str], limit: int) -> Day:
    """The studies of a day that match `keys`; with a StationName its series instead. Raises NetFailure."""
    level, unique = ("SERIES", "SeriesInstanceUID") if "StationName" in keys else ("STUDY", "StudyInstanceUID")
    asked = {"QueryRetrieveLevel": level, "StudyDate": f"{day:%Y%m%d}", "StudyTime": "", unique: "", **keys}
    if level == "SERIES":
        asked |= {"StudyInstanceUID": "", "SeriesTime": ""}
    found = await search(association, STUDY_ROOT_FIND, asked, limit=limit, read=(MODALITIES, *_TIMES))
    answers = _of_modality(association, found, keys[MODALITIES]) if keys.get(MODALITIES) else found.values
    newest = max(map(_time, answers), default=None)
    return Day(len(answers), None if newest is None else datetime.combine(day, newest, zone), found.capped)


def _of_modality(association: Association, found: Found, modality: str) -> Sequence[Mapping[str, Any]]:
    told = [answer for answer in found.values if MODALITIES in answer]
    if found.values and not told:
        detail = f"{association.peer} does not tell {MODALITIES}, so that it cannot be asked by modality"
        raise association.passage.failure(Reason.NOT_CONFIGURED, detail)
    return [answer for answer in told if modality in _several(answer[MODALITIES])]


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
