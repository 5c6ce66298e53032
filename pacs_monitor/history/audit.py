"""The audit table: every write that people or programs asked for, also those that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, delete, select

from pacs_monitor.history.columns import Document, PlainText, metadata, of, text, time
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.history.rows import insert_once
from pacs_monitor.model import SECOND, Micros

audit = Table(
    "audit",
    metadata,
    Column("id", PlainText, primary_key=True),
    of("monitors", "monitor_id"),
    time("at"),
    Column("by", PlainText, nullable=False),
    text("token"),
    text("role"),
    text("address"),
    text("action"),
    Column("details", Document, nullable=False),
    text("why"),
    Column("status", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "monitor_id", "at"),
)
REFUSED_KEPT: Micros = 90 * 86_400 * SECOND
"""How long requests that were refused are kept."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who asked for what, when, from where, and what became of it."""

    id: str
    """A ULID."""
    at: Micros
    by: str
    """Who says so: as claimed, or else the token's name."""
    token: str
    """The name of the token; "" where none was given, or none that is known."""
    role: str
    address: str
    """The peer's."""
    action: str
    """`POST /api/v1/pause`."""
    status: int
    """Of the answer (RFC 9110 15)."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for, without free text."""
    why: str = ""
    count: int = 1
    """How many requests it stands for: more than one where refused ones were left out."""

    @property
    def outcome(self) -> str:
        if self.status < 400:
            return "done"
        return "refused" if self.status < 500 else "failed"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def insert(connection: Connection, monitor: int, entries: Sequence[AuditEntry]) -> None:
    """Writing the same again changes nothing."""
    insert_once(connection, audit, [entry.as_json() | {"monitor_id": monitor} for entry in entries])


def drop_old_refusals(connection: Connection, monitor: int, now: Micros) -> None:
    """Refused requests are not kept for as long as what was done."""
    of_ours = (audit.c.monitor_id == monitor) & (audit.c.status >= 400)
    connection.execute(delete(audit).where(of_ours, audit.c.at < now - REFUSED_KEPT))


def audited(
    reader: HistoryReader, limit: int, action: str = "", since: Micros = 0, before: str | None = None
) -> tuple[AuditEntry, ...]:
    """The latest entries, the latest first; with an `action`, those alone of it that were done.

    `before` as of HistoryReader.older.
    """
    names = [column for column in audit.c if column.name != "monitor_id"]
    ours = select(*names).where(audit.c.monitor_id == reader.monitor, audit.c.at >= since)
    if action:
        ours = ours.where(audit.c.action == action, audit.c.status < 400)
    if before is not None:
        ours = ours.where(reader.older(audit, before, "at", "id"))
    with reader.connected() as connection:
        rows = connection.execute(ours.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)).all()
    return tuple(AuditEntry(**row._mapping) for row in rows)
