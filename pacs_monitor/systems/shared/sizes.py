"""Sizes of volumes as systems report them; a missing or impossible size is a gap, not a figure."""

from __future__ import annotations

from math import isfinite
from typing import Any

from pacs_monitor.format.human import byte_size
from pacs_monitor.model import Reason
from pacs_monitor.systems.shared.resources import Gap, Volume

NOT_REPORTED = Gap(Reason.NOT_MEASURED, "the system does not report its size", quiet=True)
"""No medium, a pseudo file system, a store in the cloud."""


def whole(value: object) -> int | None:
    """A number of something as JSON, XML or an exposition writes it; None for what is no number, or below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value) if isinstance(value, int) or str(value).isdecimal() else float(value)
        return int(number) if isfinite(number) and number >= 0 else None
    except (ValueError, OverflowError):
        return None


def volume(name: str, *, used: int | None, free: int | None, size: int | None = None, **more: Any) -> Volume:
    """A volume, with a gap where its sizes are not reported, are nothing at all, or do not fit together (bytes).

    `size` is what the system reports beside them; a part of it may be reserved, so that it is more than both.
    """
    more.setdefault("gap", _gap(used, free, size))
    if more["gap"] is not None:
        used = free = None
    if more.get("inodes") is not None and not 0 <= (more.get("inodes_free") or 0) <= more["inodes"]:
        more["inodes"] = more["inodes_free"] = None
    return Volume(name, used, free, **more)


def _gap(used: int | None, free: int | None, size: int | None) -> Gap | None:
    if used is None or free is None or size == 0 or (used == 0 and free == 0):
        return NOT_REPORTED
    if size is not None and not (0 <= free <= size and 0 <= used <= size - free):
        return doubt(f"{byte_size(free)} free and {byte_size(used)} used of {byte_size(size)}")
    if used < 0 or free < 0:
        return doubt(f"{byte_size(free)} free and {byte_size(used)} used")
    return None


def doubt(what: str) -> Gap:
    """What a system reports is impossible; `what` repeats it."""
    return Gap(
        Reason.NOT_MEASURED, f"check it on the machine, or add it to ignore: its reported sizes are impossible ({what})"
    )
