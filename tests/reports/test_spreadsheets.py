"""The tables for spreadsheets: as Excel takes them in either language, each with its header."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from pacs_monitor.reports import zipped
from pacs_monitor.reports.columns import COLUMNS
from pacs_monitor.reports.csv import packed, read


def tables(content: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(content)) as archive:
        return {name.removesuffix(".csv"): archive.read(name) for name in archive.namelist()}


def test_in_german_cells_are_apart_by_semicolons_and_numbers_have_a_decimal_comma(report: dict[str, Any]) -> None:
    german = copy.deepcopy(report)
    german["document"]["language"] = "de"
    english, other = tables(zipped(report)), tables(zipped(german))
    headers = [table["gaps"].partition(b"\r\n")[0].removeprefix(b"\xef\xbb\xbf") for table in (english, other)]
    assert [sorted(headers[0].split(b",")), sorted(headers[1].split(b";"))] == [
        [b"cause", b"from", b"seconds", b"to"]
    ] * 2
    assert b";21600,0;" in other["gaps"]
    for name, table in english.items():
        cells, expected = read(other[name]), read(table)
        for row, expected_row in zip(cells, expected, strict=True):
            assert [cell.replace(",", ".") for cell in row] == [cell.replace(",", ".") for cell in expected_row]


def test_a_table_without_rows_has_the_header_of_one_that_has_some(report: dict[str, Any]) -> None:
    empty = report | {name: [] for name in ("gaps", "objectives", "incidents", "outages", "maintenance", "changes")}
    filled, bare = tables(zipped(report)), tables(zipped(empty))
    assert filled.keys() - COLUMNS.keys() == {"period"}
    for name, columns in COLUMNS.items():
        (header, *rows), (found, *none) = read(filled[name]), read(bare[name])
        assert found
        if rows:
            assert tuple(header) == columns, name
        if name in empty and not empty[name]:
            assert (tuple(found), none) == (columns, [])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t1"])
def test_a_text_that_excel_would_take_for_a_formula_is_a_text(text: str) -> None:
    (table,) = tables(packed([("notes", [{"text": text, "number": -1.5}])])).values()
    assert read(table) == [["text", "number"], [f"'{text}", "-1.5"]]
