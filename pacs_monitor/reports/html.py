"""The report as one HTML file without any foreign address, for the screen, for A4 and for Letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from pacs_monitor.format.human import number, percentage, pluralized
from pacs_monitor.reports import in_time_words, strip, words
from pacs_monitor.reports.differences import value_of
from pacs_monitor.reports.words import DASH

WORST = 5
"""Rows of an agreement that the first page names."""
NO_BREAK = "\N{NO-BREAK SPACE}"
ORDER = ("missed", "not_assessable", "within", "met")


def html(report: Mapping[str, Any]) -> str:
    """The whole document."""
    environment = Environment(
        loader=PackageLoader("pacs_monitor.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = ZoneInfo(report["period"]["timezone"])
    environment.filters |= {
        "when": partial(_when, zone),
        "day": partial(_day, zone),
        "exact": lambda seconds: _kept(words.exact(seconds)),
        "at_least": lambda seconds: _kept(words.exact(floor(seconds))),
        "at_most": lambda seconds: _kept(words.exact(ceil(seconds))),
        "number": number,
        "known": lambda seconds: DASH if seconds is None else _kept(words.exact(seconds)),
        "named": lambda row, key: (row[key], row),
        "ratio": _ratio,
        "counted": pluralized,
    }
    environment.globals |= {"words": words, "strip": strip, "value_of": value_of, "labelled": _labelled}
    environment.globals["in_time"] = in_time_words
    agreements = _agreements(report)
    return environment.get_template("report.html").render(
        report=report,
        agreements=agreements,
        roles=_by_role(report),
        months=_months(report),
        unproven=[row for row in report["checks"] if row["unknown_by_cause"]["unproven"]],
    )


def _agreements(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of each objective together, those of a contract first; of many rows the first page has the worst."""
    rows = sorted(report["objectives"], key=lambda row: not row["contract"])
    return [_agreement(name, list(group)) for name, group in groupby(rows, key=lambda row: row["name"])]


def _agreement(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    periods, subjects = {row["period"] for row in rows}, {row["title"] for row in rows}
    single = len(rows) == 1
    rows = [
        row
        | {
            "label": ", ".join(
                ([row["title"]] if len(subjects) > 1 or single else [])
                + ([row["period"]] if len(periods) > 1 or single else [])
            )
        }
        for row in rows
    ]
    worst = sorted(rows, key=lambda row: (ORDER.index(row["verdict"]), row["left_seconds"]))
    bad = [row for row in worst if row["verdict"] in ("missed", "not_assessable")]
    return {
        "name": name,
        "rows": rows,
        "verdict": worst[0]["verdict"],
        "shown": (bad or worst[:1])[:WORST],
        "unshown": max(0, len(bad) - WORST),
        "summary": _summary(rows, len(bad), len(periods), len(subjects)) if len(rows) > 1 else None,
        "under": f"Counted under {rows[0]['contract']}: " if rows[0]["contract"] else "",
    }


def _summary(rows: list[dict[str, Any]], bad: int, periods: int, subjects: int) -> str:
    """`met in 2 of 3 months`, `met by 1 of 2 nodes`."""
    unit = rows[0]["per"]
    what, link = (
        (f"{unit}s", "in") if subjects == 1 else ("nodes", "by") if periods == 1 else (f"nodes and {unit}s", "in")
    )
    good = len(rows) - bad
    so_far = " so far" if any(row["so_far"] for row in rows) else ""
    return f"met {link} {'all' if not bad else f'{good} of'} {len(rows)} {what}{so_far}"


def _labelled(agreements: list[dict[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{agreement['name']}: {row['label']}", row) for agreement in agreements for row in agreement["rows"]]


def _by_role(report: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    def place(row: Mapping[str, Any]) -> str:
        return ", ".join(filter(None, (row["role"] or "no role", row["site"])))

    return [(name, list(rows)) for name, rows in groupby(report["nodes"], key=place)]


def _months(report: Mapping[str, Any]) -> list[str]:
    """The month of each day that the report accounts for."""
    period = report["period"]
    first = datetime.fromisoformat(period["from"]).date()
    last = datetime.fromisoformat(period["accounted_until"]) - timedelta(microseconds=1)
    return [(first + timedelta(days=n)).isoformat()[:7] for n in range((last.date() - first).days + 1)]


def _kept(duration: str) -> str:
    """Lines break between `2 h` and `15 min`, not within."""
    return re.sub(r"(?<=\d) (?=[a-z])", NO_BREAK, duration)


def _when(zone: ZoneInfo, text: str | None) -> str:
    """By the clocks there, to the second; with the offset where they show this time twice."""
    if text is None:
        return "goes on"
    there = datetime.fromisoformat(text).astimezone(zone)
    twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
    day = f"{there:%d %b %Y}".replace(" ", NO_BREAK)
    return f"{day} {there:%H:%M:%S}{f' ({there:%Z})' if twice else ''}"


def _day(zone: ZoneInfo, text: str, *, last: bool = False) -> str:
    """`1 July 2026`; `last` is that of the day before, for an end at midnight."""
    there = datetime.fromisoformat(text).astimezone(zone) - timedelta(microseconds=1 if last else 0)
    day: date = there.date()
    return f"{day.day} {day:%B %Y}"


def _ratio(value: float | None) -> str:
    """Rounded down."""
    return "not measured" if value is None else percentage(value, decimals=3)
