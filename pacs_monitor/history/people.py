"""Names of people become roles when they have been kept for long enough; what was done stays on record.

Free text (`why`, notes) stays as it was typed. Frozen reports and their approvals stay as they were signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, select, type_coerce, update

from pacs_monitor.history import tables as t
from pacs_monitor.history.audit import audit
from pacs_monitor.history.constancy import explanations
from pacs_monitor.history.evidence import declared, evidence
from pacs_monitor.history.reader import HistoryReader
from pacs_monitor.model import Micros

ROLE = "an operator"
NOBODY = ("", ROLE, "SIGHUP", "the API")
"""Who is no person."""
AT_A_TIME = 500
"""Documents of one column that are rewritten in one transaction."""


class Named(NamedTuple):
    """A column that holds the name of a person, or what is said of one."""

    table: Table
    column: str
    at: str
    """The column that says when."""
    instead: str = ROLE


class Documented(NamedTuple):
    """A column of documents in which people are named under `by`, at whatever depth."""

    table: Table
    column: str
    at: str


NAMED = (
    Named(t.revisions, "who", "at"),
    Named(audit, "by", "at"),
    Named(audit, "token", "at", ""),
    Named(audit, "address", "at", ""),
    Named(explanations, "by", "at"),
    Named(evidence, "by", "at"),
    Named(declared, "by", "at"),
)
DOCUMENTED = (
    Documented(t.incidents, "acknowledgement", "ended"),
    Documented(t.notifications, "data", "created"),
    Documented(t.events, "data", "at"),
)
"""Whatever else names people gets its line here."""


class Found(NamedTuple):
    """A document that names people."""

    where: Documented
    key: Any
    document: Any


def forget_names(connection: Connection, monitor: int, before: Micros) -> None:
    """In columns of text, of whatever happened before then."""
    for table, column, at, instead in NAMED:
        old = (table.c.monitor_id == monitor) & (table.c[at] < before)
        connection.execute(update(table).where(old, table.c[column].not_in(NOBODY)).values({column: instead}))


def find_documents(reader: HistoryReader, before: Micros) -> list[Found]:
    """Some of those that name people, of whatever happened before then; none when there are no more."""
    found: list[Found] = []
    with reader.connected() as connection:
        for one in DOCUMENTED:
            columns, old = one.table.c, _old(one, reader.monitor, before)
            rows = connection.execute(select(_key(one), columns[one.column]).where(*old).limit(AT_A_TIME))
            found += [Found(one, key, document) for key, document in rows]
    return found


def rewrite(connection: Connection, found: Sequence[Found]) -> None:
    """Write them again, without names."""
    for one, key, document in found:
        connection.execute(update(one.table).where(_key(one) == key).values({one.column: without_names(document)}))


def _key(one: Documented) -> Column[Any]:
    return one.table.primary_key.columns[0]


def _old(one: Documented, monitor: int, before: Micros) -> tuple[ColumnElement[bool], ...]:
    """By the text of the document, as columns.Document writes it."""
    columns, text = one.table.c, type_coerce(one.table.c[one.column], Text)
    named = text.like('%"by":"%'), text.not_like(f'%"by":"{ROLE}"%'), text.not_like('%"by":""%')
    return columns.monitor_id == monitor, columns[one.at] < before, *named


def without_names(document: Any) -> Any:
    """The document with a role for each name, also where a sentence of it says `by NAME`."""
    names = set(_names(document))

    def said(text: str) -> str:
        for name in names:
            text = text.replace(f"by {name}", f"by {ROLE}")
        return text

    return _with(document, said)


def _names(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [value for key, value in document.items() if key == "by" and isinstance(value, str) and value]
        return own + [name for value in document.values() for name in _names(value)]
    return [name for value in document for name in _names(value)] if isinstance(document, list) else []


def _with(document: Any, said: Callable[[str], str]) -> Any:
    if isinstance(document, dict):
        return {
            key: ROLE if key == "by" and isinstance(value, str) else _with(value, said)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [_with(value, said) for value in document]
    return said(document) if isinstance(document, str) else document
