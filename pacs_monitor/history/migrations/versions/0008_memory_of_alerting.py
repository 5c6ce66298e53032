"""The memory of alerting: events, what each channel was notified of, what is suppressed, what was behind what.

Revisions of the configuration are kept whole.

Incidents that are open go on: what was made and withheld of them says what each channel was notified of, and each
member is as its incident is. When a member is due follows from its check, when the monitor next starts.

Revision ID: 0008
"""

# ruff: noqa: S608 - the statements are made of constants
import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHY = {"paging off": "paging", "no channel": "no_channel", "channel removed": "channel_removed"}
SEVERITIES = ("critical", "warning", "info")
CLASSES = ("unreachable", "unresponsive", "full", "other")
"""The worst first, as those of severity."""
UNREACHABLE = {"tcp_refused", "tcp_reset", "tcp_timeout", "tcp_unreachable", "dns"}
UNRESPONSIVE = {
    *("acse_timeout", "dimse_timeout", "closed_before_accept", "closed", "rejected", "busy", "aborted_by_peer"),
    *("tls_timeout", "no_ack", "timeout"),
}
OPEN = "SELECT id FROM incidents WHERE ended IS NULL"
OF_MEMBERS = ("state", "severity", "reason", "phase", "detail", "last_good", "since", "noticed")


def upgrade() -> None:
    _events_and_notes()
    _notified()
    _unreachable()
    _suppressions()
    _incidents_and_revisions()
    _remember(op.get_bind())
    op.drop_table("withheld")


def _events_and_notes() -> None:
    op.create_table(
        "events",
        sa.Column("seq", KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_events_monitor_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index(op.f("ix_events_monitor_id_at"), "events", ["monitor_id", "at"], unique=False)
    op.create_table(
        "subjects",
        sa.Column("monitor_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["monitor_id"], ["monitors.id"], name=op.f("fk_subjects_monitor_id")),
        sa.PrimaryKeyConstraint("monitor_id", "kind", "key", name=op.f("pk_subjects")),
    )


def _notified() -> None:
    op.create_table(
        "notified",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("worst", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("receiver_state", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_notified_incident_id")),
        sa.PrimaryKeyConstraint("incident_id", "channel", name=op.f("pk_notified")),
    )


def _unreachable() -> None:
    op.create_table(
        "unreachable",
        sa.Column("check_id", KEY, nullable=False),
        sa.Column("parent", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_unreachable_check_id")),
        sa.PrimaryKeyConstraint("check_id", "parent", "since", name=op.f("pk_unreachable")),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_suppressions_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint(
            *("incident_id", "event", "channel", "why", "at"),
            name=op.f("uq_suppressions_incident_id_event_channel_why_at"),
        ),
    )
    words = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in WHY.items())
    # what was not sent of an opened no longer held once it was sent, or the incident had ended; the rest was a moment
    first_sent = (
        "SELECT min(created) FROM notifications n "
        "WHERE n.incident_id = w.incident_id AND n.event = 'incident.opened' AND n.created >= w.at"
    )
    over = "SELECT CASE WHEN i.ended < w.at THEN w.at ELSE i.ended END FROM incidents i WHERE i.id = w.incident_id"
    op.execute(
        "INSERT INTO suppressions (incident_id, event, channel, why, detail, at, ended) "
        f"SELECT incident_id, event, channel, CASE why {words} ELSE why END, '', at, "
        f"CASE WHEN event = 'incident.opened' THEN coalesce(({first_sent}), ({over})) ELSE at END "
        "FROM withheld w ORDER BY id"
    )


def _incidents_and_revisions() -> None:
    op.add_column("revisions", sa.Column("content", sa.LargeBinary(), nullable=True))
    op.add_column("incidents", sa.Column("linked", sa.Text(), server_default="[]", nullable=False))
    op.add_column("incidents", sa.Column("group_id", sa.Text(), server_default="", nullable=False))
    for name in ("state", "severity", "reason", "phase", "detail"):
        op.add_column("members", sa.Column(name, sa.Text(), nullable=True))
    for name in ("last_good", "since", "noticed", "due", "left_at"):
        op.add_column("members", sa.Column(name, sa.BigInteger(), nullable=True))
    copied = ", ".join(f"{name} = (SELECT {name} FROM incidents WHERE id = incident_id)" for name in OF_MEMBERS)
    op.execute(f"UPDATE members SET {copied} WHERE incident_id IN ({OPEN} AND kind = 'node')")


def _remember(connection: sa.Connection) -> None:
    """What each channel was notified of, of the incidents that are open."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    every = (
        "SELECT incident_id, node, name FROM members JOIN checks ON checks.id = check_id "
        f"WHERE incident_id IN ({OPEN}) ORDER BY position"
    )
    for row in connection.execute(sa.text(every)):
        members[row.incident_id].append(f"{row.node}/{row.name}")
    incidents = {row.id: row for row in connection.execute(sa.text("SELECT * FROM incidents WHERE ended IS NULL"))}
    sent: dict[tuple[str, str], dict[str, Any]] = {}
    made = f"SELECT * FROM notifications WHERE incident_id IN ({OPEN}) ORDER BY position"
    for past in connection.execute(sa.text(made)):
        key = past.incident_id, past.channel
        if past.event == "incident.opened":
            sent[key] = _opened(past, incidents[past.incident_id], members[past.incident_id])
        elif key in sent:
            sent[key] = _further(sent[key], past)
    held = f"SELECT incident_id, channel, at FROM withheld WHERE incident_id IN ({OPEN}) ORDER BY id"
    for row in connection.execute(sa.text(held)):
        if one := sent.get((row.incident_id, row.channel)):
            one["at"] = max(one["at"], row.at)
    if sent:
        table = sa.table("notified", *map(sa.column, next(iter(sent.values()))))
        op.bulk_insert(table, [one | {"members": json.dumps(one["members"])} for one in sent.values()])


def _opened(past: sa.Row[Any], incident: sa.Row[Any], members: list[str]) -> dict[str, Any]:
    """A change of state was always said, or withheld, at once: what a channel knows is the state as it is."""
    data = json.loads(past.data)
    in_trouble = incident.state in ("degraded", "down")
    return {
        "incident_id": past.incident_id,
        "channel": past.channel,
        "at": past.created,
        "opened": past.id,
        "state": incident.state,
        "severity": _worse(SEVERITIES, incident.severity, data.get("severity")),
        "worst": _worse(CLASSES, _class(data), _class({**data, "reason": incident.reason}) if in_trouble else "other"),
        "members": data.get("members", members),
        "page": 1,
        "shadow": past.status == "shadow",
        "refused": past.status == "refused",
        "version": 1,
    }


def _further(sent: dict[str, Any], past: sa.Row[Any]) -> dict[str, Any]:
    data = json.loads(past.data)
    return sent | {
        "at": past.created,
        "severity": _worse(SEVERITIES, sent["severity"], data.get("severity")),
        "worst": _worse(CLASSES, sent["worst"], _class(data)),
        "members": data.get("members", sent["members"]),
    }


def _class(data: dict[str, Any]) -> str:
    reason = data.get("reason")
    if data.get("kind") != "node":
        return "other"
    if reason in UNREACHABLE:
        return "unreachable"
    if reason in UNRESPONSIVE:
        return "unresponsive"
    full = reason == "out_of_resources" or (reason == "over_limit" and data.get("probe") == "disk")
    return "full" if full else "other"


def _worse(order: tuple[str, ...], *words: object) -> object:
    return min((word for word in words if word in order), key=order.index)
