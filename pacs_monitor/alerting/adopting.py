"""Taking up at the start what went out unrecorded before, so that nothing stays open at a receiver for ever.

An incident that the record does not know is recorded with its notifications under their own ids, and with the
transition that opened it: it goes on as if it had been recorded then, and what may not have been sent is sent (again).
Where the record has another incident open for the same cause, which a run in between has opened, it is withdrawn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ulid import ULID

from pacs_monitor.alerting import message, plain
from pacs_monitor.alerting.cases import TROUBLE
from pacs_monitor.alerting.journal import Journal, Kept
from pacs_monitor.config.estate import Estate
from pacs_monitor.history import History
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import (
    SECOND,
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


async def adopt(journal: Journal, history: History, estate: Estate, restored: Restored, now: Micros) -> Restored:
    """What the history has once it has the journal too; raises HistoryError."""
    kept = await journal.read()
    if not kept:
        return restored
    recorded = await history.read(
        lambda reader: {found.id: found for one in kept for found in reader.incidents(id=one.incident.id)}
    )
    await history.record(entry_of(kept, recorded, restored, estate, now))
    await journal.clear()
    log.warning("%d incidents that had gone out unrecorded are on record now", len(kept))
    return await history.restore()


def entry_of(
    kept: Sequence[Kept], recorded: Mapping[str, Incident], restored: Restored, estate: Estate, now: Micros
) -> Entry:
    """What the history lacks of the journal."""
    scene = message.Scene(estate.monitor.name, estate.monitor, estate.checks, {}, now)
    taken = {(incident.kind, incident.cause) for incident in restored.incidents}
    incidents, owed, transitions = list[Incident](), list[Notification](), list[Transition]()
    for one in kept:
        incident, known = one.incident, recorded.get(one.incident.id)
        notifications = list(one.notifications)
        if known is not None and known.ended is not None:  # by whoever led in between
            incident = known
            sent = _withdrawals(one, now)
            notifications = [replace(past, status=_settled(past.status)) for past in notifications] + list(sent)
        elif known is not None and incident.ended is None:
            incident = known
        elif known is None and incident.ended is None and (incident.kind, incident.cause) in taken:
            incident = incident.changed(ended=now, ending=Ending.WITHDRAWN)
            notifications += _withdrawals(one, now)
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


def _withdrawals(one: Kept, now: Micros) -> Iterator[Notification]:
    for past in one.notifications:
        if past.event is Event.OPENED and past.status in (DeliveryStatus.PENDING, DeliveryStatus.SHADOW):
            identity = str(ULID.from_timestamp(now / SECOND))
            yield replace(past, id=identity, event=Event.WITHDRAWN, created=now)


def _data(incident: Incident, event: Event, scene: message.Scene) -> dict[str, object]:
    """As it was told then: the data is not kept."""
    if event not in (Event.RESOLVED, Event.WITHDRAWN) and incident.ended is not None:
        state = incident.state if incident.state in TROUBLE else State.DOWN
        incident = incident.changed(ended=None, ending=None, state=state)
    try:
        return message.data(incident, event, scene)
    except Exception as error:  # noqa: BLE001 - whatever spoils a page, it is told in plain words
        log.error("a page is told in plain words: %s", type(error).__name__)
        return plain.data(incident, event, scene.name, scene.monitor.url)
