"""What is on file of frozen reports, as JSON, and what people may say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ulid import ULID

from pacs_monitor.history import Frozen, Said
from pacs_monitor.history.frozen import Kind
from pacs_monitor.model import Micros, PacsMonitorError, iso

SUFFIXES = {"html": "html", "pdf": "pdf", "csv": "zip", "json": "json"}
FORMATS = tuple(SUFFIXES)


class ConflictError(PacsMonitorError):
    """What is said cannot be so, by what was said before."""


class UnknownError(PacsMonitorError):
    """There is no frozen report of this number."""


def rows(known: Sequence[Frozen]) -> list[dict[str, Any]]:
    """Frozen reports as the API and `report list --json` have them, in the same order."""
    return [row(one, known) for one in known]


def row(report: Frozen, known: Sequence[Frozen]) -> dict[str, Any]:
    """One of them; `known` are at least those of its period."""
    latest = max((one.revision for one in known if one.period == report.period), default=report.revision)
    return {
        "number": report.number,
        "period": report.period,
        "revision": report.revision,
        "frozen": iso(report.at),
        "by": report.by,
        "why": report.why,
        "version": report.version,
        "data_sha256": report.data_hash,
        "configurations": [dict(one) for one in report.configurations],
        "documents": {name: report.hashes[name] for name in FORMATS if name in report.hashes},
        "replaced_by": f"{report.period}/{latest}" if latest > report.revision else None,
        "objectives": [dict(one) for one in report.outcome],
        "approvals": [_said(one) for one in report.said if one.kind is Kind.APPROVED],
        "distributed": [_said(one) for one in report.said if one.kind is Kind.DISTRIBUTED],
        "actions": [_said(one) for one in report.said if one.kind is Kind.ACTION],
    }


def found(known: Sequence[Frozen], number: str) -> Frozen:
    """The one of a number; UnknownError."""
    for one in known:
        if one.number == number:
            return one
    raise UnknownError(f"no frozen report {number}; list them with: pacs-monitor report list, or GET /api/v1/reports")


def approval(known: Sequence[Frozen], number: str, by: str, why: str, now: Micros) -> Said:
    """Somebody approves it, once, and only the last revision; ConflictError, UnknownError."""
    report = found(known, number)
    latest = max((one for one in known if one.period == report.period), key=lambda one: one.revision)
    if latest.revision > report.revision:
        raise ConflictError(f"approve {latest.number}: it replaces {number}")
    if any(one.kind is Kind.APPROVED and one.by == by for one in report.said):
        raise ConflictError(f"nothing to do: {by} has approved {number} already")
    return Said(str(ULID()), now, Kind.APPROVED, by, why)


def file_name(number: str, form: str) -> str:
    """`report-2026-Q3-1.html`: safe wherever files are kept, whatever a period is called."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "_" if c == ":" else "-" for c in number)
    return f"report-{plain}.{SUFFIXES[form]}"


def _said(said: Said) -> dict[str, Any]:
    return {"by": said.by, "at": iso(said.at), "text": said.text} | dict(said.details)
