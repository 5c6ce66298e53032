"""Any database: a read-only statement that returns one number gives the length of a queue, another its oldest time.

A check over it runs only when `monitor.allow` names it. The statement runs in a read-only transaction (where the
database supports that), which is always rolled back; even so, use an account that can only read, and only what the
statements need. The driver must be installed with the monitor: psycopg comes with the extra `postgres`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from pacs_monitor.drivers import missing_package, package_of
from pacs_monitor.fields import Secret, Settings
from pacs_monitor.model import Node, Phase, ProbeContext, Reason
from pacs_monitor.net import Trace
from pacs_monitor.net.threads import OneThread
from pacs_monitor.systems.shared.resources import Queue

_READS = re.compile(r"\s*(select|with|show|values)\b[^;]*;?\s*", re.IGNORECASE | re.DOTALL)
_BEGIN = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {milliseconds}"),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
"""By dialect."""
_CONNECT = {"psycopg": "connect_timeout", "psycopg2": "connect_timeout", "pymysql": "connect_timeout"}
"""By driver: the argument that bounds connecting, in seconds."""
_STATES = {"28": Reason.AUTH, "42501": Reason.NOT_AUTHORISED, "57014": Reason.TIMEOUT, "53300": Reason.BUSY}
"""By the first characters of SQLSTATE (ISO 9075; PostgreSQL Appendix A)."""
_SAID = {
    "authentication failed": Reason.AUTH,
    "no pg_hba.conf entry": Reason.AUTH,
    "access denied": Reason.AUTH,
    "connection refused": Reason.TCP_REFUSED,
    "timeout": Reason.TCP_TIMEOUT,
    "timed out": Reason.TCP_TIMEOUT,
    "too many": Reason.BUSY,
    "unable to open": Reason.MISSING,
}
"""What drivers say when there is no connection, which has no SQLSTATE; only looked at, never repeated."""
_WORDS = {
    Reason.AUTH: "refuses our account",
    Reason.NOT_AUTHORISED: "does not allow our account to read this",
    Reason.TIMEOUT: "did not answer the statement in time",
    Reason.BUSY: "accepts no more connections",
    Reason.TCP_REFUSED: "refused the connection",
    Reason.TCP_TIMEOUT: "did not accept a connection in time",
    Reason.MISSING: "does not exist",
}


def _url(value: SecretStr) -> SecretStr:
    try:
        make_url(value.get_secret_value())
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL; write DIALECT+DRIVER://USER:PASSWORD@HOST/NAME") from None
    return value


def _statement(value: str) -> str:
    if not _READS.fullmatch(value):
        raise ValueError("is not a single SELECT statement; write SELECT count(*) FROM …")
    return value.strip().rstrip(";")


Statement = Annotated[str, AfterValidator(_statement)]


class QueueStatements(Settings):
    length: Statement
    """One number: how many items wait."""
    oldest: Statement | None = None
    """One time: when the longest waiting item arrived (a timestamp, or Unix time in seconds); no row when nothing
    waits."""
    failed: Statement | None = None
    """One number: how many failed items there are."""


class SqlSettings(Settings):
    url: Annotated[Secret, AfterValidator(_url)]
    """The database, such as postgresql+psycopg://monitor:…@db.example.org/ris; or url_file."""
    queues: Annotated[Mapping[str, QueueStatements], Field(min_length=1)]
    """Name of a queue → the statements that query it."""

    def peer(self, node: Node) -> tuple[str, ...]:  # noqa: ARG002 - the Protocol's
        """Server, port and database; who we are there may be a secret."""
        url = make_url(self.url.get_secret_value())
        return url.drivername, (url.host or "").lower(), str(url.port or ""), url.database or ""


class Sql:
    kind: ClassVar[str] = "sql"
    settings: ClassVar[type[SqlSettings]] = SqlSettings
    guarded: ClassVar[bool] = True

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings

    def missing_package(self) -> str | None:
        return missing_package(make_url(self._settings.url.get_secret_value()))

    async def queues(self, _node: Node, ctx: ProbeContext, trace: Trace) -> Sequence[Queue]:
        url = make_url(self._settings.url.get_secret_value())
        trace.begin(Phase.OPERATION)
        seconds = max(1, int(ctx.deadline - ctx.clock.monotonic()))

        def read() -> list[Queue]:
            with _connected(url, seconds) as connection:
                return [_queue(name, asked, connection) for name, asked in self._settings.queues.items()]

        try:
            return await _asking.call(read, ctx, trace)
        except (SQLAlchemyError, ImportError) as error:
            raise trace.failure(*_explained(error, url)) from None
        except (TypeError, ValueError, OverflowError):
            raise trace.failure(
                Reason.BAD_CONTENT, "a statement did not return exactly one number, or one time"
            ) from None


_asking = OneThread()


@contextmanager
def _connected(url: URL, seconds: int) -> Iterator[Connection]:
    """A connection of its own in a transaction that reads; nothing of it stays."""
    timeout = _CONNECT.get(url.get_driver_name())
    if url.get_backend_name() == "sqlite":  # which else would make the file that does not exist
        url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(url, poolclass=NullPool, connect_args={timeout: seconds} if timeout else {})
    with engine.connect() as connection:
        for statement in _BEGIN.get(url.get_backend_name(), ()):
            connection.execute(text(statement.format(milliseconds=seconds * 1000)))
        try:
            yield connection
        finally:
            connection.rollback()


def _queue(name: str, asked: QueueStatements, connection: Connection) -> Queue:
    oldest = _one(connection, asked.oldest) if asked.oldest else None
    return Queue(
        name,
        int(_one(connection, asked.length)),
        oldest=None if oldest is None else _time(oldest),
        failed=int(_one(connection, asked.failed)) if asked.failed else None,
    )


def _one(connection: Connection, statement: str) -> Any:
    """The one value of the one row; a colon in a statement begins no parameter."""
    rows = connection.execute(text(statement.replace(":", r"\:"))).fetchmany(2)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise ValueError
    return rows[0][0]


def _time(value: Any) -> float:
    """Without a zone, a time is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


def _explained(error: SQLAlchemyError | ImportError, url: URL) -> tuple[Reason, str]:
    """What a driver says may repeat the statement or data: only its class and SQLSTATE are reported."""
    if isinstance(error, ImportError | NoSuchModuleError):
        return Reason.NOT_CONFIGURED, f"run pip install '{package_of(url)}': the database driver is not installed"
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    known = next((reason for start, reason in _STATES.items() if state.startswith(start)), None)
    if known is None and not state and isinstance(error, OperationalError):
        said = str(error.orig).lower()
        known = next((reason for words, reason in _SAID.items() if words in said), None)
    if known is not None:
        return known, f"the database {_WORDS[known]}"
    return Reason.BAD_CONTENT, f"the database rejects a statement ({f'SQLSTATE {state}' if state else 'no SQLSTATE'})"
