"""What a probe found."""

from __future__ import annotations

from typing_extensions import TypedDict

from pacs_monitor.api.common import BlameName, FlagName, PhaseName, ReasonName, StatusName, Time, described


@described
class Measurement(TypedDict):
    """One value; with `pacs_` before its name it is a metric."""

    name: str
    labels: dict[str, str]
    value: float


@described
class Result(TypedDict):
    """One run of a check."""

    node: str
    check: str
    probe: str
    """The kind of the probe."""
    status: StatusName
    reason: ReasonName | None
    """null when the status is `ok`."""
    blame: BlameName | None
    phase: PhaseName | None
    """Where it failed."""
    detail: str
    flags: list[FlagName]
    started: Time
    duration_seconds: float
    phases: dict[str, float]
    """Seconds by phase."""
    measurements: list[Measurement]
