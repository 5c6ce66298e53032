"""Which channels of an open incident have not delivered what they owe of it, and who was told instead."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Undelivered(NamedTuple):
    """Of one incident."""

    late: tuple[str, ...] = ()
    """Channels that have not delivered a page of it within the time of their fallback, the first first."""
    instead: Mapping[str, str] = MappingProxyType({})
    """Fallback channel → the channel in whose place it was notified first."""

    def as_data(self) -> dict[str, Any]:
        return {"late": list(self.late), "instead": dict(self.instead)}


NOTHING_LATE = Undelivered()


def restored(data: Mapping[str, Any]) -> Undelivered:
    """As `as_data` has written it."""
    return Undelivered(tuple(data["late"]), dict(data["instead"]))
