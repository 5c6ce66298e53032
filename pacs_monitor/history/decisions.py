"""What alerting decided, as rows and back: events, what was notified and suppressed, what was behind what, notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, select

from pacs_monitor.history import tables as t
from pacs_monitor.history.rows import CheckIds, insert_once, upsert
from pacs_monitor.model import (
    REASONS,
    CheckId,
    Entry,
    Event,
    FailureClass,
    Maintained,
    Note,
    Notified,
    Phase,
    Problem,
    Reason,
    Recorded,
    Severity,
    State,
    Suppressed,
)

ONE_SUPPRESSION = ["incident_id", "event", "channel", "why", "at"]


def write(connection: Connection, monitor: int, ids: CheckIds, entry: Entry) -> None:
    """What an entry has besides its transitions, incidents and notifications; writing it twice is the same as once.

    Of an entry with new events, what it says last holds: what has ended may have begun again at the same moment. Of one
    that is written again, what has ended stays so.
    """
    is_new = _write_events(connection, monitor, entry.events)
    notified = [_of_notified(sent) for sent in entry.notified]
    upsert(connection, t.notified, notified, ["incident_id", "channel"], where=_is_later)
    suppressions = [_of_suppressed(row) for row in entry.suppressed]
    upsert(connection, t.suppressions, suppressions, ONE_SUPPRESSION, where=None if is_new else _ends)
    known = ids.of(connection, [span.check for span in entry.unreachable])
    spans = [
        {"check_id": known[span.check], "parent": span.parent, "since": span.since, "until": span.until}
        for span in entry.unreachable
    ]
    upsert(connection, t.unreachable, spans, ["check_id", "parent", "since"], where=None if is_new else _ends_span)
    _write_maintained(connection, ids, entry.maintained, is_new=is_new)
    if is_new or not entry.events:
        _write_notes(connection, monitor, entry.notes)


def _write_maintained(connection: Connection, ids: CheckIds, spans: Sequence[Maintained], *, is_new: bool) -> None:
    known = ids.of(connection, [span.check for span in spans])
    rows = [
        {
            "check_id": known[span.check],
            "window": span.window,
            "since": span.since,
            "until": span.until,
            "name": span.name,
            "announced": None if span.announced is None else span.announced.isoformat(),
        }
        for span in spans
    ]
    upsert(connection, t.maintained, rows, ["check_id", "window", "since"], where=None if is_new else _ends_span)


def _write_events(connection: Connection, monitor: int, events: Sequence[Recorded]) -> bool:
    """Whether any of them is new."""
    wanted = {event.id for event in events}
    known = set(connection.scalars(select(t.events.c.id).where(t.events.c.id.in_(wanted)))) if wanted else set()
    rows = [
        {"id": event.id, "monitor_id": monitor, "at": event.at, "kind": event.kind, "data": event.data}
        for event in events
        if event.id not in known
    ]
    insert_once(connection, t.events, rows)
    return bool(rows)


def _write_notes(connection: Connection, monitor: int, notes: Sequence[Note]) -> None:
    """Notes carry no version: those of an entry that is written again are left as later ones have made them."""
    of = t.subjects.c
    latest = {(note.kind, note.key): note for note in notes}
    rows = [
        {"monitor_id": monitor, "kind": note.kind, "key": note.key, "data": note.data}
        for note in latest.values()
        if note.data is not None
    ]
    upsert(connection, t.subjects, rows, ["monitor_id", "kind", "key"])
    gone = [{"of_kind": note.kind, "of_key": note.key} for note in latest.values() if note.data is None]
    if gone:
        one = of.monitor_id == monitor, of.kind == bindparam("of_kind"), of.key == bindparam("of_key")
        connection.execute(delete(t.subjects).where(*one), gone)


def of_problem(problem: Problem | None) -> dict[str, Any]:
    """The columns of a member that say what its problem is."""
    return {
        "state": problem and problem.state,
        "severity": problem and problem.severity,
        "reason": problem and problem.reason,
        "phase": problem and problem.phase,
        "detail": problem and problem.detail,
        "last_good": problem and problem.last_good,
        "since": problem and problem.since,
        "noticed": problem and problem.noticed,
        "due": problem and problem.due,
        "left_at": problem and problem.left,
        "flapping": problem and problem.flapping,
        "calm": problem and problem.calm,
    }


def problem(row: Row[Any]) -> Problem | None:
    """A member's; its `due` is 0 where none is on record, which is before the monitor has started for the first time
    since.
    """
    if row.state is None:
        return None
    return Problem(
        check(row),
        State(row.state),
        Severity(row.severity),
        reason(row),
        phase(row),
        row.detail,
        row.last_good,
        row.since,
        row.noticed,
        row.due or 0,
        row.left_at,
        row.flapping,
        row.calm,
    )


def notified(row: Row[Any]) -> Notified:
    return Notified(
        row.incident_id,
        row.channel,
        row.at,
        row.opened,
        State(row.state),
        Severity(row.severity),
        FailureClass(row.worst),
        tuple(CheckId.parse(member) for member in row.members),
        row.page,
        row.shadow,
        row.refused,
        row.flapping,
        row.version,
    )


def suppressed(row: Row[Any]) -> Suppressed:
    channel = row.channel or None
    return Suppressed(row.incident_id, Event(row.event), row.why, row.at, channel, row.detail, row.ended)


def recorded(row: Row[Any]) -> Recorded:
    return Recorded(row.id, row.at, row.kind, row.data)


def maintained(row: Row[Any]) -> Maintained:
    announced = date.fromisoformat(row.announced) if row.announced else None
    return Maintained(check(row), row.window, row.since, row.until, row.what, announced)


def check(row: Row[Any]) -> CheckId:
    return CheckId(row.node, row.name)


def reason(row: Row[Any]) -> Reason | None:
    return REASONS[row.reason] if row.reason else None


def phase(row: Row[Any]) -> Phase | None:
    return Phase(row.phase) if row.phase else None


def _of_notified(sent: Notified) -> dict[str, Any]:
    return {
        "incident_id": sent.incident,
        "channel": sent.channel,
        "at": sent.at,
        "opened": sent.opened,
        "state": sent.state,
        "severity": sent.severity,
        "worst": sent.worst,
        "members": [str(member) for member in sent.members],
        "page": sent.page,
        "shadow": sent.shadow,
        "refused": sent.refused,
        "flapping": sent.flapping,
        "version": sent.version,
    }


def _of_suppressed(row: Suppressed) -> dict[str, Any]:
    return {
        "incident_id": row.incident,
        "event": row.event,
        "channel": row.channel or "",
        "why": row.why,
        "detail": row.detail,
        "at": row.at,
        "ended": row.ended,
    }


def _is_later(old: Any, new: Any) -> ColumnElement[bool]:
    return old.version < new.version  # type: ignore[no-any-return]


def _ends(old: Any, new: Any) -> ColumnElement[bool]:
    """What has ended stays so."""
    return and_(old.ended.is_(None), new.ended.is_not(None))


def _ends_span(old: Any, new: Any) -> ColumnElement[bool]:
    return and_(old.until.is_(None), new.until.is_not(None))
