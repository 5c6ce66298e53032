"""The record as JSON Lines (RFC 8259, one value per line): out of any database, into an empty one.

The first line is the header: schema and version of pacs-monitor, the names of the monitors, how many rows there are.
Then each row of each table is a line; a table that refers to another comes after it. The last line has the number of
rows and the SHA-256 of all bytes before it, so that what was cut short is not taken for whole. Times are microseconds
since 1970, UTC; documents are JSON within a text, bytes are `{"base64": …}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor import __version__
from pacs_monitor.history import copying
from pacs_monitor.history.copying import AT_ONCE, NOT_RECORD, Progress, Row, unhurried
from pacs_monitor.history.engines import advice, alone, parse, reading, shown, upgrade, writing
from pacs_monitor.history.errors import HistoryError, describe
from pacs_monitor.model import Micros, iso

FORMAT = "pacs_monitor history"


class Header(NamedTuple):
    """What the first line says."""

    schema: str
    version: str
    rows: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def export(url: str, now: Micros, progress: Progress) -> Iterator[bytes]:
    """The lines, of one moment, also while a daemon writes; raises HistoryError."""
    database = parse(url)
    engine = reading(database)
    try:
        with engine.connect() as connection, unhurried(connection):
            digest = hashlib.sha256()
            for line in _lines(connection, now, progress):
                digest.update(line)
                yield line
            yield copying.json_line({"end": FORMAT, "sha256": digest.hexdigest()})
    except SQLAlchemyError as error:
        raise HistoryError(
            f"cannot read the history {shown(database)}: {describe(error)}; {advice(database)}"
        ) from error
    finally:
        engine.dispose()


def _lines(connection: Connection, now: Micros, progress: Progress) -> Iterator[bytes]:
    schema = copying.schema(connection)
    tables = copying.tables(connection)
    rows = {table.name: copying.count(connection, table) for table in tables}
    names = copying.monitors(connection)
    yield copying.json_line(
        {"format": FORMAT, "schema": schema, "version": __version__, "at": iso(now), "monitors": names, "rows": rows}
    )
    done, total = 0, sum(rows.values())
    for table in tables:
        for some in copying.read(connection, table):
            yield from (copying.line(table.name, row) for row in some)
            done += len(some)
            progress(done, total)


def load(url: str, lines: Iterable[bytes], progress: Progress) -> Header:
    """Put an export into an empty database, all of it or nothing, and bring it up to date; raises HistoryError."""
    database = parse(url)
    reader = Reader(lines)
    engine = writing(database)
    try:
        with engine.begin() as connection:
            alone(connection)
            _empty(connection, shown(database))
            _upgrade(connection, reader.header)
            _put(connection, reader, progress)
            copying.number_on(connection)
            upgrade(connection, "head")
            connection.execute(text("UPDATE monitors SET beat = 0"))  # whoever led ended in good order
    except SQLAlchemyError as error:
        raise HistoryError(
            f"nothing was imported into {shown(database)}: {describe(error)}; {advice(database)}"
        ) from error
    finally:
        engine.dispose()
    return reader.header


class Reader:
    """The rows of an export, by table; what is not one, or not whole, is a HistoryError, at its end at the latest."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines, self._number, self._digest = iter(lines), 0, hashlib.sha256()
        self.header = self._read_header()

    def rows(self) -> Iterator[tuple[str, list[Row]]]:
        counts = dict.fromkeys(self.header.rows, 0)
        table, some = "", list[Row]()
        for value in self._values():
            if value["table"] != table or len(some) == AT_ONCE:
                yield table, some
                table, some = value["table"], []
            if table not in counts:
                raise self._wrong(f"the header does not know the table {table!r}")
            counts[table] += 1
            some.append(copying.row_of(value["row"]))
        yield table, some
        if counts != self.header.rows:
            raise self._wrong("rows are missing")

    def _read_header(self) -> Header:
        value = self._value(next(self._lines, b""))
        if value.get("format") != FORMAT:
            raise self._wrong("it has no header; is it the output of `pacs-monitor history export`?")
        try:
            return Header(value["schema"], value["version"], {str(table): int(n) for table, n in value["rows"].items()})
        except (KeyError, AttributeError, TypeError, ValueError):
            raise self._wrong("it is no header") from None

    def _values(self) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            before = self._digest.hexdigest()
            value = self._value(line)
            if "end" in value:
                if value["sha256"] != before:
                    raise self._wrong("it was changed since (its checksum differs)")
                if next(self._lines, None) is not None:
                    raise self._wrong("something follows its end")
                return
            yield value
        raise self._wrong("its end is missing, it was cut short")

    def _value(self, line: bytes) -> dict[str, Any]:
        self._number += 1
        self._digest.update(line)
        try:
            value = json.loads(line)
        except ValueError:
            raise self._wrong("it is not JSON") from None
        if not isinstance(value, dict) or not ({"table", "row"} <= value.keys() or {"format", "end"} & value.keys()):
            raise self._wrong("it is no row")
        return value

    def _wrong(self, what: str) -> HistoryError:
        return HistoryError(f"export it again; nothing was imported: line {self._number}: {what}")


def _empty(connection: Connection, database: str) -> None:
    """Whatever stands there without a single row gives way; HistoryError when anything would be lost."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return
    there = MetaData()
    there.reflect(bind=connection)
    full = [
        table.name for table in there.sorted_tables if table.name != NOT_RECORD[0] and copying.count(connection, table)
    ]
    if full or NOT_RECORD[0] not in names:
        what = f"has rows ({full[0]})" if full else f"has tables of others ({min(names)})"
        raise HistoryError(f"name a new database in monitor.database: {database} {what}, and would be overwritten")
    there.drop_all(connection)


def _upgrade(connection: Connection, header: Header) -> None:
    """To the schema that the rows are of."""
    try:
        upgrade(connection, header.schema)
    except CommandError:
        raise HistoryError(
            f"install pacs-monitor {header.version} or later: the export has the schema {header.schema}, "
            f"which {__version__} does not know"
        ) from None


def _put(connection: Connection, reader: Reader, progress: Progress) -> None:
    tables = {table.name: table for table in copying.tables(connection)}
    done = 0
    for name, rows in reader.rows():
        if not rows:
            continue
        if name not in tables:
            raise HistoryError(f"export it again; nothing was imported: the schema has no table {name!r}")
        copying.put(connection, tables[name], rows)
        done += len(rows)
        progress(done, reader.header.total)
