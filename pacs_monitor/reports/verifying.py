"""Whether a document is what was frozen, and where it is not. Pure: the archive is asked for what was kept."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import orjson

from pacs_monitor.history.frozen import digest
from pacs_monitor.model import PacsMonitorError
from pacs_monitor.reports import pdf_text
from pacs_monitor.reports.csv import read
from pacs_monitor.reports.differences import compared

MOST = 20
"""Places that are named."""
AROUND = 40
"""Characters that are shown before and after a place."""
LARGEST = 512 * 1024 * 1024
"""Bytes of a table that is read out of a zip."""
DAMAGED = (BadZipFile, zlib.error, csv.Error, EOFError, OSError, RuntimeError, ValueError)
"""What reading a zip of CSV tables raises that is none any more."""
_META = re.compile(rb'<meta name="pacs-monitor-report" content="([^"]{1,200})">')
_HEADING = re.compile(r"<(h[1-3]|caption)\b[^>]*>(.*?)</\1>")
_TAG = re.compile(r"<[^>]*>")


class NotAReportError(PacsMonitorError):
    """The file is none of the documents that a report is written as."""


class Verdict(NamedTuple):
    """What was found of a document."""

    genuine: bool
    number: str | None
    """Of the frozen report that it is, or claims to be."""
    format: str
    sentence: str
    places: tuple[str, ...] = ()
    """Where it differs from what was frozen."""


Archive = Callable[[str, str], bytes | None]
"""The frozen document of a number and a format."""


def verify(content: bytes, hashes: Mapping[str, Mapping[str, str]], archive: Archive) -> Verdict:
    """`hashes` are the SHA-256 of the frozen documents, by number and format; raises NotAReportError."""
    form, own = format_of(content), digest(content)
    known = next((number for number, of_one in hashes.items() if own in of_one.values()), None)
    if known is not None:
        return Verdict(True, known, form, f"is report {known} as it was frozen, byte for byte ({form})")
    number = pdf_text.number_in(pdf_text.pages(content), hashes) if form == "pdf" else claimed(content, form)
    if number is None:
        what = (
            "is no frozen one: it was printed anew, or changed"
            if form == "pdf"
            else "bears no number of a frozen report"
        )
        return Verdict(False, None, form, f"this {form} {what}")
    kept = archive(number, form) if number in hashes else None
    if kept is None:
        return Verdict(False, number, form, f"says that it is report {number}, of which no {form} was frozen here")
    places = list(_COMPARE[form](kept, content))
    if not places:
        sentence = f"says the same as report {number}, but is written differently: not byte for byte"
        return Verdict(False, number, form, sentence, (_first_byte(kept, content),))
    more = (f"and {len(places) - MOST} more",) if len(places) > MOST else ()
    return Verdict(False, number, form, f"is NOT report {number} as it was frozen", (*places[:MOST], *more))


def format_of(content: bytes) -> str:
    """By its first bytes."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, form in ((b"PK\x03\x04", "csv"), (b"%PDF-", "pdf"), (b"{", "json")):
        if start.startswith(mark):
            return form
    if b"<html" in start.lower() or start.lower().startswith(b"<!doctype html"):
        return "html"
    raise NotAReportError("name the HTML, PDF, JSON or zip of CSV tables that a report was written as; this is none")


def claimed(content: bytes, form: str) -> str | None:
    """The number that a document bears; of a PDF, its text must be searched for one that is known."""
    if form == "html":
        found = _META.search(content)
        return found[1].decode("utf-8", "replace") if found else None
    if form == "json":
        try:
            data = orjson.loads(content)
        except ValueError:
            return None
        frozen = data.get("frozen") if isinstance(data, Mapping) else None
        return str(frozen.get("number")) if isinstance(frozen, Mapping) else None
    if form == "csv":
        rows = _tables(content).get("period.csv", [])
        return dict(zip(rows[0], rows[1], strict=False)).get("number") if len(rows) > 1 else None
    return None


def _of_json(kept: bytes, given: bytes) -> Iterator[str]:
    for one in compared(orjson.loads(kept), orjson.loads(given)):
        yield f"{': '.join(one.path)}: {_value(one.after)}, frozen as {_value(one.before)}"


def _value(value: Any) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()[:200]


def _of_html(kept: bytes, given: bytes) -> Iterator[str]:
    old, new = kept.decode("utf-8", "replace").splitlines(), given.decode("utf-8", "replace").splitlines()
    if len(old) != len(new):
        at = _first_difference(old, new)
        yield f"line {at + 1}{_section(old, at)}: {len(new)} lines, frozen with {len(old)}; they differ from here on"
        return
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            was, found = _around(before, after)
            yield f"line {number + 1}{_section(old, number)}: {found!r}, frozen as {was!r}"


def _section(lines: Sequence[str], at: int) -> str:
    """The heading or caption that stands before a line."""
    for line in reversed(lines[: at + 1]):
        found = _HEADING.search(line)
        if found:
            return f" (under “{_TAG.sub('', found[2])}”)"
    return ""


def _around(before: str, after: str) -> tuple[str, str]:
    """What stands in both lines where they differ first."""
    start = _first_difference(before, after)
    same_end, most = 0, min(len(before), len(after)) - start
    while same_end < most and before[-1 - same_end] == after[-1 - same_end]:
        same_end += 1
    first = max(0, start - AROUND)
    ends = (min(len(text), len(text) - same_end + AROUND) for text in (before, after))
    old, new = (text[first : min(end, first + 4 * AROUND)] for text, end in zip((before, after), ends, strict=True))
    return old, new


def _of_csv(kept: bytes, given: bytes) -> Iterator[str]:
    old, new = _tables(kept), _tables(given)
    for name in dict.fromkeys((*old, *new)):
        if name not in old or name not in new:
            yield f"{name}: {'is missing' if name in old else 'was not frozen'}"
        else:
            yield from _of_table(name, old[name], new[name])


def _of_table(name: str, old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> Iterator[str]:
    if len(old) != len(new):
        yield f"{name}: {len(new)} rows, frozen with {len(old)}"
        return
    for number, (before, after) in enumerate(zip(old, new, strict=True), start=1):
        if len(before) != len(after):
            yield f"{name}, row {number}: {len(after)} columns, frozen with {len(before)}"
            continue
        for column, (was, found) in enumerate(zip(before, after, strict=True)):
            if was != found:
                yield f"{name}, row {number}, {old[0][column]}: {found!r}, frozen as {was!r}"


def _tables(content: bytes) -> dict[str, list[list[str]]]:
    """The tables of a zip by their names; {} where it is damaged."""
    csv.field_size_limit(LARGEST)  # of what changed in a large configuration a cell has more than csv's 128 KiB
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST:
                return {}
            return {name: read(archive.read(name)) for name in archive.namelist()}
    except DAMAGED:
        return {}


def _of_pdf(kept: bytes, given: bytes) -> Iterator[str]:
    found = list(pdf_text.changed(pdf_text.pages(kept), pdf_text.pages(given)))
    yield from found or [f"{_first_byte(kept, given)}; its words are those that were frozen"]


def _first_byte(kept: bytes, given: bytes) -> str:
    return f"byte {_first_difference(kept, given) + 1} of {len(given)}"


def _first_difference(old: Sequence[object], new: Sequence[object]) -> int:
    """Where they are not the same; of two of which one only goes on, where the other one ends."""
    both = enumerate(zip(old, new, strict=False))
    return next((place for place, (before, after) in both if before != after), min(len(old), len(new)))


_COMPARE: Mapping[str, Callable[[bytes, bytes], Iterator[str]]] = {
    "html": _of_html,
    "json": _of_json,
    "csv": _of_csv,
    "pdf": _of_pdf,
}
