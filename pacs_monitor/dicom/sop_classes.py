"""SOP classes by the names that people use: everyday words, the standard's name or keyword (PS3.6 A), or the UID."""

from __future__ import annotations

import re
from functools import cache

from pydicom.uid import UID
from pynetdicom import sop_class as standard

from pacs_monitor.dicom.find import MODALITY_WORKLIST_FIND, STUDY_ROOT_FIND
from pacs_monitor.dicom.retrieve import STUDY_ROOT_GET, STUDY_ROOT_MOVE

EVERYDAY = {
    "echo": "1.2.840.10008.1.1",
    "storage commitment": "1.2.840.10008.1.20.1",
    "mpps": "1.2.840.10008.3.1.2.3.3",
    "worklist": MODALITY_WORKLIST_FIND,
    "ups": "1.2.840.10008.5.1.4.34.6.1",
    "instance availability": "1.2.840.10008.5.1.4.33",
    "print": "1.2.840.10008.5.1.1.9",
    "color print": "1.2.840.10008.5.1.1.18",
    "find": STUDY_ROOT_FIND,
    "move": STUDY_ROOT_MOVE,
    "get": STUDY_ROOT_GET,
    "secondary capture": "1.2.840.10008.5.1.4.1.1.7",
    "cr": "1.2.840.10008.5.1.4.1.1.1",
    "dx": "1.2.840.10008.5.1.4.1.1.1.1",
    "mammography": "1.2.840.10008.5.1.4.1.1.1.2",
    "breast tomosynthesis": "1.2.840.10008.5.1.4.1.1.13.1.3",
    "ct": "1.2.840.10008.5.1.4.1.1.2",
    "enhanced ct": "1.2.840.10008.5.1.4.1.1.2.1",
    "mr": "1.2.840.10008.5.1.4.1.1.4",
    "enhanced mr": "1.2.840.10008.5.1.4.1.1.4.1",
    "us": "1.2.840.10008.5.1.4.1.1.6.1",
    "nm": "1.2.840.10008.5.1.4.1.1.20",
    "pet": "1.2.840.10008.5.1.4.1.1.128",
    "xa": "1.2.840.10008.5.1.4.1.1.12.1",
    "dose report": "1.2.840.10008.5.1.4.1.1.88.67",
    "key objects": "1.2.840.10008.5.1.4.1.1.88.59",
    "presentation state": "1.2.840.10008.5.1.4.1.1.11.1",
    "encapsulated pdf": "1.2.840.10008.5.1.4.1.1.104.1",
}
IMAGES = tuple(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in (
        *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "2", "2.1", "3.1", "4", "4.1", "4.2", "6.1", "7", "7.1", "7.2"),
        *("7.3", "7.4", "11.1", "11.2", "12.1", "12.1.1", "12.2", "12.2.1", "13.1.1", "13.1.2", "13.1.3", "20"),
        *("30", "66", "66.4", "77.1.1", "77.1.2", "77.1.4", "77.1.5.1", "77.1.5.4", "88.11", "88.22", "88.33"),
        *("88.40", "88.50", "88.59", "88.67", "104.1", "104.2", "128", "130", "481.1", "481.2", "481.3", "481.5"),
    )
)
"""What archives usually hold (PS3.4 B.5): images of all modalities, presentation states, structured reports, documents,
radiotherapy objects."""
_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")


def sop_class(name: str) -> str:
    """The UID of a SOP class; raises ValueError."""
    plain = " ".join(name.lower().split())
    found = EVERYDAY.get(plain) or _standard().get(plain)
    if found is None and _UID.fullmatch(name) and len(name) <= 64:
        return name
    if found is None:
        raise ValueError(
            f"{name!r} is not a SOP class; write its UID, its name in PS3.6, or one of {', '.join(EVERYDAY)}"
        )
    return found


@cache
def _standard() -> dict[str, str]:
    known: dict[str, str] = {}
    for uid in vars(standard).values():
        if isinstance(uid, UID) and uid.keyword:
            known |= {uid.name.lower(): str(uid), uid.keyword.lower(): str(uid)}
    return known
