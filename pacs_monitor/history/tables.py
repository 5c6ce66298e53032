"""The schema. Times are integer microseconds, UTC; enums are stored as their values (pacs_monitor/model).

`migrations/versions` builds the same tables step by step; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    false,
)

from pacs_monitor.history.columns import Document, Key, PlainText, metadata, monitor, of, text, time

monitors = Table(
    "monitors",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", PlainText, nullable=False, unique=True),
    text("host"),
    Column("pid", Integer, nullable=False),
    time("since"),
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
    monitor(),
    time("at"),
    Column("entry", Document, nullable=False),
)
"""Entries (model.Entry as JSON) that a leader could not record before another one took over."""

checks = Table(
    "checks",
    metadata,
    Column("id", Key, primary_key=True),
    monitor(),
    text("node"),
    text("name"),
    UniqueConstraint("monitor_id", "node", "name"),
)
watches = Table(
    "watches",
    metadata,
    Column("id", Key, primary_key=True),
    of("checks", "check_id", index=True),
    time("started"),
    time("ended", nullable=True),
)
identities = Table(
    "identities",
    metadata,
    Column("id", Key, primary_key=True),
    of("checks", "check_id", index=True),
    text("fingerprint"),
    time("started"),
    time("ended", nullable=True),
    time("proven", nullable=True),
)
"""Where and as whom each check asked, as a digest, and when it was first good so (history.identities)."""

revisions = Table(
    "revisions",
    metadata,
    Column("id", Key, primary_key=True),
    monitor(),
    text("hash"),
    time("at"),
    text("who"),
    text("diff"),
    Column("content", LargeBinary, nullable=True),
)
"""The configurations that were in force; `content` is config.canonical, compressed by zlib (RFC 1950)."""

coverage = Table(
    "coverage",
    metadata,
    Column("run", PlainText, primary_key=True),
    Column("number", Integer, primary_key=True),
    monitor(),
    time("started"),
    time("ended"),
    text("cause", nullable=True),
)
"""Intervals in which a run of the monitor (a ULID) was alive; those with a cause are ambiguous."""

transitions = Table(
    "transitions",
    metadata,
    Column("id", Key, primary_key=True),
    of("checks", "check_id"),
    text("before"),
    text("after"),
    time("last_before", nullable=True),
    time("since"),
    time("noticed"),
    text("reason", nullable=True),
    text("phase", nullable=True),
    text("detail"),
    UniqueConstraint("check_id", "noticed", "since", "before", "after"),
    Index(None, "check_id", "id"),
    Index(None, "since"),
)
"""The ledger. The constraint makes recording twice the same as once."""

standings = Table(
    "standings",
    metadata,
    of("checks", "check_id", primary_key=True),
    time("started"),
    Column("duration", Float, nullable=False),
    text("status"),
    text("reason", nullable=True),
    text("phase", nullable=True),
    text("detail"),
)
"""The last result of each check."""

events = Table(
    "events",
    metadata,
    Column("seq", Key, primary_key=True),
    Column("id", PlainText, nullable=False, unique=True),
    of("monitors", "monitor_id"),
    time("at"),
    text("kind"),
    Column("data", Document, nullable=False),
    Index(None, "monitor_id", "at"),
)
"""What alerting has decided on, in the order in which it did."""

incidents = Table(
    "incidents",
    metadata,
    Column("id", PlainText, primary_key=True),
    monitor(),
    text("kind"),
    text("cause"),
    text("severity"),
    text("state"),
    text("reason", nullable=True),
    text("phase", nullable=True),
    text("detail"),
    time("last_good", nullable=True),
    time("since"),
    time("noticed"),
    Column("ended", BigInteger, index=True),
    text("ending", nullable=True),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("linked", Document, nullable=False, server_default="[]"),
    Column("group_id", PlainText, nullable=False, server_default=""),
    Column("acknowledgement", Document, nullable=True),
    Column("public_note", Document, nullable=True),
    Column("code", PlainText, nullable=False, server_default=""),
)
"""What people are notified of as one; `acknowledgement` and `public_note` are what people have said of it, as it stands
(model.words)."""
members = Table(
    "members",
    metadata,
    of("incidents", "incident_id", primary_key=True),
    of("checks", "check_id", primary_key=True),
    Column("position", Integer, nullable=False),
    text("state", nullable=True),
    text("severity", nullable=True),
    text("reason", nullable=True),
    text("phase", nullable=True),
    text("detail", nullable=True),
    time("last_good", nullable=True),
    time("since", nullable=True),
    time("noticed", nullable=True),
    time("due", nullable=True),
    time("left_at", nullable=True),
    time("flapping", nullable=True),
    time("calm", nullable=True),
)
"""The checks that an incident is about, and what each one's problem is: null where none is on record."""

notified = Table(
    "notified",
    metadata,
    of("incidents", "incident_id", primary_key=True),
    Column("channel", PlainText, primary_key=True),
    time("at"),
    text("opened"),
    text("state"),
    text("severity"),
    text("worst"),
    Column("members", Document, nullable=False),
    Column("page", Integer, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("flapping", Boolean, nullable=False, server_default=false()),
    Column("receiver_state", Document, nullable=True),
    Column("version", Integer, nullable=False),
)
"""What each channel was notified of, of each incident (model.Notified), and what its receiver needs remembered."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Key, primary_key=True),
    of("incidents", "incident_id"),
    text("event"),
    text("channel"),
    text("why"),
    text("detail"),
    time("at"),
    time("ended", nullable=True),
    UniqueConstraint("incident_id", "event", "channel", "why", "at"),
)
"""What was not sent, and why; the channel is empty where it is all of them."""

unreachable = Table(
    "unreachable",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("parent", PlainText, primary_key=True),
    Column("since", BigInteger, primary_key=True),
    time("until", nullable=True),
)
"""When a check could not be reached because of what stands before it on the network."""

maintained = Table(
    "maintained",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("window", PlainText, primary_key=True),
    Column("since", BigInteger, primary_key=True),
    time("until", nullable=True),
    text("name"),
    text("announced", nullable=True),
)
"""When a check was in planned maintenance, as it happened: what is planned or changed later does not alter it."""

subjects = Table(
    "subjects",
    metadata,
    of("monitors", "monitor_id", primary_key=True),
    Column("kind", PlainText, primary_key=True),
    Column("key", PlainText, primary_key=True),
    Column("data", Document, nullable=False),
)
"""Small things that deciding needs after a restart (model.Note)."""

notifications = Table(
    "notifications",
    metadata,
    Column("position", Key, primary_key=True),
    Column("id", PlainText, nullable=False, unique=True),
    monitor(),
    Column("incident_id", PlainText, ForeignKey("incidents.id"), index=True),
    text("channel"),
    text("event"),
    time("created"),
    Column("data", Document, nullable=False),
    Column("status", PlainText, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    text("said"),
    time("settled", nullable=True),
)
rollups = Table(
    "rollups",
    metadata,
    of("checks", "check_id", primary_key=True),
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

`buckets` counts durations in logarithmic buckets; `over` stays empty: agreed limits have their own counts, `latencies`.
"""

latencies = Table(
    "latencies",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("objective", PlainText, primary_key=True),
    Column("measure", PlainText, primary_key=True),
    Column("within", BigInteger, primary_key=True),
    Column("day", BigInteger, primary_key=True, index=True),
    Column("in_time", Integer, nullable=False),
    Column("slow", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
)
"""Runs against a limit that was agreed (latency.CountedOf), per day of the monitor's time zone."""

failures = Table(
    "failures",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("started", BigInteger, primary_key=True),
    time("ended"),
    Column("count", Integer, nullable=False),
    text("status"),
    text("reason"),
    text("phase", nullable=True),
    text("detail"),
)
"""Results in a row with the same reason in the same phase; the detail is the last one's."""

changes = Table(
    "changes",
    metadata,
    Column("id", Key, primary_key=True),
    of("checks", "check_id"),
    time("at"),
    text("what"),
    text("before"),
    text("after"),
    UniqueConstraint("check_id", "at", "what"),
)
"""What was found different about a peer: its implementation, its certificate, the contexts that it accepts."""

series = Table(
    "series",
    metadata,
    Column("id", Key, primary_key=True),
    of("checks", "check_id"),
    text("name"),
    Column("labels", Document, nullable=False),
    UniqueConstraint("check_id", "name", "labels"),
)
samples = Table(
    "samples",
    metadata,
    of("series", "series_id", primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
)
"""Values of the measures that are marked as trends."""

memory = Table(
    "memory",
    metadata,
    of("checks", "check_id", primary_key=True),
    Column("data", Document, nullable=False),
)
test_objects = Table(
    "test_objects",
    metadata,
    Column("sop_instance_uid", PlainText, primary_key=True),
    Column("node", PlainText, primary_key=True),
    of("checks", "check_id", index=True),
    text("sop_class_uid"),
    text("study_instance_uid"),
    text("series_instance_uid"),
    time("stored"),
    time("missed", nullable=True),
)
"""The ledger of what we have stored in archives, and where it may be, until it is gone."""

test_stores = Table(
    "test_stores",
    metadata,
    Column("id", Key, primary_key=True),
    of("monitors", "monitor_id"),
    text("node"),
    time("at"),
    Index(None, "monitor_id", "node", "at"),
)
"""When nodes were sent test objects, for a day: what the caps count."""
