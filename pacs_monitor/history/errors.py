"""When the history cannot be read or written."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pacs_monitor.format.human import plain
from pacs_monitor.model import PacsMonitorError

LONGEST = 200
"""Characters of a database's own words that are repeated."""


class HistoryError(PacsMonitorError):
    """The history cannot be opened, read or written; the text says what to do."""


class HeldError(HistoryError):
    """Another instance of the same name runs on this database."""


class MovedError(HistoryError):
    """The file of the database was deleted, moved or replaced while it was open."""


class FencedError(HistoryError):
    """Another daemon of this name leads now: nothing may be written, probed or sent any more."""


class UnrecordedError(HistoryError):
    """A delivery cannot be settled because its notification has not been recorded yet."""


def describe(error: SQLAlchemyError) -> str:
    """The first line of what the database says: neither the statement nor its values, which follow."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    first = str(cause).strip().partition("\n")[0] or type(cause).__name__
    return plain(first[:LONGEST])
