"""Migrations: from nothing to the tables, all or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history import HistoryError, HistoryReader
from pacs_monitor.history.columns import metadata
from pacs_monitor.history.engines import MIGRATIONS, migrate, parse, writing

HEAD = max(path.stem[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
BROKEN = '''"""A step that fails half-way."""

from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("CREATE TABLE half_way (id INTEGER)")
    op.execute("INSERT INTO monitors (name, host, pid, since) VALUES ('half', 'way', 1, 1)")
    op.execute("INSERT INTO nowhere VALUES (1)")
'''


def tables(url: str) -> set[str]:
    engine = writing(parse(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_the_migrations_build_the_tables_from_nothing_and_again_change_nothing(url: str) -> None:
    migrate(parse(url))
    migrate(parse(url))
    engine = writing(parse(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    migrate(parse(url))
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "9999_broken.py").write_text(BROKEN.format(head=HEAD))
    before = tables(url)
    with pytest.raises(HistoryError, match="nowhere"):
        migrate(parse(url), tmp_path / "migrations")
    assert tables(url) == before
    engine = writing(parse(url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        assert connection.scalar(text("SELECT count(*) FROM monitors")) == 0
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    migrate(parse(url))
    engine = writing(parse(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(HistoryError, match="was written by a newer version of pacs-monitor"):
        migrate(parse(url))
    with pytest.raises(HistoryError, match="install the newer version again"):
        HistoryReader.open(url, "east")


def test_sqlite_is_durable_and_strict(sqlite_url: str) -> None:
    engine = writing(parse(sqlite_url))
    with engine.connect() as connection:
        pragmas = {name: connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def test_reading_makes_no_file_and_writes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="unable to open database file; check that its folder exists"):
        HistoryReader.open(sqlite_url, "east")
    assert list(tmp_path.iterdir()) == []
    migrate(parse(sqlite_url))
    engine = writing(parse(sqlite_url))
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO monitors (name, host, pid, since) VALUES ('east', 'h', 1, 1)"))
    engine.dispose()
    reader = HistoryReader.open(sqlite_url, "east")
    with pytest.raises(HistoryError, match="readonly"), reader.connected() as connection:
        connection.execute(text("DELETE FROM monitors"))
    reader.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "database: this is not a URL"),
        ("mysql://ada:hush@db/pacs", r"database: mysql://ada:\*\*\*@db/pacs is not supported"),
        ("sqlite://", "sqlite:// is not supported"),
        ("sqlite:////nowhere/at/all.db", "check that its folder exists and is writable"),
        ("postgresql+psycopg://ada:hush@127.0.0.1:1/pacs", "check that the server is running"),
    ],
)
def test_a_database_that_cannot_be_opened_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(HistoryError, match=told) as refused:
        migrate(parse(url))
    assert "hush" not in str(refused.value)
    assert isinstance(refused.value.__cause__, SQLAlchemyError | None)
