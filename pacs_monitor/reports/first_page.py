"""What the first page says beside the results: whether all was kept, what is no contract, what the pages bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil, floor
from typing import Any

from pacs_monitor.format.human import percentage, with_decimal_mark
from pacs_monitor.language import _, _n
from pacs_monitor.reports import dates, in_time_words, verdicts, words
from pacs_monitor.reports.words import exact

NAMED, MOST = 4, 40
"""Systems that an agreement names on the first page, and checks in detail."""
ENOUGH = 0.9
"""The share of a quarter that must have been measured for its figure in the trend."""
TURNED = 5
"""Verdicts that were turned by a revision, as the first page names them."""


def parts(report: Mapping[str, Any], agreements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is signed, and what is said for information; without any contract all of it is in boxes."""
    latency = report["latency_objectives"]
    contract = any(one["contract"] for one in (*agreements, *latency))
    signed = [one for one in agreements if one["contract"] or not contract]
    signed_in_time = [row for row in latency if row["contract"] or not contract]
    return {
        "signed": signed,
        "signed_in_time": signed_in_time,
        "kept": kept(signed, signed_in_time),
        "unquoted": any(map(_unquoted, (*report["objectives"], *latency))),
        "trend_cell": partial(trend_cell, {(row["name"], row["period"]): row for row in report["objectives"]}),
        "informal": [_informal(one) for one in agreements if one not in signed]
        + [_informal_in_time(row) for row in latency if row not in signed_in_time],
    }


def _unquoted(row: Mapping[str, Any]) -> bool:
    """Whether a breach of a contract follows from which nothing is quoted here."""
    return bool(row["contract"]) and row["verdict"] == "missed" and not row["consequence"]


def kept(agreements: Sequence[Mapping[str, Any]], in_time: Sequence[Mapping[str, Any]]) -> str:
    """`2 of 3 agreements were not met: …`; nothing of a single one."""
    by_name = dict(in_time_words.by_name(in_time))
    judged = [(one["name"], _worst(one["rows"]), _breaches(one)) for one in agreements]
    judged += [(name, _worst(rows), "") for name, rows in by_name.items()]
    if len(judged) < 2:
        return ""
    missed = [f"{name}{why}" for name, verdict, why in judged if verdict == "missed"]
    open_ = [name for name, verdict, _why in judged if verdict == "not_assessable"]
    said = []
    if missed:
        said.append(
            _n(
                "{count} of {whole} agreements was not met: {names}.",
                "{count} of {whole} agreements were not met: {names}.",
                len(missed),
                whole=len(judged),
                names=", ".join(missed),
            )
        )
    if open_:
        said.append(_("Not assessable: {names}.", names=", ".join(open_)))
    if not said:
        so_far = any(verdict == "within" for _name, verdict, _why in judged)
        said.append(_("All agreements are kept so far.") if so_far else _("All agreements were met."))
    return " ".join(said)


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    return min((str(row["verdict"]) for row in rows), key=words.WORST_FIRST.index)


def _breaches(agreement: Mapping[str, Any]) -> str:
    """` (July 2026: 31 min counted, 26 min allowed)`."""
    missed = [row for row in agreement["rows"] if row["verdict"] == "missed"]
    told = [
        _(
            "{label}: {used} counted, {allowed} allowed",
            label=row["label"],
            used=exact(ceil(row["used_seconds"])),
            allowed=exact(floor(row["budget_seconds"])),
        )
        for row in missed[:2]
    ]
    return f" ({'; '.join(told)}{', …' if len(missed) > 2 else ''})" if told else ""


def _informal(agreement: Mapping[str, Any]) -> str:
    """`Modalities. Target: … Met by 1 of 2 nodes. MR 1: 97.72 %, NOT met.`"""
    told = [f"{row['label']}: {verdicts.brief(row)}" for row in agreement["shown"]]
    return " ".join(
        [f"{agreement['name']}.", words.agreed(agreement["rows"][0]), *filter(None, [agreement["summary"]]), *told]
    )


def _informal_in_time(row: Mapping[str, Any]) -> str:
    return " ".join(
        [f"{row['name']}, {in_time_words.label(row)}.", in_time_words.agreed(row), in_time_words.verdict(row)[0]]
    )


def covers(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """The systems, by their titles."""
    if rows[0]["subject"] == "service":
        nodes = dict.fromkeys(check.partition("/")[0] for row in rows for check in row["covers"])
        names = [titles.get(node, node) for node in nodes]
    else:
        names = list(dict.fromkeys(row["title"] for row in rows))
    shown = names[:NAMED]
    if len(names) > len(shown):
        shown.append(_n("and {count} more", "and {count} more", len(names) - len(shown)))
    return ", ".join(shown) or words.DASH


def checks(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """The checks, each with what its node is called."""
    names = list(dict.fromkeys(check for row in rows for check in row["covers"]))
    shown = [words.member(name, titles) for name in names[:MOST]]
    if len(names) > len(shown):
        shown.append(_n("and {count} more", "and {count} more", len(names) - len(shown)))
    return ", ".join(shown) or words.DASH


def trend_cell(rows: Mapping[tuple[str, str], Mapping[str, Any]], of: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """A quarter of an agreement: `99.95 %, met`, or in how many of its months it was met."""
    figure = one["availability_counted"]
    if figure is None:
        return _("not measured")
    if one["coverage"] < ENOUGH or one["verdict"] == "not_assessable":
        share = with_decimal_mark(percentage(one["coverage"], decimals=0))
        return _("{share} measured", share=share)
    if one["periods"]:
        return _(words.MET_IN[one["per"]], good=one["periods_met"], whole=one["periods"])
    share = with_decimal_mark(percentage(figure, decimals=2))
    if one["verdict"] is None:
        return share
    row = rows.get((of["name"], one["quarter"]))
    kept = _("met*") if row and verdicts.is_open(row) else _(words.VERDICTS[one["verdict"]])
    return f"{share}, {kept}"


def footer(report: Mapping[str, Any]) -> str:
    """What each page bears, so that none can be exchanged."""
    frozen, what = report.get("frozen"), _("Availability report")
    if frozen:
        hash_ = frozen["data_sha256"][:12]
        return _(
            "{what} {number}, {monitor}, data {hash}",
            what=what,
            number=frozen["number"],
            monitor=report["monitor"],
            hash=hash_,
        )
    made = dates.local(report["made"])
    name = report["period"]["name"]
    return _(
        "{what} {number}, {monitor}, DRAFT of {made}, not to be signed",
        what=what,
        number=name,
        monitor=report["monitor"],
        made=made,
    )


def turned(frozen: Mapping[str, Any]) -> list[str]:
    """`Changed: PACS availability, 3rd quarter of 2026: from met (56 min counted) to NOT met (2 h 26 min counted).`"""
    return [
        _(
            "Changed: {name}, {title}, {period}: from {before} ({counted_before} counted) "
            "to {after} ({counted_after} counted).",
            name=one["name"],
            title=one["title"],
            period=dates.period(one["period"]),
            before=_(words.VERDICTS[one["before"]["verdict"]]),
            counted_before=exact(ceil(one["before"]["used_seconds"])),
            after=_(words.VERDICTS[one["after"]["verdict"]]),
            counted_after=exact(ceil(one["after"]["used_seconds"])),
        )
        for one in frozen["turned"][:TURNED]
    ]
