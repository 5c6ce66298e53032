"""The constancy log as tables for spreadsheets: a zip with one CSV (RFC 4180) for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pacs_monitor.reports.csv import packed


def zipped(built: Mapping[str, Any]) -> bytes:
    """The same log makes the same bytes."""
    return packed(
        [
            ("days", _days(built)),
            ("days_off", _days_off(built)),
            ("months", _months(built)),
            ("checks", _checks(built)),
            ("explanations", _said(built)),
        ]
    )


def _days(built: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for page in built["pages"]:
        for row in page["days"]:
            told = {key: value for key, value in row.items() if key not in ("reasons", "explanations")}
            reasons = ", ".join(f"{reason}: {count}" for reason, count in row["reasons"].items())
            said = "\n".join(f"{one['why']} ({one['by']}, {one['at']})" for one in row["explanations"])
            yield {"log": page["log"], **told, "reasons": reasons, "explanations": said}


def _days_off(built: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return ({"log": page["log"], **row} for page in built["pages"] for row in page["days_off"])


def _months(built: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for page in built["pages"]:
        year = {f"year_{key}": value for key, value in page["year"].items() if key != "seconds"}
        seconds = {f"year_{key}_seconds": value for key, value in page["year"]["seconds"].items()}
        routes = "\n".join(f"{one['from']}: {one['route']}" for one in page["routes"])
        facts = {key: page[key] for key in ("log", "month", "from", "to", "so_far", "whole_month", "by")}
        yield {**facts, "routes": routes, **page["working_days"], **year, **seconds}


def _checks(built: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for page in built["pages"]:
        for check, figures in page["figures"].items():
            yield {"log": page["log"], "month": page["month"], "check": check, **figures}


def _said(built: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each once, whatever the number of checks; also of days that were no working days."""
    for page in built["pages"]:
        told = {(row["day"], one["at"], one["by"], one["why"]) for row in page["days"] for one in row["explanations"]}
        told |= {(one["day"], one["at"], one["by"], one["why"]) for one in page["elsewhen"]}
        for day, at, by, why in sorted(told):
            yield {"log": page["log"], "day": day, "at": at, "by": by, "why": why}
