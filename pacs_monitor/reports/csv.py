"""The report as tables for spreadsheets: a zip with one CSV file (RFC 4180) for each.

UTF-8 with a byte order mark, which Excel needs; a text that it would take for a formula has an apostrophe before it.
In German the cells are apart by semicolons, and numbers have a decimal comma: so a German Excel takes them, which
would have all of a row in one cell, and 5.3 for a day in March. What is apart by commas is for an English one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO, StringIO
from itertools import chain
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pacs_monitor.language import language, speaking
from pacs_monitor.reports.columns import COLUMNS

FORMULAS = frozenset("=+-@\t\r")
TABLES = (
    "objectives",
    "latency_objectives",
    "services",
    "worst",
    "places",
    "nodes",
    "checks",
    "incidents",
    "outages",
    "latency",
    "evidence",
    "declared",
    "declared_sums",
    "maintenance",
    "gaps",
    "revisions",
    "changes",
)
APART = frozenset({"days", "months", "incidents", "outages", "windows", "quarters", "corrections", "path"})
"""Lists that have a table of their own, or none."""
GROUPS = frozenset({"maintenance_included", "unmeasured", "slow", "decided", "hours", "latency"})
"""Figures with columns of their own, which are empty where there are none."""


class Written(NamedTuple):
    """How numbers and cells are written."""

    separator: str
    decimal_mark: str


AS_IN: Mapping[str, Written] = {"de": Written(";", ",")}
ELSEWHERE = Written(",", ".")


def zipped(report: Mapping[str, Any]) -> bytes:
    """The same report makes the same bytes."""
    with speaking(report["document"]["language"]):
        return packed(_tables(report), COLUMNS)


def packed(
    tables: Iterable[tuple[str, Iterable[Mapping[str, Any]]]], columns: Mapping[str, Sequence[str]] | None = None
) -> bytes:
    """Named tables as one zip, as spreadsheets take them in the language that is spoken; known `columns` come first."""
    content, written = BytesIO(), AS_IN.get(language(), ELSEWHERE)
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, rows in tables:
            table = _csv(rows, (columns or {}).get(name, ()), written)
            archive.writestr(ZipInfo(f"{name}.csv"), table.encode("utf-8-sig"), ZIP_DEFLATED)
    return content.getvalue()


def read(table: bytes) -> list[list[str]]:
    """The cells of a table, however they are apart: names of columns have none of these in them; raises csv.Error."""
    text = table.decode("utf-8-sig", "replace")
    header = text.partition("\r\n")[0]
    found = next((one for one in AS_IN.values() if one.separator in header), ELSEWHERE)
    return list(csv.reader(StringIO(text, newline=""), delimiter=found.separator))


def _tables(report: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    frozen = report.get("frozen")
    number = {} if frozen is None else {"number": frozen["number"], "data_sha256": frozen["data_sha256"]}
    about = {"monitor": report["monitor"], "coverage": report["coverage"], **number}
    yield "period", [{**report["period"], **about, "operated_by": report["document"]["operated_by"]}]
    if frozen is not None:
        yield "differences", map(_flat, frozen["differences"])
    for name in TABLES:
        yield name, [_flat(row) for row in report[name]]
    for table, inner in (
        ("objective", "months"),
        ("objective", "outages"),
        ("objective", "windows"),
        ("latency_objective", "months"),
    ):
        rows = [
            {"objective": row["name"], "of": row["of"], "period": row["period"], **_flat(one)}
            for row in report[f"{table}s"]
            for one in row[inner]
        ]
        yield f"{table}_{inner}", rows
    for name in ("service", "node"):
        yield (
            f"{name}_months",
            [{name: row[name], **_flat(month)} for row in report[f"{name}s"] for month in row["months"]],
        )
    yield (
        "trend",
        [
            {"kind": row["kind"], "name": row["name"], "of": row["of"], **quarter}
            for row in report["trend"]
            for quarter in row["quarters"]
        ],
    )
    days = [{"node": row["node"], **_flat(day)} for row in report["nodes"] for day in row["days"]]
    yield "node_days", days


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds by class as columns, lists of texts as one."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if value is None and key in GROUPS:
            continue
        if isinstance(value, dict):
            for name, inner in value.items():
                found[f"{key}_{name}"] = inner
        elif not isinstance(value, list):
            found[key] = value
        elif key not in APART:
            found[key] = "\n".join(map(str, value))
    return found


def _csv(rows: Iterable[Mapping[str, Any]], columns: Iterable[str], how: Written) -> str:
    listed = list(rows)
    columns = list(dict.fromkeys(chain(columns, *listed)))
    written = StringIO()
    writer = csv.writer(written, delimiter=how.separator, lineterminator="\r\n")
    writer.writerow(columns)
    cells = (_cells([row.get(column) for row in listed], how.decimal_mark) for column in columns)
    writer.writerows(zip(*cells, strict=True))
    return written.getvalue()


def _cells(column: list[Any], decimal_mark: str) -> list[Any]:
    """As they are written: most columns are of numbers alone, of which nothing need be changed for a decimal point."""
    changed = str if decimal_mark == "." else (str, float)
    if not any(issubclass(kind, changed) for kind in set(map(type, column))):
        return column
    return [_cell(value, decimal_mark) for value in column]


def _cell(value: Any, decimal_mark: str) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value[:1] in FORMULAS else value
    return str(value).replace(".", decimal_mark) if isinstance(value, float) else value
