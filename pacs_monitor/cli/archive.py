"""Frozen reports, asked of the running daemon or, where none answers, of its database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.markup import escape
from ulid import ULID

from pacs_monitor import reports
from pacs_monitor.cli import client
from pacs_monitor.cli.common import fail, out, warn
from pacs_monitor.cli.daemon_address import address_of
from pacs_monitor.cli.estates import estate_or_contact
from pacs_monitor.client import Client, ClientError, MissingError, NoDaemonError
from pacs_monitor.client.speaking import Verb
from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate
from pacs_monitor.history import AuditEntry, Frozen, HistoryError, HistoryReader
from pacs_monitor.history.frozen import beside, document, freeze, frozen, say
from pacs_monitor.reports import filing

Row = Mapping[str, Any]


class _Database(NamedTuple):
    """Where the record is, and whose."""

    url: str
    monitor: str
    timezone: str


class Archive:
    """Reads the database, or asks a daemon (`--url`); writes through the daemon, or itself where none answers."""

    def __init__(self, config: Path, url: str | None, token_file: Path | None) -> None:
        known = None if url else estate_or_contact(config, ("name", "database", "timezone", "listen", "tls"))
        self._database: _Database | None = None
        if known is not None:
            monitor = known.monitor if isinstance(known, Estate) else known
            self._database = _Database(monitor.database, monitor.name, monitor.timezone)
        self._daemon = address_of(known, url, token_file)

    def rows(self) -> Sequence[Row]:
        """The latest first."""
        if self._database is None:
            return client.ask(self._daemon, lambda monitor: monitor.reports())
        with self._reading() as reader:
            return filing.rows(frozen(reader))

    def row(self, number: str) -> Row:
        """One of them; ends the command where there is none."""
        row = next((row for row in self.rows() if row["number"] == number), None)
        return row or fail(f"no frozen report {number}; list them with: pacs-monitor report list", 2)

    def document(self, number: str, form: str) -> bytes:
        """As it was frozen; ends the command where there is none."""
        found = self.kept(number, form)
        return fail(f"{number} was frozen without a {form}; take the html and print it") if found is None else found

    def kept(self, number: str, form: str) -> bytes | None:
        """The same; None where there is none."""
        if self._database is not None:
            with self._reading() as reader:
                return document(reader, number, form)
        try:
            return client.client_of(self._daemon).document(number, form)
        except MissingError:
            return None
        except ClientError as error:
            client.end(error, misuse=())

    def draft(self, period: str) -> dict[str, Any]:
        """The report of a period that the daemon makes, as data."""
        data: dict[str, Any] = json.loads(client.ask(self._daemon, lambda monitor: monitor.report(period)))
        return data

    def freeze(self, period: str, words: Mapping[str, Any]) -> Row:
        """Freeze the report of a period; what is on file of it."""
        told = self._told(lambda monitor: monitor.freeze(period, **words))
        return told or self._freeze(period, words["by"], words.get("why", ""))

    def say(self, number: str, verb: Verb, body: Mapping[str, Any]) -> Row:
        """Say something of a frozen report, in the words of the API; what is on file of it."""
        return self._told(lambda monitor: monitor.say_of_report(number, verb, **body)) or self._say(number, verb, body)

    def _told(self, say: Callable[[Client], Row]) -> Row | None:
        """What the daemon answers; None where none does and the database is at hand."""
        try:
            return say(client.client_of(self._daemon))
        except NoDaemonError as error:
            return None if self._database else client.end(error)
        except ClientError as error:
            client.end(error)

    def _freeze(self, text: str, by: str, why: str) -> dict[str, Any]:
        assert self._database is not None  # noqa: S101 - it is at hand where no daemon answers
        now, warning = SystemClock().now(), ""
        with self._reading() as reader:
            try:
                period = reports.parse(text, self._database.timezone, now)
                ready = reports.freeze(reader, period, now, by, why)
            except (reports.PeriodError, reports.NotOverError) as error:
                fail(str(error), 2)
            if isinstance(ready, Frozen):
                return filing.row(ready, frozen(reader, period.name)) | {"new": False}
            contents, warning = reports.printed_too(ready.contents)
            audit = _audit(f"report {period.name} --final", by, why)
            with beside(self._database.url, [audit], reader) as connection:
                freeze(connection, reader.monitor, ready.report, contents)
            known = frozen(reader, period.name)
        row = filing.row(filing.found(known, ready.report.number), known) | {"new": True}
        return row | ({"warning": warning} if warning else {})

    def _say(self, number: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        from pacs_monitor.web.reports import spoken  # noqa: PLC0415 - only where no daemon answers

        assert self._database is not None  # noqa: S101 - it is at hand where no daemon answers
        period = number.rpartition("/")[0]
        with self._reading() as reader:
            try:
                said = spoken(verb, frozen(reader, period), number, body, SystemClock().now())
            except (filing.UnknownError, ValueError) as error:
                fail(str(error), 2)
            except filing.ConflictError as error:
                fail(str(error))
            audit = _audit(f"report {verb} {number}", body["by"], body.get("why", ""))
            with beside(self._database.url, [audit], reader) as connection:
                say(connection, reader.monitor, number, said)
            known = frozen(reader, period)
            return filing.row(filing.found(known, number), known)

    @contextmanager
    def _reading(self) -> Iterator[HistoryReader]:
        assert self._database is not None  # noqa: S101 - whoever calls has looked
        try:
            reader = HistoryReader.open(self._database.url, self._database.monitor)
            try:
                yield reader
            finally:
                reader.close()
        except HistoryError as error:
            fail(str(error))


def tell(row: Mapping[str, Any]) -> None:
    """What is on file of a frozen report, in lines."""
    replaced = f"; replaced by {row['replaced_by']}" if row["replaced_by"] else ""
    kept = {True: "", False: " (nothing has changed since: it stands)", None: ""}[row.get("new")]
    out.print(escape(f"{row['number']}  frozen {row['frozen']} by {row['by']}{kept}{replaced}"))
    out.print(escape(f"  SHA-256 of its data {row['data_sha256']}; documents: {', '.join(row['documents'])}"))
    for one in row["objectives"]:
        out.print(escape(f"  {one['name']}, {one['title']}, {one['period']}: {one['verdict'].replace('_', ' ')}"))
    for key, words in (("approvals", "approved"), ("distributed", "given to"), ("actions", "to do")):
        for said in row[key]:
            to_whom = f" ({said['owner']})" if said.get("owner") else ""
            due = f", until {said['due']}" if said.get("due") else ""
            text = f": {said['text']}" if said["text"] else ""
            out.print(escape(f"  {words}{text}{to_whom}{due} (by {said['by']}, {said['at']})"))
    if row.get("warning"):
        warn([row["warning"]])


def _audit(action: str, by: str, why: str) -> AuditEntry:
    """Of what was done to the database itself, without a daemon."""
    return AuditEntry(str(ULID()), SystemClock().now(), by, "", "", "", f"pacs-monitor {action}", 200, why=why)
