"""Names of people become roles in time; all else that is on record stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from pacs_monitor.history import History, Revision, audited
from pacs_monitor.history import people as names
from pacs_monitor.history.audit import REFUSED_KEPT, AuditEntry
from pacs_monitor.history.columns import metadata
from pacs_monitor.history.engines import parse, writing
from pacs_monitor.history.people import AT_A_TIME, DOCUMENTED, NAMED, ROLE, without_names
from pacs_monitor.history.tables import events, revisions
from pacs_monitor.model import SECOND, Acknowledgement, Entry, Recorded, Severity
from tests.history.conftest import START, HandClock
from tests.history.things import ECHO, outage

DAY = 86_400.0
KEPT = round(400 * DAY * SECOND)


def entry(at: int, status: int = 200, by: str = "Ada Lovelace") -> AuditEntry:
    return AuditEntry(f"{at}-{status}", at, by, "ada", "operator", "10.0.0.5", "POST /api/v1/pause", status)


async def test_names_become_roles_and_what_was_done_stays(history: History, clock: HandClock, url: str) -> None:
    await history.adopt([ECHO], Revision("abc", "ada, at the start", "+ archive"))
    opened = outage(START)
    (incident,) = opened.incidents
    said = Acknowledgement("Ada Lovelace", "by Ada, the vendor comes", START, START + 10, Severity.CRITICAL)
    acknowledged = incident.changed(acknowledgement=said, ended=START + 20)
    word = {"incident": incident.id, "by": "Ada Lovelace", "why": "vendor called"}
    await history.record(opened)
    await history.record(Entry(incidents=(acknowledged,), events=(Recorded("1", START, "acknowledge", word),)))
    await history.record_audit([entry(START)])
    clock.move(401 * DAY)
    await history.adopt([ECHO], Revision("def", "grace, at the start", ""))
    later = Recorded("2", clock.now(), "acknowledge", word | {"by": "Grace Hopper"})
    await history.record(Entry(events=(later,)))
    await history.record_audit([entry(clock.now(), by="Grace Hopper")])
    await history.forget_people(KEPT)

    reader = history.reader
    with reader.connected() as connection:
        who = connection.scalars(select(revisions.c.who).order_by(revisions.c.at)).all()
    assert who == [ROLE, "grace, at the start"]
    young, old = audited(reader, 10)
    assert (young.by, young.token, young.address) == ("Grace Hopper", "ada", "10.0.0.5")
    assert (old.by, old.token, old.role, old.address, old.action) == (ROLE, "", "operator", "", "POST /api/v1/pause")
    (found,) = reader.incidents()
    assert found.acknowledgement == Acknowledgement(ROLE, said.why, START, START + 10, Severity.CRITICAL)
    assert [event.data["by"] for event in reader.events()] == [ROLE, "Grace Hopper"]
    assert [dict(event.data) | {"by": ""} for event in reader.events()] == [word | {"by": ""}] * 2
    everything = dump(url)
    assert "Lovelace" not in everything
    await history.forget_people(KEPT)
    assert dump(url) == everything


def dump(url: str) -> str:
    engine = writing(parse(url))
    with engine.connect() as connection:
        skipped = {"coverage", "monitors"}
        tables = [table for name, table in sorted(metadata.tables.items()) if name not in skipped]
        rows = [connection.execute(text(f'SELECT * FROM "{table.name}" ORDER BY 1')).all() for table in tables]
    engine.dispose()
    return repr(rows)


async def test_an_acknowledgement_of_an_open_incident_keeps_its_name(history: History, clock: HandClock) -> None:
    opened = outage(START)
    said = Acknowledgement("Ada", "", START, START + 10, Severity.CRITICAL)
    await history.record(Entry(incidents=(opened.incidents[0].changed(acknowledgement=said),)))
    clock.move(500 * DAY)
    await history.forget_people(KEPT)
    (found,) = history.reader.incidents()
    assert found.acknowledgement == said


async def test_refused_requests_go_earlier_than_what_was_done(history: History, clock: HandClock) -> None:
    await history.record_audit([entry(START), entry(START, 403), entry(START + REFUSED_KEPT, 401)])
    clock.move(REFUSED_KEPT / SECOND + 1)
    await history.forget_people(KEPT)
    assert [found.status for found in audited(history.reader, 10)] == [401, 200]


async def test_writing_an_entry_twice_is_the_same_as_once(history: History) -> None:
    await history.record_audit([entry(START)])
    await history.record_audit([entry(START), entry(START + 1)])
    assert [found.at for found in audited(history.reader, 10)] == [START + 1, START]


async def test_years_of_words_are_rewritten_some_at_a_time(history: History, clock: HandClock, url: str) -> None:
    count = 2 * AT_A_TIME + 3
    engine = writing(parse(url))
    with engine.begin() as connection:
        monitor = connection.scalar(text("SELECT id FROM monitors"))
        row = {"monitor_id": monitor, "at": START, "kind": "acknowledge", "data": {"by": "Ada"}}
        connection.execute(insert(events), [row | {"id": str(n)} for n in range(count)])
    clock.move(401 * DAY)
    await history.forget_people(KEPT)
    with engine.connect() as connection:
        assert {data["by"] for (data,) in connection.execute(select(events.c.data))} == {ROLE}
    engine.dispose()


@pytest.mark.parametrize("table", [one.table.name for one in (*NAMED, *DOCUMENTED)])
def test_every_table_that_names_people_belongs_to_a_monitor(table: str) -> None:
    assert "monitor_id" in metadata.tables[table].c


def test_every_column_that_names_people_has_its_line() -> None:
    known = {(one.table.name, one.column) for one in NAMED}
    known |= {("reports", "by"), ("report_words", "by")}  # who signed stays on record with what was signed
    columns = {(table.name, column.name) for table in metadata.tables.values() for column in table.c}
    assert {(table, column) for table, column in columns if column in ("who", "by")} <= known


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["by", "why", "acknowledged", "text"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(documents)
def test_a_document_without_names_has_the_same_form_and_no_name(document: Any) -> None:
    once = without_names(document)
    assert without_names(once) == once
    assert shape(once) == shape(document)
    assert set(names._names(once)) <= {ROLE}


def shape(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    return [shape(value) for value in document] if isinstance(document, list) else type(document)


def test_a_sentence_of_a_page_that_names_somebody_names_the_role() -> None:
    page = {
        "summary": "Archive down; acknowledged by Ada until 10:00: by bus",
        "acknowledged": {"by": "Ada", "why": ""},
    }
    assert without_names(page) == {
        "summary": f"Archive down; acknowledged by {ROLE} until 10:00: by bus",
        "acknowledged": {"by": ROLE, "why": ""},
    }
