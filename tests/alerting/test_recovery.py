"""What the journal kept meets what the record knows: one end for every opened, whoever wrote what."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from pacs_monitor.alerting.journal import Kept
from pacs_monitor.alerting.recovery import OnRecord, entry_of
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import DeliveryStatus, Ending, Entry, Event, Incident, Notification, State
from tests.alerting.support import ARCHIVE, an_estate
from tests.history.things import incident

AT = 1_764_000_000_000_000
NOW = AT + 10**9
NOBODY = Restored({}, (), {}, {}, (), {})
PENDING, DELIVERED, DROPPED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DROPPED
OPEN = incident(AT, id="01JD0000000000000000000001", cause=str(ARCHIVE), members=(ARCHIVE,))
ENDED = OPEN.changed(state=State.UP, ended=AT + 100, ending=Ending.RESOLVED)
OPENED = Notification("01JD0000000000000000000777", "hook", Event.OPENED, AT, {}, OPEN.id)
RESOLVED = replace(OPENED, id="01JD0000000000000000000888", event=Event.RESOLVED)


def adopted(
    kept: Kept, known: Incident | None, ids: Set[str] = frozenset(), open_now: tuple[Incident, ...] = ()
) -> Entry:
    recorded = OnRecord({} if known is None else {known.id: known}, ids)
    return entry_of([kept], recorded, replace(NOBODY, incidents=open_now), an_estate(), NOW)


def sent(entry: Entry) -> list[tuple[Event, DeliveryStatus]]:
    return [(owed.event, owed.status) for owed in entry.notifications]


def test_what_the_record_has_ended_is_ended_once() -> None:
    entry = adopted(Kept(ENDED, (OPENED, RESOLVED)), ENDED, {OPENED.id, RESOLVED.id})
    assert sent(entry) == []


def test_an_opened_that_who_ended_the_incident_did_not_know_is_withdrawn() -> None:
    entry = adopted(Kept(OPEN, (OPENED,)), ENDED)
    assert sent(entry) == [(Event.OPENED, DROPPED), (Event.WITHDRAWN, PENDING)]
    assert entry.incidents == (ENDED,)


def test_an_end_of_an_earlier_run_does_not_end_what_another_run_has_gone_on_with() -> None:
    went_on = replace(OPEN, version=ENDED.version + 1)
    entry = adopted(Kept(ENDED, (OPENED, RESOLVED)), went_on, {OPENED.id})
    assert sent(entry) == [(Event.OPENED, PENDING), (Event.RESOLVED, DROPPED)]
    assert entry.incidents == (went_on,)


def test_an_end_that_the_record_has_not_heard_of_is_recorded_and_sent() -> None:
    entry = adopted(Kept(ENDED, (RESOLVED,)), OPEN, {OPENED.id})
    assert sent(entry) == [(Event.RESOLVED, PENDING)]
    assert entry.incidents == (ENDED,)


def test_what_was_delivered_of_an_incident_whose_cause_is_taken_is_withdrawn_too() -> None:
    other = replace(OPEN, id="01JD0000000000000000000002")
    entry = adopted(Kept(OPEN, (replace(OPENED, status=DELIVERED),)), None, open_now=(other,))
    assert sent(entry) == [(Event.OPENED, DELIVERED), (Event.WITHDRAWN, PENDING)]
