"""Whether a daemon has the lease of a database, asked without taking it away from anybody."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history.engines import advice, is_sqlite, parse, reading
from pacs_monitor.history.errors import HistoryError, describe
from pacs_monitor.history.lease import FileLease, lock_file
from pacs_monitor.history.term import is_held, row_of


def lease_held(url: str, monitor: str) -> bool:
    """Whether a monitor of this name runs on this database, here or elsewhere; HistoryError when nobody can know."""
    database = parse(url)
    if is_sqlite(database):
        path = lock_file(database.database or "", monitor)
        if not path.exists():
            return False
        lease = FileLease(path)
        try:
            free = lease.take()
        except OSError as error:
            raise HistoryError(f"cannot look at the lock file {path}: {error.strerror}") from error
        lease.release()
        return not free
    engine = reading(database)
    try:
        with engine.connect() as connection:
            return is_held(connection, monitor, row_of(connection, monitor)[0])
    except SQLAlchemyError as error:
        raise HistoryError(f"the database cannot be queried: {describe(error)}; {advice(database)}") from error
    finally:
        engine.dispose()
