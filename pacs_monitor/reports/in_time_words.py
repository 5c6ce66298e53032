"""The sentences of objectives on how long runs may take. Nothing is rounded in anybody's favour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pacs_monitor.config.format import percent
from pacs_monitor.format.human import exact_percentage, number
from pacs_monitor.language import N_, _, _n
from pacs_monitor.reports import words

MET = words.VERDICTS | {"within": N_("within what is agreed so far")}
PERIODS = {
    "month": N_("month"),
    "quarter": N_("quarter"),
    "year": N_("year"),
    "contract year": N_("contract year"),
}


def verdict(row: Mapping[str, Any]) -> list[str]:
    """`Counted under SLA 4.2: 96.21 % within 3 s, met.` and what goes with it."""
    return [*result(row), *words.consequence(row)]


def result(row: Mapping[str, Any]) -> list[str]:
    """The same without what follows from a breach."""
    if row["verdict"] == "not_assessable":
        said = [_not_assessable(row)]
    else:
        figure, within, met = share(row, row), words.exact(row["within_seconds"]), _(MET[row["verdict"]])
        said = [
            _(
                "Counted under {contract}: {share} of the runs within {within} \N{EN DASH} {met}.",
                contract=row["contract"],
                share=figure,
                within=within,
                met=met,
            )
            if row["contract"]
            else _(
                "Counted: {share} of the runs within {within} \N{EN DASH} {met}.", share=figure, within=within, met=met
            )
        ]
    if row["runs"]:
        said.append(
            _(
                "Of {runs} runs {slow} took longer; {permitted} were permitted.",
                runs=number(row["runs"]),
                slow=number(row["slow"]),
                permitted=number(row["slow_permitted"]),
            )
        )
    if row["failed_sooner"]:
        said.append(
            _n(
                "{count} run failed sooner and counts for availability alone.",
                "{count} runs failed sooner and count for availability alone.",
                row["failed_sooner"],
            )
        )
    if row["counted_since"] != row["from"]:
        since = datetime.fromisoformat(row["counted_since"]).strftime("%Y-%m-%d %H:%M")
        said.append(_("Counted since it is in force, {since}.", since=since))
    return said


def _not_assessable(row: Mapping[str, Any]) -> str:
    part = words.percentage(row["measured_seconds"], row["to_measure_seconds"])
    if not row["runs"] and row["measured_seconds"]:
        return _("Not assessable: no run was counted.")
    return _(
        "Not assessable: runs were counted for {part} of the agreed time; {needed} are needed.",
        part=part,
        needed=percent(row["coverage_needed"]),
    )


def share(row: Mapping[str, Any], of: Mapping[str, Any]) -> str:
    """Rounded down, as exact as the target `of` the objective."""
    if not row["runs"]:
        return _("not measured")
    return exact_percentage(row["in_time"], row["runs"], words.decimals(of))


def agreed(row: Mapping[str, Any]) -> str:
    """`Agreed: 95 % of dicom_retrieve within 3 s per month.`"""
    return _(
        "Agreed: {share} of {measure} within {within} per {period}.",
        share=percent(row["target"]).replace("%", " %"),
        measure=row["measure"],
        within=words.exact(row["within_seconds"]),
        period=_(PERIODS[row["per"]]),
    )


def definitions(row: Mapping[str, Any]) -> list[str]:
    """The terms, one sentence each."""
    said = [agreed(row)]
    if row["calendar"]:
        said.append(_("Runs count that start in the hours of {calendar}.", calendar=row["calendar"]))
    if row["maintenance"] != "include":
        said.append(_("Runs in planned maintenance do not count."))
    said.append(
        _("A run that failed after that time counts as slow, one that failed sooner counts for availability alone.")
    )
    if row["counts"] == "attributable":
        said.append(_("What failed because of the network does not count."))
    return said


def by_name(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The rows of each objective together, the worst first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return [
        (name, sorted(group, key=lambda row: words.WORST_FIRST.index(row["verdict"]))) for name, group in found.items()
    ]


def label(row: Mapping[str, Any]) -> str:
    """What it is judged for, and when."""
    return f"{row['title']}, {row['period']}"


def cells(row: Mapping[str, Any], whole: Mapping[str, Any] | None = None) -> list[str]:
    """The same of a row, or of a month of the `whole`, which alone is judged."""
    result = _(MET[row["verdict"]]) if whole is None else ""
    counts = (number(row[key]) for key in ("runs", "in_time", "slow", "slow_permitted", "failed_sooner"))
    return [result, share(row, whole or row), *counts]
