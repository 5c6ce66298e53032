"""The report as one HTML file without any foreign address, for the screen, for A4 and for Letter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache, partial
from itertools import groupby
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from pacs_monitor.format.human import number, percentage, with_decimal_mark
from pacs_monitor.language import N_, _, _n, language, speaking
from pacs_monitor.messages import evidence
from pacs_monitor.reports import (
    dates,
    difference_words,
    first_page,
    in_time_words,
    strip,
    verdicts,
    window_words,
    words,
)
from pacs_monitor.reports.dates import NO_BREAK

WORST = 5
"""Rows of an agreement that the first page names."""
BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:d|T|h|min|s|ms|%)\b|%)")
SECTIONS = {
    "agreements": N_("Agreements in detail"),
    "services": N_("Services"),
    "nodes": N_("Nodes, day by day"),
    "outages": N_("Outages"),
    "maintenance": N_("Planned maintenance"),
    "evidence": N_("Evidence that people added"),
    "gaps": N_("Gaps in the measurement"),
    "changes": N_("Changes"),
    "checks": N_("Checks"),
    "figures": N_("Figures"),
    "method": N_("Method"),
    "frozen": N_("Number, hashes and differences"),
}
"""What follows the first page; each has its template."""


class Part(StrEnum):
    """How much of a report is written."""

    ALL = "all"
    SIGNERS = "signers"
    """The page to sign and the agreements in detail, without what stands behind them."""


SIGNERS = ("agreements",)


def html(report: Mapping[str, Any], part: Part = Part.ALL) -> str:
    """The whole document, or a part of it."""
    frozen = report.get("frozen")
    shown = [name for name in SECTIONS if (part is Part.ALL or name in SIGNERS) and (name != "frozen" or frozen)]
    with speaking(report["document"]["language"]):
        titles = {row["node"]: row["title"] for row in report["nodes"]}
        agreements = _agreements(report, titles)
        return (
            _environment()
            .get_template("report.html")
            .render(
                report=report,
                document=report["document"],
                frozen=frozen,
                zone=ZoneInfo(report["period"]["timezone"]),
                language=language(),
                sections=[(n, name, _(SECTIONS[name])) for n, name in enumerate(shown, 1)],
                agreements=agreements,
                **first_page.parts(report, agreements),
                titles=titles,
                footer=first_page.footer(report),
                roles=_by_role(report),
                trend=[row for row in report["trend"] if row["kind"] == "objective"],
                days=_days(report),
                for_agreements=window_words.for_agreements(report["objectives"]),
                unproven=[row for row in report["checks"] if row["unknown_by_cause"]["unproven"]],
            )
        )


class _Environment(Environment):
    """Templates ask for what is in rows: to look for an attribute first, in vain, takes longer than all the rest."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return obj[attribute] if type(obj) is dict and attribute in obj else super().getattr(obj, attribute)


@cache
def _environment() -> Environment:
    made = _Environment(
        loader=PackageLoader("pacs_monitor.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": _when,
        "day": _day,
        "exact": _exact,
        "at_least": lambda seconds: _exact(floor(seconds)),
        "at_most": lambda seconds: _exact(ceil(seconds)),
        "known": lambda seconds: words.DASH if seconds is None else _exact(seconds),
        "named": lambda row, key: (row[key], row),
        "evidence": _evidence,
        "counting": evidence.counting,
        "correction": _correction,
        "number": _number,
        "place": _place,
        "ratio": _ratio,
        "on_record": window_words.on_record,
        "counted_outages": _counted_outages,
        "allowed": lambda row: _kept(words.allowed(row)),
        "in_hours": lambda seconds: _kept(words.in_hours(seconds)),
        "turned": first_page.turned,
        "capital": lambda text: text[:1].upper() + text[1:],
    }
    made.globals |= {
        "words": words,
        "verdicts": verdicts,
        "in_time": in_time_words,
        "most": WORST,
        "strip": strip,
        "dates": dates,
        "differs": difference_words,
        "labelled": _labelled,
        "classes": _classes,
        "classes_head": _classes_head,
        "classes_cells": _classes_cells,
        "_": _,
        "_n": _n,
    }
    return made


def _agreements(report: Mapping[str, Any], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of each objective together, those of a contract first, then by verdict; the first page has the worst."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in report["objectives"]:
        found.setdefault(row["name"], []).append(row)
    made = [_agreement(name, rows, titles) for name, rows in found.items()]
    return sorted(made, key=lambda one: (not one["contract"], words.WORST_FIRST.index(one["verdict"])))


def _agreement(name: str, rows: list[Mapping[str, Any]], titles: Mapping[str, str]) -> dict[str, Any]:
    periods, subjects = {row["period"] for row in rows}, {row["title"] for row in rows}

    def said(row: Mapping[str, Any]) -> dict[str, Any]:
        parts = [row["title"]] if len(subjects) > 1 or len(rows) == 1 else []
        parts += [dates.period(row["period"])] if len(periods) > 1 or len(rows) == 1 else []
        return {**row, "label": ", ".join(parts), **_sentences(row)}

    labelled = [said(row) for row in rows]
    worst = sorted(labelled, key=lambda row: (words.WORST_FIRST.index(row["verdict"]), row["left_seconds"]))
    bad = [row for row in worst if row["verdict"] in ("missed", "not_assessable")]
    shown = (bad or worst[:1])[:WORST]
    return {
        "name": name,
        "contract": rows[0]["contract"],
        "covers": first_page.covers(rows, titles),
        "checks": first_page.checks(rows, titles),
        "rows": labelled,
        "open": any(map(verdicts.is_open, rows)),
        "verdict": worst[0]["verdict"],
        "shown": shown,
        "noted": [row for row in worst if row["noted"] and row not in shown][:WORST],
        "unshown": max(0, len(bad) - WORST),
        "summary": _summary(rows, len(rows) - len(bad), len(periods), len(subjects)) if len(rows) > 1 else None,
        "terms": _kept(" ".join(words.definitions(rows[0]))),
    }


def _sentences(row: Mapping[str, Any]) -> dict[str, Any]:
    """The figure, the allowance, what the verdict hangs on, and the rest."""
    figure, *allowance = verdicts.result(row)
    said = {"allowance": allowance, "reserves": verdicts.reserves(row), "beside": verdicts.beside(row)}
    said["noted"] = [*said["reserves"], *verdicts.slow(row)] if allowance else []
    return {"headline": _kept(figure)} | {key: _kept(" ".join(sentences)) for key, sentences in said.items()}


def _summary(rows: list[Mapping[str, Any]], good: int, periods: int, subjects: int) -> str:
    """`Counted under SLA 4.3: met in 2 of 3 months.`, `Met by 1 of 2 nodes.`"""
    whole = len(rows)
    if subjects > 1 and periods > 1:
        met = _("met in {good} of {whole} cases", good=good, whole=whole)
    elif subjects > 1:
        met = _("met by {good} of {whole} nodes", good=good, whole=whole)
    else:
        met = _(words.MET_IN[rows[0]["per"]], good=good, whole=whole)
    if any(row["so_far"] for row in rows):
        met = _("{met} so far", met=met)
    contract = rows[0]["contract"]
    if contract:
        return _("Counted under {contract}: {met}.", contract=contract, met=met)
    return f"{met[:1].upper()}{met[1:]}."


def _labelled(agreements: list[dict[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{agreement['name']}: {row['label']}", row) for agreement in agreements for row in agreement["rows"]]


def _by_role(report: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    return [(name, list(rows)) for name, rows in groupby(report["nodes"], key=_place)]


def _place(row: Mapping[str, Any]) -> str:
    """The role and the site of a row."""
    return ", ".join(filter(None, (row["role"] or _("no role"), row["site"])))


def _days(report: Mapping[str, Any]) -> strip.Days:
    """Those that the report accounts for."""
    period = report["period"]
    first = datetime.fromisoformat(period["from"]).date()
    last = datetime.fromisoformat(period["accounted_until"]) - timedelta(microseconds=1)
    return strip.Days(tuple(first + timedelta(days=n) for n in range((last.date() - first).days + 1)))


def _kept(text: str) -> str:
    """Lines break between `2 h` and `15 min`, not within."""
    return BEFORE_A_UNIT.sub(NO_BREAK, text)


def _exact(seconds: float) -> str:
    return _said(seconds, language())


@lru_cache(maxsize=4096)
def _said(seconds: float, _language: str) -> str:
    """A large report says the same durations again and again, most of all `0 s`."""
    return _kept(words.exact(seconds))


@pass_context
def _when(context: Context, text: str | None) -> str:
    return dates.moment(context["zone"], text)


@pass_context
def _day(context: Context, text: str, *, last: bool = False) -> str:
    return dates.long_day(context["zone"], text, last=last)


@pass_context
def _evidence(context: Context, row: Mapping[str, Any]) -> str:
    return _kept(evidence.sentence(row, partial(dates.moment, context["zone"])))


@pass_context
def _correction(context: Context, row: Mapping[str, Any]) -> str:
    return evidence.correction(row, partial(dates.moment, context["zone"]))


def _number(value: float) -> str:
    return number(value).replace(",", ".") if language() == "de" else number(value)


def _ratio(value: float | None, decimals: int = 3) -> str:
    """Rounded down."""
    return _("not measured") if value is None else _share(value, decimals, language())


@lru_cache(maxsize=4096)
def _share(value: float, decimals: int, _language: str) -> str:
    """Most checks have the same two: that of a quarter without an outage."""
    return _kept(with_decimal_mark(percentage(value, decimals=decimals)))


def _counted_outages(row: Mapping[str, Any]) -> str:
    """`2`, `3, of which 1 wholly planned`."""
    planned = row["reliability"]["planned_outages"]
    whole = row["reliability"]["outages"] + planned
    return _("{whole}, of which {planned} wholly planned", whole=whole, planned=planned) if planned else str(whole)


def _classes_head(kinds: Sequence[str]) -> Markup:
    """A column for each of these classes, and their sum."""
    names = [_(words.CLASSES[kind]) for kind in kinds]
    return Markup().join(Markup('<th scope="col" class="n">{}</th>').format(name) for name in (*names, _("Sum")))


def _classes_cells(kinds: Sequence[str], row: Mapping[str, Any]) -> Markup:
    seconds = row["seconds"]
    times = [*(seconds[kind] for kind in kinds), sum(seconds.values())]
    return Markup("".join(f'<td class="n">{escape(_exact(time))}</td>' for time in times))  # noqa: S704


def _classes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of which any row has time."""
    return [kind for kind in words.CLASSES if any(row["seconds"][kind] for row in rows)]
