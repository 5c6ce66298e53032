from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from pacs_monitor.fields import Secret
from pacs_monitor.model import Node, Reason, Status
from pacs_monitor.probes import kinds
from pacs_monitor.probes.queue import QueueSettings
from pacs_monitor.systems.shared.resources import Queue
from pacs_monitor.systems.sql import Sql, SqlSettings
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.support.probing import ask
from tests.support.timing import HANGS
from tests.systems.asking import tell, why_not

COUNT = "SELECT count(*) FROM outbox"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def database(server: Postgres) -> str:
    url = server.database()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE outbox (at timestamptz, failed boolean)")
        connection.execute("INSERT INTO outbox VALUES ('2026-11-24 08:00Z', true), ('2026-11-24 09:00Z', false)")
        connection.execute("CREATE ROLE stranger LOGIN") if not connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = 'stranger'"
        ).fetchone() else None
    return url


def asking(url: str, length: str = COUNT, **others: str) -> Sql:
    return Sql(SqlSettings(url=Secret(url), queues={"outbox": {"length": length, **others}}))


async def test_statements_tell_length_oldest_and_failed(database: str) -> None:
    system = asking(
        database,
        oldest="SELECT min(at) FROM outbox;",
        failed="SELECT count(*) FROM outbox WHERE failed AND 'a%'::text LIKE 'a%'",
    )
    assert await tell(system.queues) == [Queue("outbox", 2, oldest=1795507200.0, failed=1)]


async def test_an_empty_queue_has_no_oldest_item(database: str) -> None:
    system = asking(database, "SELECT 0", oldest="SELECT min(at) FROM outbox WHERE at IS NULL")
    assert await tell(system.queues) == [Queue("outbox", 0)]


async def test_a_statement_cannot_write(database: str) -> None:
    assert await why_not(asking(database, "WITH gone AS (DELETE FROM outbox RETURNING 1) SELECT 0").queues) is (
        Reason.BAD_CONTENT
    )
    assert (await tell(asking(database).queues))[0].length == 2


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT count(*) FROM nowhere", Reason.BAD_CONTENT),
        ("SELECT 1, 2", Reason.BAD_CONTENT),
        ("SELECT at FROM outbox", Reason.BAD_CONTENT),
        ("SELECT 'Mustermann'", Reason.BAD_CONTENT),
        ("SELECT NULL", Reason.BAD_CONTENT),
    ],
)
async def test_what_answers_no_single_number_is_bad_content(statement: str, reason: Reason, database: str) -> None:
    assert await why_not(asking(database, statement).queues) is reason


async def test_a_statement_that_takes_too_long_is_ended_at_the_server(database: str) -> None:
    assert await why_not(asking(database, "SELECT 1 FROM pg_sleep(60)").queues, timeout=2 * HANGS) is Reason.TIMEOUT


async def test_an_account_that_may_not_read_is_ours_to_mend(database: str) -> None:
    assert await why_not(asking(database.replace("pgtest@", "stranger@")).queues) is Reason.NOT_AUTHORISED


async def test_a_database_that_is_off_refuses() -> None:
    url = f"postgresql+psycopg://pgtest:secret@127.0.0.1:{free_port()}/x"
    assert await why_not(asking(url).queues) is Reason.TCP_REFUSED


async def test_an_unknown_account_is_auth(server: Postgres) -> None:
    hba = Path(server._data) / "pg_hba.conf"
    before = hba.read_text()
    url = server.database()
    hba.write_text("host all pgtest 127.0.0.1/32 trust\n")
    try:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        system = asking(url.replace("pgtest@", "nobody:wrong@"))
        reasons = {await why_not(system.queues) for _ in range(3)}
    finally:
        hba.write_text(before)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
    assert reasons == {Reason.AUTH}


async def test_a_file_of_sqlite_is_read_and_never_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'not there.db'}"
    assert await why_not(asking(url).queues) is Reason.MISSING
    assert list(tmp_path.iterdir()) == []


async def test_a_driver_that_is_not_installed_is_told() -> None:
    assert await why_not(asking("oracle+oracledb://monitor@127.0.0.1/ris").queues) is Reason.NOT_CONFIGURED


@pytest.mark.parametrize("statement", ["DELETE FROM outbox", "SELECT 1; DROP TABLE outbox", "", "UPDATE x SET y = 1"])
def test_anything_but_one_statement_that_reads_is_refused(statement: str) -> None:
    with pytest.raises(ValidationError, match="is not a single SELECT statement"):
        asking("sqlite://", statement)


async def test_a_queue_over_sql_is_measured_and_asks_to_be_allowed(database: str) -> None:
    queue: Any = kinds()["queue"]
    settings = QueueSettings(source="sql", warn=2)
    block = SqlSettings(url=Secret(database), queues={"outbox": {"length": COUNT}})
    outcome = await ask(queue, Node("ris", systems={"sql": block}), settings)
    assert (outcome.status, outcome.detail) == (Status.WARN, "outbox: 2 items waiting, the limit is 2")
    assert queue.needs_allowing(settings)
    assert not queue.needs_allowing(QueueSettings(source="spool"))


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        ({"oldest_fail": "30m"}, "oldest_fail needs"),
        ({"oldest_warn": "10m", "oldest_fail": "30m"}, "oldest_warn and oldest_fail need"),
        ({"stuck_after": "15m"}, "stuck_after needs"),
        ({"failed_warn": 3, "failed_fail": 9}, "failed_warn and failed_fail need"),
    ],
)
async def test_a_limit_of_which_the_source_says_nothing_is_not_kept(
    database: str, limits: dict[str, Any], needed: str
) -> None:
    block = SqlSettings(url=Secret(database), queues={"outbox": {"length": COUNT}})
    outcome = await ask(kinds()["queue"], Node("ris", systems={"sql": block}), QueueSettings(source="sql", **limits))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, Reason.NOT_MEASURED)
    says = f"outbox: remove the limit, or choose another source: the source does not report what {needed}"
    assert outcome.detail == says


async def test_an_empty_queue_lacks_no_oldest_item(database: str) -> None:
    block = SqlSettings(url=Secret(database), queues={"outbox": {"length": "SELECT 0"}})
    settings = QueueSettings(source="sql", oldest_fail="30m")
    assert (await ask(kinds()["queue"], Node("ris", systems={"sql": block}), settings)).status is Status.OK
