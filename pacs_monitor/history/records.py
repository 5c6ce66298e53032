"""What one entry of the record writes: transitions, incidents, notifications, and what alerting decided besides."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, select, update

from pacs_monitor.history import decisions, identities
from pacs_monitor.history import tables as t
from pacs_monitor.history.errors import UnrecordedError
from pacs_monitor.history.rows import CheckIds, insert_once, upsert
from pacs_monitor.model import (
    CheckId,
    DeliveryResult,
    DeliveryStatus,
    Entry,
    Incident,
    Micros,
    Notification,
    Reason,
    State,
    Suppressed,
    Transition,
)


@dataclass(frozen=True, slots=True)
class IncidentFile:
    """All that is known of one incident: what was sent, and what was not."""

    incident: Incident
    notifications: tuple[Notification, ...]
    suppressed: tuple[Suppressed, ...]


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A version of the configuration, as it was adopted."""

    hash: str
    at: Micros
    who: str
    diff: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of the configuration: its hash, who brought it, what it changed, and the whole of it without secrets
    (config.canonical).
    """

    hash: str
    who: str = ""
    diff: str = ""
    content: bytes | None = None


class RecordWriter:
    """Writes entries; recording one twice is the same as once."""

    def __init__(self, monitor: int, ids: CheckIds) -> None:
        self._monitor, self._ids = monitor, ids

    def record(self, connection: Connection, entry: Entry) -> None:
        self._transitions(connection, entry.transitions)
        incidents = [self._incident(incident) for incident in entry.incidents]
        upsert(connection, t.incidents, incidents, ["id"], where=_is_later)
        self._members(connection, entry.incidents)
        insert_once(connection, t.notifications, [self._notification(owed) for owed in entry.notifications])
        decisions.write(connection, self._monitor, self._ids, entry)

    def record_results(
        self, connection: Connection, results: Sequence[DeliveryResult], digest: Notification | None, now: Micros
    ) -> None:
        """How deliveries went, and the digest that is owed instead; one that is there already gets its new words.

        What was delivered stays so, whatever an earlier result says that is written late.
        """
        of = t.notifications.c
        ours, delivered = of.monitor_id == self._monitor, of.status == DeliveryStatus.DELIVERED
        for result in results:
            values = {
                "status": result.status,
                "attempts": result.attempts,
                "said": result.said,
                "settled": None if result.status is DeliveryStatus.PENDING else now,
            }
            one = (of.id == result.notification, ours)
            changed = connection.execute(update(t.notifications).where(*one, ~delivered).values(values))
            if not changed.rowcount and not connection.scalar(select(of.id).where(*one)):
                raise UnrecordedError(f"notification {result.notification} is not in the history")
        if digest is not None:
            insert_once(connection, t.notifications, [self._notification(digest)])
            same = of.id == digest.id
            connection.execute(update(t.notifications).where(same, ours).values(data=digest.data))

    def adopt(
        self,
        connection: Connection,
        checks: Collection[CheckId],
        revision: Revision,
        now: Micros,
        prints: Mapping[CheckId, str],
    ) -> None:
        """Watch exactly these checks from now on, under this revision, as these (model.fingerprint)."""
        ids = self._ids.of(connection, checks)
        wanted = {ids[check] for check in checks}
        open_spans = select(t.watches.c.check_id).where(t.watches.c.ended.is_(None))
        ours = open_spans.join(t.checks).where(t.checks.c.monitor_id == self._monitor)
        watched = set(connection.scalars(ours))
        self._unwatch(connection, sorted(watched - wanted), now)
        self._watch(connection, sorted(wanted - watched), now)
        identities.adopt(connection, self._monitor, ids, prints, now)
        self._revise(connection, revision, now)

    def _transitions(self, connection: Connection, transitions: Sequence[Transition]) -> None:
        ids = self._ids.of(connection, [transition.check for transition in transitions])
        rows = [
            {
                "check_id": ids[transition.check],
                "before": transition.before,
                "after": transition.after,
                "last_before": transition.last_before,
                "since": transition.since,
                "noticed": transition.noticed,
                "reason": transition.reason,
                "phase": transition.phase,
                "detail": transition.detail,
            }
            for transition in transitions
        ]
        insert_once(connection, t.transitions, rows)

    def _incident(self, incident: Incident) -> dict[str, Any]:
        return {
            "id": incident.id,
            "monitor_id": self._monitor,
            "kind": incident.kind,
            "cause": incident.cause,
            "severity": incident.severity,
            "state": incident.state,
            "reason": incident.reason,
            "phase": incident.phase,
            "detail": incident.detail,
            "last_good": incident.last_good,
            "since": incident.since,
            "noticed": incident.noticed,
            "ended": incident.ended,
            "ending": incident.ending,
            "version": incident.version,
            "linked": incident.linked,
            "group_id": incident.group,
            "acknowledgement": incident.acknowledgement and asdict(incident.acknowledgement),
            "public_note": incident.public_note and asdict(incident.public_note),
            "code": incident.code,
        }

    def _members(self, connection: Connection, incidents: Sequence[Incident]) -> None:
        if not incidents:
            return
        of = t.incidents.c
        there = connection.execute(select(of.id, of.version).where(of.id.in_([i.id for i in incidents])))
        versions = {row.id: row.version for row in there}
        incidents = [incident for incident in incidents if versions[incident.id] == incident.version]
        ids = self._ids.of(connection, [check for incident in incidents for check in incident.members])
        connection.execute(
            delete(t.members).where(t.members.c.incident_id.in_([incident.id for incident in incidents]))
        )
        rows = [row for incident in incidents for row in _members(incident, ids)]
        upsert(connection, t.members, rows, ["incident_id", "check_id"])

    def _notification(self, owed: Notification) -> dict[str, Any]:
        return {
            "id": owed.id,
            "monitor_id": self._monitor,
            "incident_id": owed.incident,
            "channel": owed.channel,
            "event": owed.event,
            "created": owed.created,
            "data": owed.data,
            "status": owed.status,
            "attempts": owed.attempts,
            "said": "",
        }

    def _unwatch(self, connection: Connection, checks: Sequence[int], now: Micros) -> None:
        if checks:
            connection.execute(
                update(t.watches)
                .where(t.watches.c.check_id == bindparam("of"), t.watches.c.ended.is_(None))
                .values(ended=now),
                [{"of": check} for check in checks],
            )

    def _watch(self, connection: Connection, checks: Sequence[int], now: Micros) -> None:
        """Begin to watch. What a check was before it was removed does not hold any more: its ledger says so."""
        if not checks:
            return
        insert_once(connection, t.watches, [{"check_id": check, "started": now} for check in checks])
        latest = select(func.max(t.transitions.c.id)).group_by(t.transitions.c.check_id)
        known = connection.execute(
            select(t.transitions.c.check_id, t.transitions.c.after, t.standings.c.started)
            .outerjoin(t.standings, t.standings.c.check_id == t.transitions.c.check_id)
            .where(t.transitions.c.id.in_(latest), t.transitions.c.after != State.UNKNOWN)
        )
        again = set(checks)
        rows = [
            {
                "check_id": row.check_id,
                "before": row.after,
                "after": State.UNKNOWN,
                "last_before": row.started,
                "since": now,
                "noticed": now,
                "reason": Reason.NOT_MEASURED,
                "phase": None,
                "detail": "",
            }
            for row in known
            if row.check_id in again
        ]
        insert_once(connection, t.transitions, rows)

    def _revise(self, connection: Connection, revision: Revision, now: Micros) -> None:
        """The same file is another version if it says something else: with another environment, or file of names."""
        of = t.revisions.c
        statement = select(of.hash, of.content).where(of.monitor_id == self._monitor).order_by(of.id.desc()).limit(1)
        latest = connection.execute(statement).one_or_none()
        if latest is not None and latest.hash == revision.hash:
            known = latest.content and zlib.decompress(latest.content)
            if revision.content in (None, known):
                return
        content = None if revision.content is None else zlib.compress(revision.content)
        row = {"hash": revision.hash, "who": revision.who, "diff": revision.diff, "content": content, "at": now}
        insert_once(connection, t.revisions, [row | {"monitor_id": self._monitor}])


def _is_later(old: Any, new: Any) -> ColumnElement[bool]:
    """A later version of an incident that has not ended: what has ended stays so."""
    return and_(old.version < new.version, old.ended.is_(None))


def _members(incident: Incident, ids: Mapping[CheckId, int]) -> Iterator[dict[str, Any]]:
    problems = {problem.check: problem for problem in incident.problems}
    for position, check in enumerate(incident.members):
        one = {"incident_id": incident.id, "check_id": ids[check], "position": position}
        yield one | decisions.of_problem(problems.get(check))
