"""What the journal kept meets what the record knows: one end for every opened, whoever wrote what."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from pacs_monitor.alerting.journal import Kept
from pacs_monitor.alerting.recovery import OnRecord, entry_of
from pacs_monitor.history.restored import Restored
from pacs_monitor.model import (
    DeliveryStatus,
    Ending,
    Entry,
    Event,
    Incident,
    Notification,
    Notified,
    Problem,
    Standing,
    State,
)
from tests.alerting.support import ARCHIVE, DISK, RIS, an_estate
from tests.history.things import incident

AT = 1_764_000_000_000_000
NOW = AT + 10**9
NOBODY = Restored(standings={}, incidents=(), notified={}, suppressed={}, pending=(), memory={})
PENDING, DELIVERED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED
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


def test_an_opened_that_who_ended_the_incident_did_not_know_is_sent_again_and_withdrawn() -> None:
    entry = adopted(Kept(OPEN, (OPENED,)), ENDED)
    assert sent(entry) == [(Event.OPENED, PENDING), (Event.WITHDRAWN, PENDING)]
    assert entry.notifications[0].id == OPENED.id
    assert entry.incidents == (ENDED,)
    again = adopted(Kept(OPEN, (OPENED,)), ENDED)
    assert [owed.id for owed in again.notifications] == [owed.id for owed in entry.notifications]


def test_an_end_of_an_earlier_run_does_not_end_what_another_run_has_gone_on_with() -> None:
    went_on = replace(OPEN, version=ENDED.version + 1)
    entry = adopted(Kept(ENDED, (OPENED, RESOLVED)), went_on, {OPENED.id})
    assert sent(entry) == [(Event.OPENED, PENDING)]
    assert entry.incidents == (went_on,)


def test_an_end_that_the_record_has_not_heard_of_is_recorded_and_sent() -> None:
    entry = adopted(Kept(ENDED, (RESOLVED,)), OPEN, {OPENED.id})
    assert sent(entry) == [(Event.RESOLVED, PENDING)]
    assert entry.incidents == (ENDED,)


def test_what_was_delivered_of_an_incident_whose_cause_is_taken_is_withdrawn_too() -> None:
    other = replace(OPEN, id="01JD0000000000000000000002")
    entry = adopted(Kept(OPEN, (replace(OPENED, status=DELIVERED),)), None, open_now=(other,))
    assert sent(entry) == [(Event.OPENED, DELIVERED), (Event.WITHDRAWN, PENDING)]


PROBLEM = Problem(
    *(ARCHIVE, State.DOWN, OPEN.severity, OPEN.reason, OPEN.phase, "refused"),
    *(OPEN.last_good, OPEN.since, OPEN.noticed, OPEN.noticed + 60),
)
GHOST = replace(OPEN, cause="unreachable:archive", problems=(PROBLEM,))
TOLD = Notified(GHOST.id, "hook", AT, OPENED.id, State.DOWN, OPEN.severity, page=3)


def test_what_goes_on_keeps_the_memory_of_its_channels() -> None:
    entry = adopted(Kept(GHOST, (OPENED,), (TOLD,)), None)
    assert (entry.incidents, entry.notified) == ((GHOST,), (TOLD,))
    assert [owed.data["page"] for owed in entry.notifications] == [1]
    assert adopted(Kept(ENDED, (OPENED, RESOLVED), (TOLD,)), None).notified == ()


def test_the_end_of_a_ghost_speaks_of_its_latest_page() -> None:
    entry = adopted(Kept(GHOST, (OPENED,), (TOLD,)), ENDED)
    pages = {owed.event: owed.data["page"] for owed in entry.notifications}
    assert pages == {Event.OPENED: 1, Event.WITHDRAWN: 3}


def test_an_incident_whose_check_is_in_another_open_one_is_withdrawn() -> None:
    other = replace(GHOST, id="01JD0000000000000000000002", cause="full:archive")
    entry = adopted(Kept(OPEN, (OPENED,)), None, open_now=(other,))
    assert sent(entry) == [(Event.OPENED, PENDING), (Event.WITHDRAWN, PENDING)]
    good_again = replace(other, problems=(replace(PROBLEM, left=AT),))
    entry = adopted(Kept(OPEN, (OPENED,)), None, open_now=(good_again,))
    assert sent(entry) == [(Event.OPENED, PENDING)]


def test_each_member_in_trouble_has_its_transition_in_the_ledger() -> None:
    check = replace(PROBLEM, check=DISK, state=State.DEGRADED, since=AT + 5)
    gone = replace(PROBLEM, check=RIS, left=AT + 9)
    about = replace(GHOST, members=(ARCHIVE, DISK, RIS), problems=(PROBLEM, check, gone))
    up = dict.fromkeys((ARCHIVE, DISK, RIS), Standing(State.UP, AT - 100))
    entry = entry_of(
        [Kept(about, (OPENED,))], OnRecord({}, frozenset()), replace(NOBODY, standings=up), an_estate(), NOW
    )
    moves = [(one.check, one.before, one.after, one.since) for one in entry.transitions]
    assert moves == [(ARCHIVE, State.UP, State.DOWN, AT), (DISK, State.UP, State.DEGRADED, AT + 5)]
