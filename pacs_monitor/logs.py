"""The log of the daemon, wherever its lines go: their form, and what libraries may say in it."""

from __future__ import annotations

import logging

from pacs_monitor.format.human import plain

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
TIME = "%Y-%m-%dT%H:%M:%S%z"
CHATTY = "apscheduler", "alembic", "uvicorn"


class _Plain(logging.Formatter):
    """What others say is logged without their control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def number(level: str) -> int | None:
    """Of a level as people write it; None if there is no such one."""
    return logging.getLevelNamesMapping().get(level.upper())


def no_level(level: str) -> str:
    """What to write instead."""
    return f"{level!r} is not a log level; write debug, info, warning or error"


def log_to(handler: logging.Handler, level: int) -> None:
    """From now on; where lines go already, they go on there, in our form."""
    logging.basicConfig(level=level, handlers=[handler])
    for each in logging.getLogger().handlers:
        each.setFormatter(_Plain(LINE, datefmt=TIME))
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
