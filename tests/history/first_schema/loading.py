"""Puts the stored rows into an empty database, under the schema that they were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from pacs_monitor.history.engines import MIGRATIONS, is_sqlite, parse, writing

ROWS = Path(__file__).with_name("rows.sql")
SCHEMA = "0007"
NUMBERED = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_default LIKE 'nextval%'
"""


def load(url: str) -> None:
    engine = writing(parse(url))
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        command.upgrade(config, SCHEMA)
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        for row in ROWS.read_text("utf-8").splitlines():
            cursor.execute(row)
        if not is_sqlite(parse(url)):
            _number_on(connection)
    engine.dispose()


def _number_on(connection: Connection) -> None:
    """The rows brought their own numbers; PostgreSQL is to go on after them."""
    for table, column in connection.execute(text(NUMBERED)).all():
        last = f"SELECT coalesce(max({column}), 0) + 1 FROM {table}"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), ({last}), false)"))
