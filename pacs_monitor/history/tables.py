"""The schema. Times are integer microseconds, UTC; texts of enums are stored as they are written in contracts.md.

`migrations/versions` builds the same tables step by step; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

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


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, PlainText, nullable=nullable)


def _of(target: str, name: str, *, primary_key: bool = False, index: bool = False) -> Column[Any]:
    kind = PlainText if target == "incidents" else Key
    return Column(name, kind, ForeignKey(f"{target}.id"), primary_key=primary_key, nullable=False, index=index)


def _monitor() -> Column[Any]:
    return _of("monitors", "monitor_id", index=True)


monitors = Table(
    "monitors",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", PlainText, nullable=False, unique=True),
    _text("host"),
    Column("pid", Integer, nullable=False),
    _time("since"),
    Column("seed", PlainText, nullable=False, server_default=""),
    Column("term", BigInteger, nullable=False, server_default="0"),
    Column("beat", BigInteger, nullable=False, server_default="0"),
)
"""The instance row: who leads, or last led, under a name; the seed makes the UIDs that it makes its own.

`term` goes up by one with each change of leader, `beat` with each look of the leader; 0 means that it ended in good
order.
"""

orphans = Table(
    "orphans",
    metadata,
    Column("id", Key, primary_key=True),
    _monitor(),
    _time("at"),
    Column("entry", Document, nullable=False),
)
"""Entries (model.Entry as JSON) that a leader could not record before another one took over."""

checks = Table(
    "checks",
    metadata,
    Column("id", Key, primary_key=True),
    _monitor(),
    _text("node"),
    _text("name"),
    UniqueConstraint("monitor_id", "node", "name"),
)
watches = Table(
    "watches",
    metadata,
    Column("id", Key, primary_key=True),
    _of("checks", "check_id", index=True),
    _time("started"),
    _time("ended", nullable=True),
)
identities = Table(
    "identities",
    metadata,
    Column("id", Key, primary_key=True),
    _of("checks", "check_id", index=True),
    _text("fingerprint"),
    _time("started"),
    _time("ended", nullable=True),
    _time("proven", nullable=True),
)
"""Where and as whom each check asked, as a digest, and when it was first good so (history.identities)."""

revisions = Table(
    "revisions",
    metadata,
    Column("id", Key, primary_key=True),
    _monitor(),
    _text("hash"),
    _time("at"),
    _text("who"),
    _text("diff"),
)
coverage = Table(
    "coverage",
    metadata,
    Column("run", PlainText, primary_key=True),
    Column("number", Integer, primary_key=True),
    _monitor(),
    _time("started"),
    _time("ended"),
    _text("cause", nullable=True),
)
"""Intervals in which a run of the monitor (a ULID) was alive; those with a cause are ambiguous."""

transitions = Table(
    "transitions",
    metadata,
    Column("id", Key, primary_key=True),
    _of("checks", "check_id"),
    _text("before"),
    _text("after"),
    _time("last_before", nullable=True),
    _time("since"),
    _time("noticed"),
    _text("reason", nullable=True),
    _text("phase", nullable=True),
    _text("detail"),
    UniqueConstraint("check_id", "noticed", "since", "before", "after"),
)
"""The ledger. The constraint makes recording twice the same as once."""

standings = Table(
    "standings",
    metadata,
    _of("checks", "check_id", primary_key=True),
    _time("started"),
    Column("duration", Float, nullable=False),
    _text("status"),
    _text("reason", nullable=True),
    _text("phase", nullable=True),
    _text("detail"),
)
"""The last result of each check."""

incidents = Table(
    "incidents",
    metadata,
    Column("id", PlainText, primary_key=True),
    _monitor(),
    _text("kind"),
    _text("cause"),
    _text("severity"),
    _text("state"),
    _text("reason", nullable=True),
    _text("phase", nullable=True),
    _text("detail"),
    _time("last_good", nullable=True),
    _time("since"),
    _time("noticed"),
    Column("ended", BigInteger, index=True),
    _text("ending", nullable=True),
    Column("version", Integer, nullable=False, server_default="0"),
)
members = Table(
    "members",
    metadata,
    _of("incidents", "incident_id", primary_key=True),
    _of("checks", "check_id", primary_key=True),
    Column("position", Integer, nullable=False),
)
withheld = Table(
    "withheld",
    metadata,
    Column("id", Key, primary_key=True),
    _of("incidents", "incident_id"),
    _text("event"),
    _text("channel"),
    _text("why"),
    _time("at"),
    UniqueConstraint("incident_id", "event", "channel", "why", "at"),
)
"""What was not sent, and why; the channel is empty where it is all of them."""

notifications = Table(
    "notifications",
    metadata,
    Column("position", Key, primary_key=True),
    Column("id", PlainText, nullable=False, unique=True),
    _monitor(),
    Column("incident_id", PlainText, ForeignKey("incidents.id"), index=True),
    _text("channel"),
    _text("event"),
    _time("created"),
    Column("data", Document, nullable=False),
    Column("status", PlainText, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    _text("said"),
    _time("settled", nullable=True),
)
acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", Key, primary_key=True),
    _of("incidents", "incident_id", index=True),
    _time("at"),
    _text("who"),
    _text("note"),
    _time("until", nullable=True),
)
maintenance = Table(
    "maintenance",
    metadata,
    Column("id", PlainText, primary_key=True),
    _monitor(),
    _text("name"),
    Column("match", Document, nullable=False),
    _time("started"),
    _time("ended"),
    _text("probing"),
    _text("who"),
    _time("announced"),
)
pauses = Table(
    "pauses",
    metadata,
    Column("id", Key, primary_key=True),
    _monitor(),
    Column("match", Document, nullable=False),
    _time("started"),
    _time("until", nullable=True),
    _time("ended", nullable=True),
    _text("who"),
    _text("why"),
)

rollups = Table(
    "rollups",
    metadata,
    _of("checks", "check_id", primary_key=True),
    Column("width", Integer, primary_key=True),
    Column("started", BigInteger, primary_key=True),
    Column("ok", Integer, nullable=False),
    Column("warn", Integer, nullable=False),
    Column("fail", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("brief", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("buckets", Document, nullable=False),
    Column("over", Document, nullable=False),
    Index(None, "width", "started"),
)
"""Runs per hour (width 3600), after three days per UTC day (width 86400).

`buckets` counts durations in logarithmic buckets, `over` those above agreed thresholds, exactly.
"""

failures = Table(
    "failures",
    metadata,
    _of("checks", "check_id", primary_key=True),
    Column("started", BigInteger, primary_key=True),
    _time("ended"),
    Column("count", Integer, nullable=False),
    _text("status"),
    _text("reason"),
    _text("phase", nullable=True),
    _text("detail"),
)
"""Results in a row with the same reason in the same phase; the detail is the last one's."""

changes = Table(
    "changes",
    metadata,
    Column("id", Key, primary_key=True),
    _of("checks", "check_id"),
    _time("at"),
    _text("what"),
    _text("before"),
    _text("after"),
    UniqueConstraint("check_id", "at", "what"),
)
"""What was found different about a peer: its implementation, its certificate, the contexts that it accepts."""

series = Table(
    "series",
    metadata,
    Column("id", Key, primary_key=True),
    _of("checks", "check_id"),
    _text("name"),
    Column("labels", Document, nullable=False),
    UniqueConstraint("check_id", "name", "labels"),
)
samples = Table(
    "samples",
    metadata,
    _of("series", "series_id", primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
)
"""Values of the measures that are marked as trends."""

memory = Table(
    "memory",
    metadata,
    _of("checks", "check_id", primary_key=True),
    Column("data", Document, nullable=False),
)
test_objects = Table(
    "test_objects",
    metadata,
    Column("sop_instance_uid", PlainText, primary_key=True),
    Column("node", PlainText, primary_key=True),
    _of("checks", "check_id", index=True),
    _text("sop_class_uid"),
    _text("study_instance_uid"),
    _text("series_instance_uid"),
    _time("stored"),
    _time("missed", nullable=True),
)
"""The ledger of what we have stored in archives, and where it may be, until it is gone."""

test_stores = Table(
    "test_stores",
    metadata,
    Column("id", Key, primary_key=True),
    _of("monitors", "monitor_id"),
    _text("node"),
    _time("at"),
    Index(None, "monitor_id", "node", "at"),
)
"""When nodes were sent test objects, for a day: what the caps count."""
