"""Does a database accept our login and answer `SELECT 1`? PostgreSQL, Oracle, SQL Server, and all others of SQLAlchemy.

```yaml
database: {probe: database, url: "postgresql+psycopg://monitor@db.example.org/pacs", slow: 1s}
```

The account needs permission to log in and nothing else. PostgreSQL needs the extra `postgres`
(`pip install 'pacs-monitor[postgres]'`), other databases the driver named in their URL. To test only the port, use
`tcp`, but not on MySQL, which blocks a host after a hundred connections without a login. A database that hangs occupies
one thread.
"""

from __future__ import annotations

import asyncio
import re
from math import ceil
from typing import Annotated, Any

from pydantic import AfterValidator
from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.sql.expression import literal

from pacs_monitor.drivers import missing_package, package_of
from pacs_monitor.fields import Duration, Secret, Settings
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Node, Outcome, Phase, Probe, ProbeContext, Reason, Timing
from pacs_monitor.net import NetFailure, Trace, connect
from pacs_monitor.net.threads import OneThread

_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle": 1521, "mssql": 1433}
_REFUSED = (
    r"authentication failed|access denied|login failed|not permitted to log in|role .* does not exist"
    r"|no pg_hba\.conf entry|rejects connection|ORA-01017|ORA-28000"
)
_SAID = (
    (
        _REFUSED,
        Reason.AUTH,
        "check the account, its password, and the addresses it may log in from: the login was rejected",
    ),
    (
        r"too many (clients|connections)|connection slots|ORA-00018|ORA-00020|ORA-12519|ORA-12516",
        Reason.BUSY,
        "find out which clients hold its connections: all are in use",
    ),
    (
        r"is (starting up|shutting down|in recovery mode)|ORA-01033|ORA-01034|ORA-12528",
        Reason.BUSY,
        "it is starting, stopping or recovering",
    ),
    (
        r"database .* does not exist|unknown database|cannot open database|ORA-12514|ORA-12505",
        Reason.MISSING,
        "check the database or service name: the server answers, but does not have it",
    ),
)
"""What drivers say when a login fails: few of them give it a code."""


def _check_url(value: Secret) -> Secret:
    try:
        url = make_url(value.get_secret_value())
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL; write postgresql+psycopg://USER@HOST/NAME") from None
    if url.get_backend_name() == "sqlite":
        raise ValueError("names a file, not a server; use the probe file_age or disk for it")
    return value


class DatabaseSettings(Settings):
    url: Annotated[Secret, AfterValidator(_check_url)]
    """The database, as SQLAlchemy writes it: `DIALECT+DRIVER://USER@HOST:PORT/NAME`; or url_file."""
    slow: Duration | None = None
    """If login and answer together take longer than this, it is a warning (reason `slow`)."""

    def peer(self, node: Node) -> tuple[str, ...]:  # noqa: ARG002 - the Protocol's
        """Server, port and database; who we are there may be a secret."""
        url = make_url(self.url.get_secret_value())
        return url.drivername, (url.host or "").lower(), str(url.port or ""), url.database or ""


class Database(Probe):
    kind = "database"
    settings = DatabaseSettings
    layer = Layer.SERVICE
    timing = Timing(interval=60.0, retry_interval=15.0, timeout=10.0)
    next_steps = {
        Reason.AUTH: N_(
            "The database answers: check the monitor's account, its password, and the addresses it may log in from."
        ),
    }

    def __init__(self) -> None:
        self._thread = OneThread()

    def missing_package(self, settings: DatabaseSettings) -> str | None:
        return missing_package(make_url(settings.url.get_secret_value()))

    async def run(self, _node: Node, settings: DatabaseSettings, ctx: ProbeContext) -> Outcome:
        trace, url = Trace(), make_url(settings.url.get_secret_value())
        left = ctx.deadline - ctx.clock.monotonic()
        try:
            await self._thread.call(lambda: _ask(url, left, trace), ctx, trace)
        except SQLAlchemyError as error:
            trace.end()
            return await _explain(error, url, ctx, trace)
        except ImportError:
            return _not_installed(url, trace)
        except NetFailure as failure:
            return failure.outcome()
        return trace.outcome(settings.slow)


def _ask(url: URL, timeout: float, trace: Trace) -> None:
    engine = create_engine(url, poolclass=NullPool, connect_args=_limits(url, timeout), hide_parameters=True)
    trace.begin(Phase.CONNECT)
    with engine.connect() as connection:
        trace.begin(Phase.OPERATION)
        connection.execute(select(literal(1))).scalar_one()
    trace.end()


def _limits(url: URL, timeout: float) -> dict[str, Any]:
    """What ends an attempt in time, where a driver knows it; seconds."""
    seconds = max(ceil(timeout), 1)
    match url.get_driver_name():
        case "psycopg" | "psycopg2":
            milliseconds = seconds * 1000
            options = f"-c statement_timeout={milliseconds}"
            own = {"connect_timeout": seconds, "tcp_user_timeout": milliseconds, "options": options}
            return {**own, "application_name": "pacs_monitor"}
        case "pymysql":
            return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
        case "pymssql":
            return {"login_timeout": seconds, "timeout": seconds}
        case "oracledb":
            return {"tcp_connect_timeout": seconds}
    return {}


async def _explain(error: SQLAlchemyError, url: URL, ctx: ProbeContext, trace: Trace) -> Outcome:
    """By what the driver says, which goes nowhere but to the terminal; else by whether the port answers at all."""
    if isinstance(error, NoSuchModuleError):
        return _not_installed(url, trace)
    said = str(getattr(error, "orig", None) or "").partition("\n")[0]
    facts = (("the driver says", said),) if said else ()
    for pattern, reason, detail in _SAID:
        if re.search(pattern, str(getattr(error, "orig", None)), re.IGNORECASE):
            return _failed(trace, reason, detail, facts)
    address = Address(url.host or "", url.port or _PORTS.get(url.get_backend_name(), 0))
    if trace.phase is Phase.CONNECT and address.host and address.port:
        try:
            way = Trace()
            transport, _ = await connect(
                asyncio.Protocol, address, resolver=ctx.resolver, deadline=ctx.deadline + 0.5, trace=way
            )
            transport.close()
        except NetFailure as failure:
            return failure.outcome()
    broke = "the login was not answered correctly" if trace.phase is Phase.CONNECT else "SELECT 1 failed"
    return _failed(trace, Reason.CLOSED, f"read the database's log: {broke}", facts)


def _not_installed(url: URL, trace: Trace) -> Outcome:
    detail = f"run pip install '{package_of(url)}': the database driver is not installed"
    return _failed(trace, Reason.NOT_CONFIGURED, detail, ())


def _failed(trace: Trace, reason: Reason, detail: str, facts: tuple[tuple[str, str], ...]) -> Outcome:
    trace.terminal = facts
    return Outcome.of(reason, phase=trace.phase, detail=detail, **trace.seen())
