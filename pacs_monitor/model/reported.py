"""What jobs report that cannot be probed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, Literal, Protocol, runtime_checkable

from pacs_monitor.model.times import Micros

Report = Literal["ok", "warn", "fail"]
"""What a job says of itself."""


@runtime_checkable
class AcceptsReports(Protocol):
    """A probe that asks nobody: jobs report their results to the API."""

    def takes(self, settings: Any) -> Collection[str]:
        """The names of the numbers that a report may have."""
        ...

    def note(
        self,
        memory: MutableMapping[str, Any],
        report: Report,
        seconds: float | None,
        now: Micros,
        values: Mapping[str, float],
    ) -> None:
        """Remember a report, which took the job so many seconds and has these numbers, for the next run to judge."""
        ...
