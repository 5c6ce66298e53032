"""Frozen reports."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from pacs_monitor.api.common import Day, Time, described


@described
class ReportWord(TypedDict):
    """What somebody said of a frozen report."""

    by: str
    at: Time
    text: str
    owner: NotRequired[str]
    due: NotRequired[Day]


@described
class FrozenReport(TypedDict):
    """What is on file of a frozen report."""

    number: str
    """`2026-Q3/1`: the period and the revision."""
    period: str
    revision: int
    frozen: Time
    by: str
    why: str
    version: str
    """Of pacs_monitor."""
    data_sha256: str
    configurations: list[dict[str, Any]]
    documents: dict[str, str]
    """SHA-256 by format."""
    replaced_by: str | None
    objectives: list[dict[str, Any]]
    approvals: list[ReportWord]
    distributed: list[ReportWord]
    actions: list[ReportWord]


@described
class FrozenNow(FrozenReport):
    """A report that was asked to be frozen."""

    new: bool
    """False: nothing has changed since the one that stands."""
    warning: NotRequired[str]
