"""Drivers of databases, which are packages of their own: which one a URL needs, and whether it is here."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError

_EXTRAS = {"psycopg": "pacs-monitor[postgres]"}


def package_of(url: URL) -> str:
    """What pip installs for a URL."""
    driver = url.drivername.partition("+")[2] or url.drivername
    with suppress(Exception):  # a dialect that is not there has no driver
        driver = url.get_driver_name()
    return _EXTRAS.get(driver, driver)


def missing_package(url: URL) -> str | None:
    """The same, where the driver is not installed."""
    try:
        url.get_dialect().import_dbapi()
    except (ImportError, NoSuchModuleError):
        return package_of(url)
    return None
