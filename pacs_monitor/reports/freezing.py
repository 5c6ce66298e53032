"""Freezing a report: from then on it is kept as it is, byte for byte, under a number.

The documents are kept beside the data, so that neither a later version of this program nor a later configuration
changes a line of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from pacs_monitor import __version__
from pacs_monitor.history import AuditEntry, Frozen, HistoryReader, audited, periods
from pacs_monitor.history.frozen import DATA, digest, document, frozen
from pacs_monitor.model import Micros, PacsMonitorError, iso
from pacs_monitor.reports.build import build
from pacs_monitor.reports.csv import zipped
from pacs_monitor.reports.differences import differences, same, turned
from pacs_monitor.reports.html import html
from pacs_monitor.reports.pdf import PrintingError, printed, printer
from pacs_monitor.reports.periods import Period
from pacs_monitor.threads import in_thread

MOST_WORDS = 5000
"""Latest entries of the audit trail in which the reason of a difference is looked for."""
OUTCOME = (
    "name",
    "contract",
    "of",
    "title",
    "period",
    "verdict",
    "so_far",
    "availability",
    "availability_attributable",
)
"""Of an agreement, for lists."""


class NotOverError(PacsMonitorError):
    """The period goes on: there is nothing to freeze yet."""


class Ready(NamedTuple):
    """A report that is to be kept."""

    report: Frozen
    contents: dict[str, bytes]
    """Its documents by format."""


def canonical(data: Mapping[str, Any]) -> bytes:
    """The data as JSON with sorted keys, without blanks: what the hash is of."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def freeze(reader: HistoryReader, period: Period, now: Micros, by: str, why: str = "") -> Ready | Frozen:
    """What is to be kept; or the report that is kept already, where nothing has changed since. Raises NotOverError."""
    if period.so_far(now):
        raise NotOverError(
            f"freeze it when it is over: the period {period.name} goes on until {period.local(period.interval.end)}"
        )
    written = canonical(build(reader, period, now))
    data = orjson.loads(written)
    before = next(iter(frozen(reader, period.name)), None)
    changes: list[dict[str, Any]] = []
    turned_: list[dict[str, Any]] = []
    if before is not None:
        old = orjson.loads(document(reader, before.number, DATA) or b"{}")
        if same(old, data):
            return before
        changes, turned_ = differences(old, data, _since(reader, before)), turned(old, data)
    report = Frozen(
        period.name,
        before.revision + 1 if before else 1,
        now,
        by,
        why,
        __version__,
        digest(written),
        tuple(_configurations(reader, period)),
        outcome(data),
    )
    whole = data | {"frozen": _shown(report, period, before, changes) | {"turned": turned_}}
    return Ready(report, {DATA: written} | documents(orjson.dumps(whole)))


def outcome(data: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """What each agreement came to, for lists."""
    return tuple({key: row[key] for key in OUTCOME} for row in data["objectives"])


async def with_pdf(contents: Mapping[str, bytes]) -> tuple[dict[str, bytes], str]:
    """Documents with a PDF, where one can be printed; else why there is none."""
    return await in_thread(lambda: printed_too(contents), "report-pdf")


def printed_too(contents: Mapping[str, bytes]) -> tuple[dict[str, bytes], str]:
    """The same, waiting for it."""
    try:
        content = printed(contents["html"].decode(), printer())
    except PrintingError as error:
        return dict(contents), f"made without a PDF: {error}"
    return {**contents, "pdf": content}, ""


def documents(whole: bytes) -> dict[str, bytes]:
    """Everything that is made of the data; each begins from it anew."""
    return {
        "json": orjson.dumps(orjson.loads(whole), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        "html": html(orjson.loads(whole)).encode(),
        "csv": zipped(orjson.loads(whole)),
    }


def _shown(report: Frozen, period: Period, before: Frozen | None, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """What the documents say of it."""
    return {
        "number": report.number,
        "revision": report.revision,
        "at": period.local(report.at),
        "by": report.by,
        "why": report.why,
        "version": report.version,
        "data_sha256": report.data_hash,
        "configurations": list(report.configurations),
        "replaces": before
        and {"number": before.number, "at": period.local(before.at), "data_sha256": before.data_hash},
        "differences": changes,
    }


def _configurations(reader: HistoryReader, period: Period) -> list[dict[str, Any]]:
    return [
        {
            "hash": one.hash,
            "since": iso(one.at),
            "sha256": None if one.document is None else sha256(canonical(one.document)).hexdigest(),
        }
        for one in periods.revisions(reader, period.interval)
    ]


def _since(reader: HistoryReader, before: Frozen) -> list[AuditEntry]:
    """What people have done since a report was frozen."""
    return [entry for entry in audited(reader, MOST_WORDS) if entry.at > before.at and entry.outcome == "done"]
