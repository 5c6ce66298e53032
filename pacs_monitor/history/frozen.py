"""Frozen reports: what was signed, as it was signed, and what people say of it. Nothing here is ever changed.

Documents are compressed by zlib (RFC 1950); their hashes are SHA-256 (FIPS 180-4) of the documents themselves.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, UniqueConstraint, insert, select
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history.audit import AuditEntry
from pacs_monitor.history.audit import insert as insert_audit
from pacs_monitor.history.columns import Document, Key, PlainText, metadata, of, text, time
from pacs_monitor.history.engines import advice, parse, require_current, shown, writing
from pacs_monitor.history.errors import HistoryError, describe
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rows import insert_once
from pacs_monitor.model import Micros

reports = Table(
    "reports",
    metadata,
    Column("id", Key, primary_key=True),
    of("monitors", "monitor_id"),
    text("period"),
    Column("revision", Integer, nullable=False),
    time("at"),
    text("by"),
    text("why"),
    text("version"),
    text("data_hash"),
    Column("configurations", Document, nullable=False),
    Column("outcome", Document, nullable=False),
    UniqueConstraint("monitor_id", "period", "revision"),
)
documents = Table(
    "report_documents",
    metadata,
    of("reports", "report_id", primary_key=True),
    Column("format", PlainText, primary_key=True),
    Column("hash", PlainText, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
)
"""The data (`data`, canonical JSON) and the documents that were made of it."""
words = Table(
    "report_words",
    metadata,
    Column("id", PlainText, primary_key=True),
    of("reports", "report_id", index=True),
    time("at"),
    text("kind"),
    text("by"),
    text("text"),
    Column("details", Document, nullable=False),
)
"""Approvals, distribution, agreed actions."""
DATA = "data"
"""The format of the data itself."""


class Kind(StrEnum):
    """What people say of a frozen report."""

    APPROVED = "approved"
    DISTRIBUTED = "distributed"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said of a frozen report."""

    id: str
    """A ULID."""
    at: Micros
    kind: Kind
    by: str
    text: str
    """Of an approval the remark, of a distribution to whom, of an action what was agreed."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Of an action `owner` and `due`."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A report as it was frozen, without its documents."""

    period: str
    revision: int
    at: Micros
    by: str
    why: str
    version: str
    """Of pacs_monitor, which made it."""
    data_hash: str
    configurations: tuple[Mapping[str, Any], ...]
    """Those that were in force in the period: `hash`, `since`, and `sha256` of the whole."""
    outcome: tuple[Mapping[str, Any], ...]
    """What each agreement came to, for lists."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By format."""
    said: tuple[Said, ...] = ()
    """In order of time."""

    @property
    def number(self) -> str:
        """`2026-Q3/1`."""
        return f"{self.period}/{self.revision}"


class TakenError(HistoryError):
    """Somebody has frozen a revision of this period in the meantime."""


class MissingError(HistoryError):
    """There is no frozen report of this number."""


class DamagedError(HistoryError):
    """A stored document is not what its hash says."""


def freeze(connection: Connection, monitor_id: int, report: Frozen, contents: Mapping[str, bytes]) -> None:
    """Keep a report with its documents; doing it twice is the same as once."""
    of_it = reports.c
    there = select(of_it.at).where(
        of_it.monitor_id == monitor_id, of_it.period == report.period, of_it.revision == report.revision
    )
    at = connection.scalar(there)
    if at == report.at:
        return
    if at is not None:
        raise TakenError(f"try again: {report.number} was frozen by somebody else in the meantime")
    names = "period", "revision", "at", "by", "why", "version", "data_hash", "configurations", "outcome"
    row = {name: getattr(report, name) for name in names} | {"monitor_id": monitor_id}
    key = connection.execute(insert(reports).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - a row was inserted
    rows = [
        {"report_id": key[0], "format": name, "hash": digest(content), "content": zlib.compress(content, 9)}
        for name, content in contents.items()
    ]
    connection.execute(insert(documents), rows)


def say(connection: Connection, monitor_id: int, number: str, said: Said) -> None:
    """Add what somebody says; MissingError when there is no such report. Doing it twice is the same as once."""
    key = connection.scalar(_keys(monitor_id, number))
    if key is None:
        raise MissingError(f"no frozen report {number}")
    row = {"id": said.id, "report_id": key, "at": said.at, "kind": said.kind, "by": said.by, "text": said.text}
    insert_once(connection, words, [row | {"details": dict(said.details)}])


def frozen(reader: HistoryReader, period: str | None = None) -> tuple[Frozen, ...]:
    """Those of a period, or all; the latest first."""
    of_it = reports.c
    statement = select(reports).where(of_it.monitor_id == reader.monitor)
    if period is not None:
        statement = statement.where(of_it.period == period)
    keys = statement.with_only_columns(of_it.id)
    hashes: dict[int, dict[str, str]] = defaultdict(dict)
    spoken: dict[int, list[Said]] = defaultdict(list)
    with reader.connected() as connection:
        rows = connection.execute(statement.order_by(of_it.at.desc(), of_it.id.desc())).all()
        listed = select(documents.c.report_id, documents.c.format, documents.c.hash)
        for key, name, value in connection.execute(listed.where(documents.c.report_id.in_(keys))):
            hashes[key][name] = value
        for row in connection.execute(
            select(words).where(words.c.report_id.in_(keys)).order_by(words.c.at, words.c.id)
        ):
            spoken[row.report_id].append(Said(row.id, row.at, Kind(row.kind), row.by, row.text, row.details))
    return tuple(
        Frozen(
            row.period,
            row.revision,
            row.at,
            row.by,
            row.why,
            row.version,
            row.data_hash,
            tuple(row.configurations),
            tuple(row.outcome),
            hashes[row.id],
            tuple(spoken[row.id]),
        )
        for row in rows
    )


def document(reader: HistoryReader, number: str, form: str) -> bytes | None:
    """A document as it was frozen; None where there is none. DamagedError where the record itself is not sound."""
    of_it = documents.c
    statement = select(of_it.hash, of_it.content).where(
        of_it.report_id.in_(_keys(reader.monitor, number)), of_it.format == form
    )
    with reader.connected() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    try:
        content = zlib.decompress(row.content)
    except zlib.error:
        content = b""
    if digest(content) != row.hash:
        raise DamagedError(
            f"restore the database from a backup: the {form} of {number} in it is not what was frozen "
            f"(SHA-256 {row.hash})"
        )
    return content


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return sha256(content).hexdigest()


@contextmanager
def beside(url: str, audit: Sequence[AuditEntry], reader: HistoryReader) -> Iterator[Connection]:
    """A short transaction on the database itself, for commands when no daemon answers; raises HistoryError.

    It takes no lease and leaves no sign of life: that the monitor ran is said by a daemon alone.
    """
    where = parse(url)
    engine = writing(where)
    try:
        with engine.begin() as connection:
            require_current(connection, where)
            yield connection
            insert_audit(connection, reader.monitor, audit)
    except SQLAlchemyError as error:
        raise HistoryError(f"cannot write the history {shown(where)}: {describe(error)}; {advice(where)}") from error
    finally:
        engine.dispose()


def _keys(monitor_id: int, number: str) -> Any:
    period, _, revision = number.rpartition("/")
    of_it = reports.c
    wanted = int(revision) if revision.isdecimal() and len(revision) < 9 else 0
    return select(of_it.id).where(of_it.monitor_id == monitor_id, of_it.period == period, of_it.revision == wanted)
