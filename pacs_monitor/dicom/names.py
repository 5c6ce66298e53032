"""UIDs by their names in PS3.6."""

from __future__ import annotations

from functools import lru_cache

from pydicom.uid import UID


@lru_cache(1024)
def name_of(uid: str) -> str:
    """The standard's name of a UID, or the UID itself."""
    return UID(uid).name if uid else uid
