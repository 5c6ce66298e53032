"""Who leads on PostgreSQL: terms, their locks, and what is written under an old one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Self

import psycopg
import pytest

from pacs_monitor.history import FencedError, HeldError, History, HistoryError, Revision, Term
from pacs_monitor.history.engines import migrate, parse
from pacs_monitor.model import DeliveryStatus, Ending, Event, Note, Notified
from pacs_monitor.threads import in_thread
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage
from tests.peers.pgbouncer import pgbouncer
from tests.peers.postgres import Postgres
from tests.support.timing import until, wait_until


@pytest.fixture
def database(postgres: Postgres) -> str:
    return postgres.database()


def a_term(database: str, clock: HandClock) -> Term:
    return Term(parse(database), "east", clock)


def a_leader(database: str, clock: HandClock) -> Term:
    term = a_term(database, clock)
    row, _ = term.look(0.0)
    assert row.free
    assert term.claim(row)
    return term


def end_sessions(database: str) -> None:
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class Watching:
    """Looks at the server's sessions."""

    def __init__(self, database: str) -> None:
        self._admin = psycopg.connect(database.replace("+psycopg", ""), autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._admin.close()

    def waits(self) -> bool:
        """Whether a session waits for a lock."""
        found = self._admin.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        ).fetchone()
        return bool(found and found[0])


async def test_one_of_two_that_claim_the_same_term_is_granted_it(database: str, clock: HandClock) -> None:
    one, two = a_term(database, clock), a_term(database, clock)
    row, _ = one.look(0.0)
    assert row == two.look(0.0)[0]
    assert [one.claim(row), two.claim(row)] == [True, False]
    row, who = two.look(1.0)
    assert (row.term, row.free) == (1, False)
    assert who.startswith("process ")
    assert not two.claim(row)
    one.close()
    await until(lambda: two.look(2.0)[0].free)  # the server ends a session in its own time
    two.close()


def test_a_leader_whose_session_was_lost_takes_its_lock_again(database: str, clock: HandClock) -> None:
    leader, standby = a_leader(database, clock), a_term(database, clock)
    end_sessions(database)
    assert standby.look(0.0)[0].free
    assert leader.beat() is False
    assert not standby.look(0.0)[0].free
    leader.close()
    standby.close()


async def test_a_session_that_hangs_while_it_is_made_is_cut_off(database: str, clock: HandClock) -> None:
    leader = a_leader(database, clock)
    end_sessions(database)
    with psycopg.connect(database.replace("+psycopg", "")) as other, Watching(database) as watching:
        other.execute("SELECT 1 FROM monitors FOR UPDATE")
        beating = asyncio.create_task(in_thread(leader.beat, "beat"))
        await until(watching.waits)
        leader.cut()
        with pytest.raises(HistoryError) as raised:
            await beating
    assert "lock timeout" not in str(raised.value)
    assert leader.beat() is False
    leader.close()


def test_a_leader_is_fenced_by_the_next_term_in_all_that_it_does(database: str, clock: HandClock) -> None:
    leader, standby = a_leader(database, clock), a_term(database, clock)
    row, _ = standby.look(0.0)
    assert standby.claim(row, held=True)
    with pytest.raises(FencedError, match="another daemon of this name is the leader"):
        leader.beat()
    assert leader.fenced
    end_sessions(database)
    with pytest.raises(FencedError):
        leader.beat()
    standby.beat()
    leader.close()
    standby.close()


def test_a_claim_that_the_database_does_not_commit_is_no_term_of_ours(database: str, clock: HandClock) -> None:
    migrate(parse(database))
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no room'; END$$")
        admin.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON monitors DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        term = a_term(database, clock)
        with pytest.raises(HistoryError, match="no room"):
            term.claim(term.look(0.0)[0])
        admin.execute("DROP TRIGGER refuse ON monitors")
    assert term.number is None
    assert term.claim(term.look(1.0)[0])
    assert term.number == 1
    term.close()


async def test_nothing_is_written_under_an_old_term(database: str, clock: HandClock) -> None:
    leader, standby = a_leader(database, clock), a_term(database, clock)
    old = History.open(database, "east", clock, leader)
    await old.adopt([ECHO], Revision("a"))
    row, _ = standby.look(0.0)
    assert standby.claim(row, held=True)
    with pytest.raises(FencedError):
        await old.record(outage(START))
    assert old.trouble is None
    new = History.open(database, "east", clock, standby)
    await new.record(outage(START + 1))
    assert [incident.since for incident in new.reader.incidents()] == [START + 1]
    for history, term in ((old, leader), (new, standby)):
        history.close()
        term.close()


async def test_what_was_to_be_written_under_an_old_term_is_not_written_when_the_same_process_leads_again(
    database: str, clock: HandClock
) -> None:
    process, other = a_leader(database, clock), a_term(database, clock)
    before = History.open(database, "east", clock, process)
    await before.adopt([ECHO], Revision("a"))
    assert other.claim(other.look(0.0)[0], held=True)
    process.close()
    with pytest.raises(FencedError):  # what was left behind in the writer's queue
        await before.record(outage(START))
    assert not process.fenced
    assert process.claim(process.look(0.0)[0], held=True)
    with pytest.raises(FencedError):
        await before.record(outage(START))
    assert not process.fenced
    assert process.beat() is False
    before.close()
    for term in (process, other):
        term.close()


def test_a_leader_that_ended_in_good_order_leaves_the_beat_at_nought(database: str, clock: HandClock) -> None:
    leader, standby = a_leader(database, clock), a_term(database, clock)
    assert standby.look(0.0)[0].beat == 1
    leader.end()
    wait_until(lambda: standby.look(0.0)[0].free, "the server has seen the end of the session")
    assert standby.look(0.0)[0].beat == 0
    standby.close()


def test_a_second_one_that_does_not_stand_by_is_told_who_leads(database: str, clock: HandClock) -> None:
    history = History.open(database, "east", clock)
    with pytest.raises(HeldError, match=r"that already uses .* \(process"):
        History.open(database, "east", clock)
    history.close()
    History.open(database, "east", clock).close()


async def test_what_a_fenced_leader_hands_over_is_adopted_by_one_that_has_not_begun(
    database: str, clock: HandClock
) -> None:
    leader = a_leader(database, clock)
    lost = outage(START)
    leader.hand_over([lost])
    history = History.open(database, "east", clock, leader)
    await history.adopt([ECHO], Revision("a"))
    assert leader.beat() is True
    assert await history.take_orphans(adopt=True) == ()
    assert leader.beat() is False
    restored = await history.restore()
    assert restored.incidents == lost.incidents
    assert [owed.id for owed in restored.pending] == [owed.id for owed in lost.notifications]
    history.close()
    leader.close()


@pytest.mark.parametrize("adopt", [True, False])
async def test_what_is_handed_over_beside_an_open_incident_of_the_same_cause_is_withdrawn(
    database: str, clock: HandClock, adopt: bool
) -> None:
    leader = a_leader(database, clock)
    history = History.open(database, "east", clock, leader)
    await history.adopt([ECHO], Revision("a"))
    await history.record(outage(START))
    theirs = outage(START + 1)
    sent, unsent = theirs.notifications
    seen = replace(sent, status=DeliveryStatus.DELIVERED, attempts=1), unsent
    leader.hand_over([replace(theirs, notifications=seen)])
    (owed,) = await history.take_orphans(adopt=adopt)
    assert (owed.channel, owed.event, owed.incident) == (sent.channel, Event.WITHDRAWN, theirs.incidents[0].id)
    endings = {incident.id: incident.ending for incident in history.reader.incidents()}
    assert endings[theirs.incidents[0].id] is Ending.WITHDRAWN
    assert await history.take_orphans(adopt=adopt) == ()
    history.close()
    leader.close()


async def test_what_is_handed_over_beside_an_open_incident_of_the_same_check_is_withdrawn_by_its_latest_page(
    database: str, clock: HandClock
) -> None:
    leader = a_leader(database, clock)
    history = History.open(database, "east", clock, leader)
    await history.adopt([ECHO], Revision("a"))
    await history.record(outage(START, cause="unreachable:archive"))
    theirs = outage(START + 1, cause="unresponsive:archive@10.0.0.1:104")
    sent, (about,) = theirs.notifications[0], theirs.incidents
    sent = replace(sent, status=DeliveryStatus.DELIVERED, attempts=1)
    told = Notified(about.id, sent.channel, START, sent.id, about.state, about.severity, page=2)
    left = replace(theirs, notifications=(sent,), notified=(told,), notes=(Note("differs", about.id, {"since": 1}),))
    leader.hand_over([left])
    (owed,) = await history.take_orphans(adopt=True)
    assert (owed.incident, owed.event, owed.data["page"]) == (about.id, Event.WITHDRAWN, 2)
    restored = await history.restore()
    assert (len(restored.incidents), restored.notes) == (1, ())
    history.close()
    leader.close()


async def test_what_cannot_be_read_of_what_was_handed_over_is_set_aside(
    database: str, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    leader = a_leader(database, clock)
    history = History.open(database, "east", clock, leader)
    await history.adopt([ECHO], Revision("a"))
    lost = outage(START)
    leader.hand_over([lost])
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "INSERT INTO orphans (monitor_id, at, entry) SELECT monitor_id, at, "
            """'{"incidents": [{"id": "PRIVATE"}]}' FROM orphans"""
        )
        for _ in range(2):
            assert await history.take_orphans(adopt=True) == ()
        (left,) = admin.execute("SELECT entry::text FROM orphans").fetchall()
    assert "PRIVATE" in left[0]
    assert (await history.restore()).incidents == lost.incidents
    (said,) = [record.message for record in caplog.records if "of the table orphans" in record.message]
    assert "delete row" in said
    assert "PRIVATE" not in said
    history.close()
    leader.close()


def test_a_pooler_that_shares_sessions_is_refused(database: str, clock: HandClock, tmp_path: Path) -> None:
    with pgbouncer(database, tmp_path, "transaction") as pooled:
        term = a_term(pooled, clock)
        with pytest.raises(HistoryError, match=r"is a pooler that shares sessions.*give the address of the PostgreSQL"):
            term.look(0.0)
        term.close()


def test_a_pooler_that_gives_each_client_its_own_session_is_fine(
    database: str, clock: HandClock, tmp_path: Path
) -> None:
    with pgbouncer(database, tmp_path, "session") as pooled:
        a_leader(pooled, clock).close()
