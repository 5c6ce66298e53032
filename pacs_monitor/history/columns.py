"""What the tables are made of: names of constraints, types of columns, columns that recur."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, ForeignKey, Integer, MetaData, Text, TypeDecorator

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""Every constraint has a name, so that a later migration can change it."""

Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of type INTEGER."""


class PlainText(TypeDecorator[str]):
    """Text that both databases take, whatever a peer had put into it: no NUL, no lone surrogate."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy passes it
        return value if value is None else value.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


class Document(TypeDecorator[Any]):
    """JSON as ASCII text, which both databases take unchanged."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy passes it
        return json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy passes it
        return None if value is None else json.loads(value)


def time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, PlainText, nullable=nullable)


def of(target: str, name: str, *, primary_key: bool = False, index: bool = False) -> Column[Any]:
    kind = PlainText if target == "incidents" else Key
    return Column(name, kind, ForeignKey(f"{target}.id"), primary_key=primary_key, nullable=False, index=index)


def monitor() -> Column[Any]:
    return of("monitors", "monitor_id", index=True)
