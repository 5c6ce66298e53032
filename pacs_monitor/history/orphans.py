"""What a fenced leader could not record: handed over as JSON, and adopted or withdrawn by the leader of now.

An incident is adopted when the new leader takes them up before it restores, and none is open for the same cause: it
goes on under its own key. Any other one is ended wherever its `opened` may have gone, so that no receiver keeps a page
open that nobody would ever end; what may have gone is sent again before, so that it is never taken after its end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache, partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_

from pacs_monitor.ends import ended
from pacs_monitor.history import tables as t
from pacs_monitor.history.first_form import notified_of, suppressed_of
from pacs_monitor.history.records import RecordWriter
from pacs_monitor.model import (
    ENDINGS,
    CheckId,
    DeliveryStatus,
    Ending,
    Entry,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    Transition,
)

log = logging.getLogger(__name__)


@cache
def _entries() -> TypeAdapter[Entry]:
    """Made when it is first needed: whoever reads the record needs none."""
    return TypeAdapter(Entry)


def hand_over(connection: Connection, monitor: str, entries: Sequence[Entry], now: Micros) -> None:
    """Leave these to whoever leads now."""
    number = connection.scalar(select(t.monitors.c.id).where(t.monitors.c.name == monitor))
    dumped = [_entries().dump_python(entry, mode="json") for entry in entries]
    rows = [{"monitor_id": number, "at": now, "entry": entry} for entry in dumped]
    if rows:
        connection.execute(insert(t.orphans), rows)


class Orphans:
    """Takes up what was handed over, in the writer's transaction."""

    def __init__(self, monitor: int, ledger: RecordWriter) -> None:
        self._monitor, self._ledger = monitor, ledger
        self._set_aside: set[int] = set()
        """Rows that cannot be read; they stay where they are, for people."""

    def take(self, connection: Connection, now: Micros, *, adopt: bool) -> tuple[Notification, ...]:
        """The ends that are owed from now on; `adopt` is for a leader that has not restored yet."""
        waiting = connection.execute(
            select(t.orphans).where(t.orphans.c.monitor_id == self._monitor).order_by(t.orphans.c.id)
        ).all()
        read = {row.id: entry for row in waiting if (entry := self._read(row)) is not None}
        if not read:
            return ()
        entry = _together(list(read.values()))
        entry = replace(entry, transitions=self._later(connection, entry.transitions))
        strangers = {i.id for i in entry.incidents if not adopt or self._is_over(connection, i)}
        goes_on = select(t.incidents.c.id).where(t.incidents.c.id.in_(strangers), t.incidents.c.ended.is_(None))
        gone = strangers - set(connection.scalars(goes_on))
        if adopt:
            adopted = _without(entry, strangers)
            self._ledger.record(connection, replace(adopted, notifications=self._due(connection, adopted)))
        ends = _ends(self._unrecorded(connection, entry), gone, now)
        self._ledger.record(connection, ends)
        connection.execute(delete(t.orphans).where(t.orphans.c.id.in_(read)))
        return tuple(owed for owed in ends.notifications if owed.status is DeliveryStatus.PENDING)

    def _read(self, row: Row[Any]) -> Entry | None:
        """None for one that cannot be read: it costs none of the others."""
        try:
            return _entry(row.entry)
        except ValidationError as error:
            if row.id not in self._set_aside:
                self._set_aside.add(row.id)
                where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
                log.error(
                    "delete row %d of the table orphans after closing its pages by hand at their receivers: it was "
                    "left "
                    "by a former leader and cannot be read (%s)",
                    row.id,
                    where or "it is not an entry",
                )
            return None

    def _is_over(self, connection: Connection, incident: Incident) -> bool:
        """Whether the record has ended it, or has another one open for its cause or for a check of it."""
        of = t.incidents.c
        ours = select(of.id).where(of.monitor_id == self._monitor, of.kind == incident.kind, of.ended.is_(None))
        others = set(connection.scalars(ours.where(of.cause == incident.cause)))
        if incident.kind is IncidentKind.NODE:
            gone = {problem.check for problem in incident.problems if problem.left is not None}
            checks = [(check.node, check.check) for check in incident.members if check not in gone]
            known = tuple_(t.checks.c.node, t.checks.c.name).in_(checks) & (t.checks.c.monitor_id == self._monitor)
            members = select(t.members.c.incident_id).where(
                t.members.c.check_id.in_(select(t.checks.c.id).where(known)), t.members.c.left_at.is_(None)
            )
            others |= set(connection.scalars(ours.where(of.id.in_(members))))
        ended = select(of.id).where(of.id == incident.id, of.ended.is_not(None))
        return bool(others - {incident.id}) or connection.scalar(ended) is not None

    def _due(self, connection: Connection, entry: Entry) -> tuple[Notification, ...]:
        """Without the ends of what another leader has gone on with since."""
        of = t.incidents.c
        known = select(of.id, of.version).where(of.id.in_([i.id for i in entry.incidents]), of.ended.is_(None))
        versions = {row.id: row.version for row in connection.execute(known)}
        goes_on = {i.id for i in entry.incidents if versions.get(i.id, 0) >= i.version}
        return tuple(o for o in entry.notifications if o.event not in ENDINGS or o.incident not in goes_on)

    def _unrecorded(self, connection: Connection, entry: Entry) -> Entry:
        """Without the notifications that are on record: who ended their incident owed them their end."""
        of = t.notifications.c
        known = select(of.id).where(of.id.in_([owed.id for owed in entry.notifications]))
        recorded = set(connection.scalars(known))
        return replace(entry, notifications=tuple(o for o in entry.notifications if o.id not in recorded))

    def _later(self, connection: Connection, transitions: Sequence[Transition]) -> tuple[Transition, ...]:
        """Those that are later than what the record knows of their check."""
        of = t.checks.c
        latest = select(of.node, of.name, func.max(t.transitions.c.since).label("since")).join_from(
            t.checks, t.transitions
        )
        rows = connection.execute(latest.where(of.monitor_id == self._monitor).group_by(of.node, of.name))
        known = {CheckId(row.node, row.name): row.since for row in rows}
        return tuple(one for one in transitions if one.since > known.get(one.check, one.since - 1))


def _entry(left: Any) -> Entry:
    """What was left, by whatever version; raises ValidationError."""
    if not isinstance(left, dict) or "notified" in left:
        return _entries().validate_python(left)
    entry = _entries().validate_python({**left, "suppressed": suppressed_of(left.get("withheld", ()))})
    notified = (
        sent
        for incident in entry.incidents
        if incident.ended is None
        for sent in notified_of(incident, (owed for owed in entry.notifications if owed.incident == incident.id))
    )
    return replace(entry, notified=tuple(notified))


def _together(entries: Sequence[Entry]) -> Entry:
    """All of them as one, each incident as it was last."""
    return Entry(
        tuple(transition for entry in entries for transition in entry.transitions),
        tuple({incident.id: incident for entry in entries for incident in entry.incidents}.values()),
        _once(owed for entry in entries for owed in entry.notifications),
        tuple(row for entry in entries for row in entry.suppressed),
        tuple(sent for entry in entries for sent in entry.notified),
        tuple(event for entry in entries for event in entry.events),
        tuple(span for entry in entries for span in entry.unreachable),
        tuple(note for entry in entries for note in entry.notes),
        tuple(span for entry in entries for span in entry.maintained),
    )


def _once(notifications: Iterable[Notification]) -> tuple[Notification, ...]:
    """Each of them once: an entry was handed over twice where the first time was not confirmed."""
    once: dict[str, Notification] = {}
    for owed in notifications:
        if owed.id not in once or once[owed.id].status is DeliveryStatus.PENDING:
            once[owed.id] = owed
    return tuple(once.values())


def _without(entry: Entry, strangers: Set[str]) -> Entry:
    """Nothing of these incidents."""
    return replace(
        entry,
        incidents=tuple(incident for incident in entry.incidents if incident.id not in strangers),
        notifications=tuple(owed for owed in entry.notifications if owed.incident not in strangers),
        suppressed=tuple(row for row in entry.suppressed if row.incident not in strangers),
        notified=tuple(sent for sent in entry.notified if sent.incident not in strangers),
        notes=tuple(note for note in entry.notes if note.key not in strangers),
    )


def _ends(entry: Entry, gone: Set[str], now: Micros) -> Entry:
    """The ends of these incidents, for every channel that may have taken their opened."""
    incidents = [incident for incident in entry.incidents if incident.id in gone]
    owed: list[Notification] = []
    for identity in gone:
        past = [one for one in entry.notifications if one.incident == identity]
        sent = {one.channel: one for one in entry.notified if one.incident == identity}
        owed += ended(past, sent.values(), partial(_withdrawn, pages={c: one.page for c, one in sent.items()}, now=now))
    return Entry(
        incidents=tuple(i if i.ended else i.changed(ended=now, ending=Ending.WITHDRAWN) for i in incidents),
        notifications=tuple(owed),
    )


def _withdrawn(opened: Notification, identity: str, *, pages: Mapping[str, int], now: Micros) -> Notification:
    shadow = opened.status is DeliveryStatus.SHADOW
    return Notification(
        identity,
        opened.channel,
        Event.WITHDRAWN,
        now,
        _words(opened, pages.get(opened.channel, 1)),
        opened.incident,
        DeliveryStatus.SHADOW if shadow else DeliveryStatus.PENDING,
    )


def _words(opened: Notification, page: int) -> dict[str, Any]:
    said = (
        f"{opened.data.get('title', '')}: withdrawn, because another daemon is the leader now and reports what still "
        "fails"
    )
    return {**opened.data, "summary": said, "next_step": "", "page": page}
