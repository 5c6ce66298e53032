"""database, with a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from pacs_monitor.model import Node, Outcome, Phase, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.database import DatabaseSettings, _limits
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.peers.scripted import Conversation, hang, scripted
from tests.probes.support import Arranged, Peers
from tests.support.probing import ask

DATABASE = kinds()["database"]


def at(url: str, **more: object) -> Arranged:
    return Node("archive"), DatabaseSettings(url=url, **more)


def on(port: int) -> str:
    return f"postgresql+psycopg://monitor:hunter2@127.0.0.1:{port}/pacs"


def crowded(url: str) -> str:
    """The same database by a role that may have no connection (more)."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    return url.replace("pgtest@", "crowded@")


@asynccontextmanager
async def working(_folder: Path) -> AsyncIterator[Arranged]:
    with Postgres() as server:
        yield at(server.database())


@asynccontextmanager
async def refusing(_folder: Path) -> AsyncIterator[Arranged]:
    yield at(on(free_port()))


@asynccontextmanager
async def hanging(_folder: Path) -> AsyncIterator[Arranged]:
    async with scripted(hang) as peer:
        yield at(on(peer.port))


@asynccontextmanager
async def warning(_folder: Path) -> AsyncIterator[Arranged]:
    with Postgres() as server:
        yield at(crowded(server.database()))


@asynccontextmanager
async def blind(_folder: Path) -> AsyncIterator[Arranged]:
    with Postgres() as server:
        yield at(server.database().replace("pgtest@", "stranger:hunter2@"))


PEERS = Peers(working, refusing, hanging, warning, blind)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


async def looked(url: str, **more: object) -> Outcome:
    outcome = await ask(DATABASE, *at(url, **more))
    assert "hunter2" not in f"{outcome.detail}{outcome.terminal}"
    return outcome


async def test_a_database_that_answers_is_ok_and_its_phases_are_timed(server: Postgres) -> None:
    outcome = await looked(server.database())
    assert (outcome.status, outcome.detail) == (Status.OK, "")
    assert set(outcome.phases) == {Phase.CONNECT, Phase.OPERATION}


async def test_a_slow_one_is_a_warning(server: Postgres) -> None:
    outcome = await looked(server.database(), slow=1e-9)
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.SLOW)


async def test_a_login_that_is_not_taken_is_our_fault(server: Postgres) -> None:
    outcome = await looked(server.database().replace("pgtest@", "stranger:hunter2@"))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.AUTH)
    assert "stranger" in dict(outcome.terminal)["the driver says"]
    assert "stranger" not in outcome.detail


async def test_a_database_that_is_not_there_is_missing(server: Postgres) -> None:
    outcome = await looked(server.database() + "_gone")
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.MISSING)


async def test_a_database_without_a_free_connection_is_busy(server: Postgres) -> None:
    url = server.database()
    outcome = await looked(crowded(url))
    assert (outcome.status, outcome.reason) == (Status.WARN, Reason.BUSY)


async def test_a_server_that_is_down_is_told_by_its_port() -> None:
    outcome = await looked(on(free_port()))
    assert (outcome.status, outcome.reason, outcome.phase) == (Status.FAIL, Reason.TCP_REFUSED, Phase.CONNECT)


async def test_what_is_no_database_is_closed() -> None:
    async def web(conversation: Conversation) -> None:
        await conversation.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        conversation.close()

    async with scripted(web) as peer:
        outcome = await looked(on(peer.port))
    assert (outcome.status, outcome.reason) == (Status.FAIL, Reason.CLOSED)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("oracle+oracledb://monitor:hunter2@db.example.org/pacs", "pip install 'oracledb'"),
        ("nothing+such://monitor:hunter2@db.example.org/pacs", "pip install 'such'"),
    ],
)
async def test_a_driver_that_is_not_installed_is_told_how_to_get(url: str, wanted: str) -> None:
    outcome = await looked(url)
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_CONFIGURED)
    assert wanted in outcome.detail


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///pacs.db", ""])
def test_what_is_no_database_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a database URL|names a file, not a server"):
        DatabaseSettings(url=url)


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql", "mssql+pymssql", "oracle+oracledb"])
def test_drivers_that_know_a_time_limit_get_one(driver: str) -> None:
    assert {3, 4} & set(_limits(make_url(f"{driver}://h/n"), 3.2).values())
