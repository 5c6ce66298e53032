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

from pacs_monitor.alerting import codes
from pacs_monitor.alerting.journal import Journal, Kept
from pacs_monitor.alerting.restart import with_problems
from pacs_monitor.config.estate import Estate
from pacs_monitor.ends import ended
from pacs_monitor.format.human import pluralized
from pacs_monitor.history import History, HistoryReader
from pacs_monitor.history.restored import Restored
from pacs_monitor.language import speaking
from pacs_monitor.messages import fallback, page
from pacs_monitor.messages.scene import Scene
from pacs_monitor.messages.words import voice
from pacs_monitor.model import (
    ENDINGS,
    TROUBLE,
    Channel,
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
    scene = Scene(estate.monitor.name, estate.monitor, estate.checks, {}, now)
    return tuple(
        Entry(
            incidents=(one.incident,),
            notifications=tuple(
                replace(_may_be_sent(past), data=_data(one, past, scene, estate.channels.get(past.channel)))
                for past in one.notifications
            ),
            notified=one.notified,
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
    scene = Scene(estate.monitor.name, estate.monitor, estate.checks, {}, now)
    taken = {what for incident in restored.incidents for what in _about(incident)}
    found, transitions = list[Kept](), list[Transition]()
    for one in kept:
        incident, known = one.incident, recorded.incidents.get(one.incident.id)
        notifications = list(one.notifications)
        if known is not None and known.ended is not None:  # who recorded the end owed it to all openings on record
            incident = known
            unknown = [past for past in notifications if past.id not in recorded.notifications]
            notifications = _ended(one._replace(notifications=tuple(unknown)), now)
        elif known is not None and (incident.ended is None or known.version >= incident.version):
            incident = known  # it goes on, whatever an earlier run had meant to send of an end
            notifications = [past for past in notifications if past.event not in ENDINGS]
        elif known is None and incident.ended is None and not taken.isdisjoint(_about(incident)):
            incident = incident.changed(ended=now, ending=Ending.WITHDRAWN)
            notifications = _ended(one, now)
        elif known is None and incident.ended is None:
            taken |= _about(incident)
            transitions += _transitions(incident, restored, estate)
        found.append(Kept(incident, tuple(notifications), one.notified))
    return Entry(
        tuple(transitions),
        tuple(one.incident for one in found),
        tuple(
            replace(past, data=_data(one, past, scene, estate.channels.get(past.channel)))
            for one in found
            for past in one.notifications
        ),
        notified=tuple(sent for one in found if one.incident.ended is None for sent in one.notified),
    )


def _about(incident: Incident) -> set[tuple[str, str]]:
    """What one open incident alone may be about: its cause, and checks in trouble."""
    gone = {problem.check for problem in incident.problems if not problem.is_active}
    checks = incident.members if incident.kind is IncidentKind.NODE else ()
    return {(incident.kind, incident.cause), *checks} - gone


def _transitions(incident: Incident, restored: Restored, estate: Estate) -> Iterator[Transition]:
    """Those that its members made, unless the ledger has later ones."""
    for problem in with_problems(incident, estate.checks).active:
        standing = restored.standings.get(problem.check)
        if (
            standing is None
            or standing.state is problem.state
            or problem.state is State.UP
            or standing.since >= problem.since
        ):
            continue
        yield Transition(
            problem.check,
            standing.state,
            problem.state,
            problem.last_good,
            problem.since,
            problem.noticed,
            problem.reason,
            problem.phase,
            problem.detail,
        )


def _ended(kept: Kept, now: Micros) -> list[Notification]:
    """What ends it wherever its opened may be taken."""
    return ended(
        [_may_be_sent(past) for past in kept.notifications],
        kept.notified,
        lambda opened, identity: replace(
            opened,
            id=identity,
            event=Event.WITHDRAWN,
            created=now,
            status=opened.status if opened.status is DeliveryStatus.SHADOW else DeliveryStatus.PENDING,
            attempts=0,
        ),
    )


def _may_be_sent(past: Notification) -> Notification:
    """Nobody knows how often it was tried."""
    return replace(past, attempts=max(1, past.attempts))


def _data(one: Kept, past: Notification, scene: Scene, channel: Channel | None) -> dict[str, object]:
    """As it was notified then: the data is not kept."""
    incident = one.incident
    if past.event not in ENDINGS and incident.ended is not None:
        state = incident.state if incident.state in TROUBLE else State.DOWN
        incident = incident.changed(ended=None, ending=None, state=state)
    pages = {sent.channel: sent.page for sent in one.notified}
    number = 1 if past.opens else pages.get(past.channel, 1)
    try:
        with speaking(scene.monitor.language):
            data = page.data(incident, past.event, scene)
    except Exception as error:  # noqa: BLE001 - whatever spoils a page, it is sent in plain words
        log.error("a page is sent in plain text, because its full text failed to render: %s", type(error).__name__)
        data = fallback.data(incident, past.event, scene.name, scene.monitor.url)
    first = {"first": True} if past.event is Event.ESCALATED and past.opens else {}
    code = codes.on_page(incident, channel)
    return {**data, **voice(scene.monitor), "page": number, "worse": False} | first | code
