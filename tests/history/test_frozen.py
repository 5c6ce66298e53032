"""Frozen reports on both databases: kept once, whole, and never changed."""

from __future__ import annotations

import pytest
from ulid import ULID

from pacs_monitor.history import AuditEntry, Frozen, History, HistoryReader, Said, audited
from pacs_monitor.history.frozen import Kind, MissingError, TakenError, beside, digest, document, freeze, frozen
from tests.history.conftest import HandClock, Opener

CONTENTS = {"data": b'{"a":1}', "html": b"<html>\xc3\xa4</html>", "pdf": bytes(range(256)) * 100}


def report(at: int, revision: int = 1, by: str = "Ada") -> Frozen:
    configurations = ({"hash": "abc", "since": "2026-07-01", "sha256": None},)
    return Frozen(
        "2026-Q3", revision, at, by, "why", "1.0", digest(CONTENTS["data"]), configurations, ({"name": "SLA"},)
    )


async def test_a_report_is_kept_with_its_documents_over_a_restart(reopen: Opener, clock: HandClock) -> None:
    history = reopen()
    kept = report(clock.now())
    await history.freeze(kept, CONTENTS)
    await history.freeze(kept, CONTENTS)  # a write that was not waited for comes again
    reader = reopen().reader
    (found,) = frozen(reader)
    assert (found.number, found.by, found.outcome, found.configurations) == (
        "2026-Q3/1",
        "Ada",
        kept.outcome,
        kept.configurations,
    )
    assert found.hashes == {form: digest(content) for form, content in CONTENTS.items()}
    assert {form: document(reader, "2026-Q3/1", form) for form in CONTENTS} == CONTENTS
    assert document(reader, "2026-Q3/1", "csv") is None
    assert document(reader, "2026-Q3/one", "html") is None
    assert frozen(reader, "2026-Q4") == ()


async def test_two_cannot_freeze_the_same_revision(history: History, clock: HandClock) -> None:
    await history.freeze(report(clock.now()), CONTENTS)
    with pytest.raises(TakenError, match="try again"):
        await history.freeze(report(clock.now() + 1, by="Eve"), CONTENTS)
    await history.freeze(report(clock.now() + 2, 2), CONTENTS)
    assert [one.number for one in frozen(history.reader)] == ["2026-Q3/2", "2026-Q3/1"]
    assert history.trouble is None


async def test_what_is_said_is_kept_once_and_only_of_what_is_there(history: History, clock: HandClock) -> None:
    await history.freeze(report(clock.now()), CONTENTS)
    said = Said(str(ULID()), clock.now(), Kind.ACTION, "Ada", "second power supply", {"owner": "IT"})
    await history.say_of_report("2026-Q3/1", said)
    await history.say_of_report("2026-Q3/1", said)
    with pytest.raises(MissingError):
        await history.say_of_report("2026-Q3/2", said)
    assert frozen(history.reader)[0].said == (said,)


async def test_a_command_writes_beside_a_daemon_and_leaves_no_sign_of_life(
    history: History, clock: HandClock, url: str
) -> None:
    before = history.reader.coverage()
    entry = AuditEntry("01J", clock.now(), "Ada", "", "", "", "pacs-monitor report 2026-Q3 --final", 200)
    reader = HistoryReader.open(url, "east")
    with beside(url, [entry], reader) as connection:
        freeze(connection, reader.monitor, report(clock.now()), CONTENTS)
    with pytest.raises(TakenError), beside(url, [], reader) as connection:
        freeze(connection, reader.monitor, report(clock.now() + 1), CONTENTS)
    reader.close()
    assert [one.number for one in frozen(history.reader)] == ["2026-Q3/1"]
    assert [one.action for one in audited(history.reader, 5)] == [entry.action]
    assert history.reader.coverage() == before
