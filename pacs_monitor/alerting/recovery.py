"""Taking up at the start what went out unrecorded before, so that nothing stays open at a receiver for ever.

An incident that the record does not know is recorded with its notifications under their own ids, and with the
transition that opened it: it goes on as if it had been recorded then, and what may not have been sent is sent (again).
Where the record has another incident open for the same cause, which a run in between has opened, it is withdrawn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from ulid import ULID

from pacs_monitor.alerting.journal import Journal, Kept
from pacs_monitor.config.estate import Estate
from pacs_monitor.format.human import pluralized
from pacs_monitor.history import History, HistoryReader
from pacs_monitor.history.restored import Restored
from pacs_monitor.messages import fallback, page
from pacs_monitor.model import (
    SECOND,
    TROUBLE,
    DeliveryStatus,
    Ending,
    Entry,
    Event,
    Incident,
    IncidentKind,
    Micros,
    Notification,
    State,
    Transition,
)

log = logging.getLogger(__name__)
ENDINGS = (Event.RESOLVED, Event.WITHDRAWN)


async def recover(journal: Journal, history: History, estate: Estate, restored: Restored, now: Micros) -> Restored:
    """What the history has once it has the journal too; raises HistoryError."""
    kept = await journal.read()
    if not kept:
        return restored
    recorded = await history.read(lambda reader: _on_record(reader, kept))
    await history.record(entry_of(kept, recorded, restored, estate, now))
    await journal.clear()
    log.warning("now recorded: %s whose notifications were sent unrecorded", pluralized(len(kept), "incident"))
    return await history.restore()


async def recover_as_standby(journal: Journal, estate: Estate, now: Micros) -> tuple[Entry, ...]:
    """What this machine's journal kept, as entries to hand over: another daemon may lead. Whatever was opened may have
    been taken.
    """
    scene = page.Scene(estate.monitor.name, estate.monitor, estate.checks, {}, now)
    return tuple(
        Entry(
            incidents=(one.incident,),
            notifications=tuple(
                replace(past, data=_data(one.incident, past.event, scene), attempts=max(1, past.attempts))
                for past in one.notifications
            ),
        )
        for one in await journal.read()
    )


class OnRecord(NamedTuple):
    """What the history knows of the journal's incidents."""

    incidents: Mapping[str, Incident]
    notifications: Set[str]
    """Their ids."""


def _on_record(reader: HistoryReader, kept: Sequence[Kept]) -> OnRecord:
    found = [incident for one in kept for incident in reader.incidents(id=one.incident.id)]
    owed = reader.notifications(incidents=[incident.id for incident in found])
    return OnRecord({incident.id: incident for incident in found}, {one.id for one in owed})


def entry_of(kept: Sequence[Kept], recorded: OnRecord, restored: Restored, estate: Estate, now: Micros) -> Entry:
    """What the history lacks of the journal."""
    scene = page.Scene(estate.monitor.name, estate.monitor, estate.checks, {}, now)
    taken = {(incident.kind, incident.cause) for incident in restored.incidents}
    incidents, owed, transitions = list[Incident](), list[Notification](), list[Transition]()
    for one in kept:
        incident, known = one.incident, recorded.incidents.get(one.incident.id)
        notifications = list(one.notifications)
        if known is not None and known.ended is not None:  # who recorded the end owed it to all openings on record
            incident = known
            unknown = [past for past in notifications if past.id not in recorded.notifications]
            notifications = [replace(past, status=_settled(past.status)) for past in unknown]
            notifications += _withdrawals(unknown, now)
        elif known is not None and (incident.ended is None or known.version >= incident.version):
            incident = known  # it goes on, whatever an earlier run had meant to send of an end
            notifications = [_without_end(past) for past in notifications]
        elif known is None and incident.ended is None and (incident.kind, incident.cause) in taken:
            incident = incident.changed(ended=now, ending=Ending.WITHDRAWN)
            notifications += _withdrawals(notifications, now)
        elif known is None and incident.ended is None:
            taken.add((incident.kind, incident.cause))
            transitions += _transition(incident, restored)
        incidents.append(incident)
        owed += [replace(past, data=_data(incident, past.event, scene)) for past in notifications]
    return Entry(tuple(transitions), tuple(incidents), tuple(owed))


def _transition(incident: Incident, restored: Restored) -> Iterator[Transition]:
    """That which opened it, unless the ledger has a later one."""
    if incident.kind is not IncidentKind.NODE:
        return
    (check,) = incident.members
    standing = restored.standings.get(check)
    if standing is None or standing.state is incident.state or standing.since >= incident.since:
        return
    yield Transition(
        check,
        standing.state,
        incident.state,
        incident.last_good,
        incident.since,
        incident.noticed,
        incident.reason,
        incident.phase,
        incident.detail,
    )


def _settled(status: DeliveryStatus) -> DeliveryStatus:
    return DeliveryStatus.DROPPED if status is DeliveryStatus.PENDING else status


def _without_end(owed: Notification) -> Notification:
    return replace(owed, status=_settled(owed.status)) if owed.event in ENDINGS else owed


def _withdrawals(notifications: Sequence[Notification], now: Micros) -> list[Notification]:
    """The ends of whatever was opened, or may still be."""
    shadow, pending = DeliveryStatus.SHADOW, DeliveryStatus.PENDING
    return [
        replace(
            opened,
            id=str(ULID.from_timestamp(now / SECOND)),
            event=Event.WITHDRAWN,
            created=now,
            status=shadow if opened.status is shadow else pending,
        )
        for opened in notifications
        if opened.event is Event.OPENED and opened.status in (shadow, pending, DeliveryStatus.DELIVERED)
    ]


def _data(incident: Incident, event: Event, scene: page.Scene) -> dict[str, object]:
    """As it was notified then: the data is not kept."""
    if event not in ENDINGS and incident.ended is not None:
        state = incident.state if incident.state in TROUBLE else State.DOWN
        incident = incident.changed(ended=None, ending=None, state=state)
    try:
        return page.data(incident, event, scene)
    except Exception as error:  # noqa: BLE001 - whatever spoils a page, it is sent in plain words
        log.error("a page is sent in plain text, because its full text failed to render: %s", type(error).__name__)
        return fallback.data(incident, event, scene.name, scene.monitor.url)
