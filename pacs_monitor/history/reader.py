"""What can be asked of the record: on connections of its own that never write, also while no daemon runs."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import URL, ColumnElement, Connection, Row, Select, Table, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from pacs_monitor.history import decisions
from pacs_monitor.history import tables as t
from pacs_monitor.history.accumulator import ChangeSeen, Runs
from pacs_monitor.history.engines import advice, parse, reading, require_current, shown
from pacs_monitor.history.errors import HistoryError, describe
from pacs_monitor.history.records import IncidentFile, RevisionRow
from pacs_monitor.history.rollups import as_runs
from pacs_monitor.intervals import FOREVER, Interval
from pacs_monitor.model import (
    REASONS,
    Acknowledgement,
    Change,
    CheckId,
    DeliveryStatus,
    Ending,
    Event,
    Incident,
    IncidentKind,
    Maintained,
    Micros,
    Note,
    Notification,
    Notified,
    Phase,
    Problem,
    PublicNote,
    Recorded,
    Severity,
    State,
    Suppressed,
    Transition,
)
from pacs_monitor.proof import Identity
from pacs_monitor.uptime import Cause, Coverage

PAGE = 5000
"""Rows that are read at once of what may be endless."""
STATES = {state.value: state for state in State}
PHASES = {phase.value: phase for phase in Phase}
Member = tuple[CheckId, Problem | None]


class HistoryReader:
    """Reads one monitor's record; may be used from any thread."""

    def __init__(self, url: URL, monitor: str) -> None:
        self._url, self._engine, self.name = url, reading(url), monitor
        try:
            with self.connected() as connection:
                require_current(connection, url)
                found = connection.scalar(select(t.monitors.c.id).where(t.monitors.c.name == monitor))
        except HistoryError:
            self.close()
            raise
        if found is None:
            self.close()
            raise HistoryError(
                f"{shown(url)} contains no monitor named {monitor!r}; check that monitor.name is the name that it ran "
                "under"
            )
        self.monitor: int = found

    @classmethod
    def open(cls, url: str, monitor: str) -> Self:
        """Read the record of a monitor; raises HistoryError when there is none."""
        return cls(parse(url), monitor)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection; what the database raises becomes HistoryError."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise HistoryError(
                f"cannot read the history {shown(self._url)}: {describe(error)}; {advice(self._url)}"
            ) from error

    def watched(self) -> dict[CheckId, tuple[Interval, ...]]:
        """When each check was watched."""
        statement = self.of_checks(t.watches.c.started, t.watches.c.ended, table=t.watches)
        intervals: dict[CheckId, list[Interval]] = defaultdict(list)
        for row in self._rows(statement.order_by(t.watches.c.id)):
            intervals[decisions.check(row)].append(Interval(row.started, FOREVER if row.ended is None else row.ended))
        return {check: tuple(of_check) for check, of_check in sorted(intervals.items())}

    def identities(self) -> dict[CheckId, tuple[Identity, ...]]:
        """Where and as whom each check asked, one after the other, and since when it was proven so."""
        of = t.identities.c
        statement = self.of_checks(of.started, of.ended, of.proven, table=t.identities)
        found: dict[CheckId, list[Identity]] = defaultdict(list)
        for row in self._rows(statement.order_by(of.id)):
            found[decisions.check(row)].append(
                Identity(row.started, FOREVER if row.ended is None else row.ended, row.proven)
            )
        return {check: tuple(of_check) for check, of_check in found.items()}

    def transitions(self, until: Micros = FOREVER, check: CheckId | None = None) -> dict[CheckId, list[Transition]]:
        """The ledger of each check, in the order in which it was recorded."""
        statement = self.of_checks(t.transitions, table=t.transitions).where(t.transitions.c.since < until)
        if check:
            statement = statement.where(t.checks.c.node == check.node, t.checks.c.name == check.check)
        ledgers: dict[CheckId, list[Transition]] = defaultdict(list)
        for row in self._rows(statement.order_by(t.transitions.c.id)):
            moved = transition(row)
            ledgers[moved.check].append(moved)
        return dict(ledgers)

    def coverage(self, start: Micros = -FOREVER, end: Micros = FOREVER) -> tuple[Coverage, ...]:
        """When the monitor ran, and when its record is ambiguous, as far as it touches the interval."""
        intervals = t.coverage.c
        statement = select(intervals.started, intervals.ended, intervals.cause).where(
            intervals.monitor_id == self.monitor, intervals.started < end, intervals.ended > start
        )
        rows = self._rows(statement.order_by(intervals.started))
        return tuple(Coverage(row.started, row.ended, Cause(row.cause) if row.cause else None) for row in rows)

    def runs(self, start: Micros, end: Micros) -> dict[CheckId, Runs]:
        """How often each check ran, in the hours (after three days: UTC days) that begin in the interval."""
        statement = self.of_checks(t.rollups, table=t.rollups).where(
            t.rollups.c.started >= start, t.rollups.c.started < end
        )
        counted: dict[CheckId, Runs] = defaultdict(Runs)
        for row in self._rows(statement):
            counted[decisions.check(row)].add(as_runs(row))
        return dict(counted)

    def revision(self, at: Micros = FOREVER) -> RevisionRow | None:
        """The configuration that held at a time."""
        of = t.revisions.c
        statement = select(of.hash, of.at, of.who, of.diff).where(of.monitor_id == self.monitor, of.at < at)
        for row in self._rows(statement.order_by(of.id.desc()).limit(1)):
            return RevisionRow(row.hash, row.at, row.who, row.diff)
        return None

    def configuration(self, at: Micros = FOREVER, hash: str | None = None) -> dict[str, Any] | None:  # noqa: A002 - RevisionRow's
        """What config.canonical said of the configuration that held at a time; None where that is not on record.

        With a `hash`, of the last one before then that has it.
        """
        of = t.revisions.c
        statement = select(of.content).where(of.monitor_id == self.monitor, of.at < at)
        if hash is not None:
            statement = statement.where(of.hash == hash)
        for row in self._rows(statement.order_by(of.id.desc()).limit(1)):
            return None if row.content is None else json.loads(zlib.decompress(row.content))
        return None

    def incidents(
        self,
        *,
        open_only: bool = False,
        limit: int | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        id: str | None = None,  # noqa: A002 - the name that it has everywhere
        before: str | None = None,
    ) -> tuple[Incident, ...]:
        """Incidents, the latest first; with start and end those that went on in between; `before` as of `older`."""
        of = t.incidents.c
        statement = select(t.incidents).where(of.monitor_id == self.monitor)
        if open_only:
            statement = statement.where(of.ended.is_(None))
        if start is not None:
            statement = statement.where(of.ended.is_(None) | (of.ended > start))
        if end is not None:
            statement = statement.where(of.since < end)
        if id is not None:
            statement = statement.where(of.id == id)
        if before is not None:
            statement = statement.where(self.older(t.incidents, before, "noticed", "id"))
        statement = statement.order_by(of.noticed.desc(), of.id.desc()).limit(limit)
        rows = self._rows(statement)
        members = self._members(statement.with_only_columns(of.id))
        return tuple(_incident(row, members.get(row.id, ())) for row in rows)

    def incident(self, id: str) -> IncidentFile | None:  # noqa: A002 - the name that it has everywhere
        """One incident with what was sent and what was not."""
        found = next(iter(self.incidents(id=id)), None)
        return None if found is None else IncidentFile(found, self.notifications(incidents=[id]), self.suppressed([id]))

    def suppressed(self, incidents: Collection[str]) -> tuple[Suppressed, ...]:
        """What was not sent of these incidents, and why, in the order in which it was recorded."""
        of = t.suppressions.c
        rows = self._rows(select(t.suppressions).where(of.incident_id.in_(incidents)).order_by(of.id))
        return tuple(map(decisions.suppressed, rows))

    def notified(self, incidents: Collection[str]) -> tuple[Notified, ...]:
        """What each channel was notified of, of these incidents."""
        of = t.notified.c
        rows = self._rows(select(t.notified).where(of.incident_id.in_(incidents)).order_by(of.incident_id, of.opened))
        return tuple(map(decisions.notified, rows))

    def noticed(self, checks: Collection[CheckId], start: Micros, end: Micros) -> tuple[Transition, ...]:
        """Transitions of these checks that were noticed from `start` on and happened until `end`, in order of time."""
        of, nodes = t.transitions.c, {check.node for check in checks}
        statement = self.of_checks(t.transitions, table=t.transitions).where(
            t.checks.c.node.in_(nodes), of.noticed >= start, of.since <= end
        )
        rows = self._rows(statement.order_by(of.noticed, of.id))
        return tuple(moved for moved in map(transition, rows) if moved.check in checks)

    def events(
        self, start: Micros = -FOREVER, end: Micros = FOREVER, kinds: Collection[str] | None = None
    ) -> Iterator[Recorded]:
        """What alerting decided on from `start` up to, not including, `end`, in the order in which it was recorded.

        They are read a page at a time: there may be years of them.
        """
        of, last = t.events.c, -1
        statement = select(t.events).where(of.monitor_id == self.monitor, of.at >= start, of.at < end)
        if kinds is not None:
            statement = statement.where(of.kind.in_(kinds))
        while rows := self._rows(statement.where(of.seq > last).order_by(of.seq).limit(PAGE)):
            yield from map(decisions.recorded, rows)
            last = rows[-1].seq

    def notes(self) -> tuple[Note, ...]:
        """The small things that deciding needs after a restart."""
        rows = self._rows(select(t.subjects).where(t.subjects.c.monitor_id == self.monitor))
        return tuple(Note(row.kind, row.key, row.data) for row in rows)

    def unreachable(self, start: Micros = -FOREVER, end: Micros = FOREVER) -> dict[CheckId, tuple[Interval, ...]]:
        """When checks could not be reached because of what stands before them, as far as it touches the interval."""
        of = t.unreachable.c
        statement = self.of_checks(of.since, of.until, table=t.unreachable).where(
            of.since < end, of.until.is_(None) | (of.until > start)
        )
        spans: dict[CheckId, list[Interval]] = defaultdict(list)
        for row in self._rows(statement.order_by(of.since)):
            spans[decisions.check(row)].append(Interval(row.since, FOREVER if row.until is None else row.until))
        return {check: tuple(of_check) for check, of_check in spans.items()}

    def maintained(
        self, start: Micros = -FOREVER, end: Micros = FOREVER, *, open_only: bool = False
    ) -> tuple[Maintained, ...]:
        """When checks were in planned maintenance, as far as it touches the interval; or the spans that go on."""
        of = t.maintained.c
        columns = of.window, of.since, of.until, of.name.label("what"), of.announced
        goes_on = of.until.is_(None) if open_only else of.until.is_(None) | (of.until > start)
        statement = self.of_checks(*columns, table=t.maintained).where(of.since < end, goes_on)
        return tuple(map(decisions.maintained, self._rows(statement.order_by(of.since))))

    def notifications(
        self,
        *,
        status: DeliveryStatus | None = None,
        incidents: Collection[str] | None = None,
        start: Micros = -FOREVER,
        end: Micros = FOREVER,
        limit: int | None = None,
        before: str | None = None,
    ) -> tuple[Notification, ...]:
        """Notifications in the order in which they were owed, created from `start` to before `end`.

        With a limit the latest ones; `before` as of `older`.
        """
        of = t.notifications.c
        statement = select(t.notifications).where(of.monitor_id == self.monitor, of.created >= start, of.created < end)
        if status is not None:
            statement = statement.where(of.status == status)
        if incidents is not None:
            statement = statement.where(of.incident_id.in_(incidents))
        if before is not None:
            statement = statement.where(self.older(t.notifications, before, "position"))
        rows = self._rows(statement.order_by(of.position.desc()).limit(limit))
        return tuple(_notification(row) for row in reversed(rows))

    def changes(
        self, start: Micros = -FOREVER, end: Micros = FOREVER, *, limit: int | None = None
    ) -> tuple[ChangeSeen, ...]:
        """What was found different about peers from `start` to before `end`, the latest first."""
        of = t.changes.c
        statement = self.of_checks(t.changes, table=t.changes).where(of.at >= start, of.at < end)
        rows = self._rows(statement.order_by(of.at.desc(), of.id.desc()).limit(limit))
        return tuple(ChangeSeen(decisions.check(row), row.at, Change(row.what, row.before, row.after)) for row in rows)

    def memory(self) -> dict[CheckId, dict[str, Any]]:
        """What probes keep over a restart."""
        return {decisions.check(row): row.data for row in self._rows(self.of_checks(t.memory.c.data, table=t.memory))}

    def last_started(self) -> dict[CheckId, Micros]:
        """When the last result of each check started."""
        rows = self._rows(self.of_checks(t.standings.c.started, table=t.standings))
        return {decisions.check(row): row.started for row in rows}

    def latest(self) -> dict[CheckId, Transition]:
        """The last transition of each check."""
        return self._last(select(func.max(t.transitions.c.id)))

    def entries(self) -> dict[CheckId, Transition]:
        """The transition by which each check entered its state: it may have changed its cause since."""
        return self._last(select(func.max(t.transitions.c.id)).where(t.transitions.c.before != t.transitions.c.after))

    def _last(self, ids: Select[tuple[int]]) -> dict[CheckId, Transition]:
        last = t.transitions.c.id.in_(ids.group_by(t.transitions.c.check_id))
        rows = self._rows(self.of_checks(t.transitions, table=t.transitions).where(last))
        return {moved.check: moved for moved in map(transition, rows)}

    def _members(self, incidents: Select[tuple[str]]) -> Mapping[str, list[Member]]:
        statement = self.of_checks(t.members, table=t.members).where(t.members.c.incident_id.in_(incidents))
        members: dict[str, list[Member]] = defaultdict(list)
        for row in self._rows(statement.order_by(t.members.c.position)):
            members[row.incident_id].append((decisions.check(row), decisions.problem(row)))
        return members

    def of_checks(self, *columns: Any, table: Any) -> Select[Any]:
        """The rows of a table about checks of this monitor, with their names."""
        names = t.checks.c.node, t.checks.c.name
        joined = select(*names, *columns).join_from(t.checks, table, table.c.check_id == t.checks.c.id)
        return joined.where(t.checks.c.monitor_id == self.monitor)

    def older(self, table: Table, before: str, *order: str) -> ColumnElement[bool]:
        """What follows the row of this id where the latest come first; LookupError where there is no such row."""
        of = [table.c[name] for name in order]
        rows = self._rows(select(*of).where(table.c.monitor_id == self.monitor, table.c.id == before))
        if not rows:
            raise LookupError(before)
        return tuple_(*of) < tuple_(*rows[0])

    def _rows(self, statement: Select[Any]) -> list[Row[Any]]:
        with self.connected() as connection:
            return list(connection.execute(statement).all())


def transition(row: Sequence[Any]) -> Transition:
    """A row of the ledger, from `of_checks(tables.transitions)`."""
    node, name, _, _, before, after, last_before, since, noticed, reason, phase, detail = row
    return Transition(
        CheckId(node, name),
        STATES[before],
        STATES[after],
        last_before,
        since,
        noticed,
        REASONS[reason] if reason else None,
        PHASES[phase] if phase else None,
        detail,
    )


def _incident(row: Row[Any], members: Sequence[Member]) -> Incident:
    return Incident(
        id=row.id,
        kind=IncidentKind(row.kind),
        cause=row.cause,
        severity=Severity(row.severity),
        state=State(row.state),
        reason=decisions.reason(row),
        phase=decisions.phase(row),
        detail=row.detail,
        last_good=row.last_good,
        since=row.since,
        noticed=row.noticed,
        members=tuple(check for check, _ in members),
        ended=row.ended,
        ending=Ending(row.ending) if row.ending else None,
        problems=tuple(problem for _, problem in members if problem is not None),
        linked=tuple(row.linked),
        group=row.group_id,
        acknowledgement=_acknowledgement(row.acknowledgement),
        public_note=row.public_note and PublicNote(**row.public_note),
        code=row.code,
        version=row.version,
    )


def _acknowledgement(said: dict[str, Any] | None) -> Acknowledgement | None:
    return None if said is None else Acknowledgement(**{**said, "severity": Severity(said["severity"])})


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        channel=row.channel,
        event=Event(row.event),
        created=row.created,
        data=row.data,
        incident=row.incident_id,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        settled=row.settled,
    )
