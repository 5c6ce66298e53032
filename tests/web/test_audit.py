"""Every write is on record before its answer: of a real daemon, over its socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.history import AuditEntry, HistoryError
from pacs_monitor.leadership import Role
from pacs_monitor.web.audit import LEFT_OUT, UNWRITTEN, AuditTrail, sentence
from tests.support.asking import asking
from tests.support.clock import SettableClock
from tests.web.conftest import Served

AUTH = """\
  auth:
    tokens:
      - {name: oncall, role: operator, token: do-do-do-do-do-do-do-do-do-do-do-do-do}
      - {name: wall, role: viewer, token: see-see-see-see-see-see-see-see-see-see}
      - {name: jobs, role: reporter, token: say-say-say-say-say-say-say-say-say-say}
"""
OPERATOR = {"authorization": "Bearer do-do-do-do-do-do-do-do-do-do-do-do-do"}
VIEWER = {"authorization": "Bearer see-see-see-see-see-see-see-see-see-see"}
REPORTER = {"authorization": "Bearer say-say-say-say-say-say-say-say-say-say"}


async def entries(served: Served, **headers: str) -> list[dict[str, Any]]:
    answer = await served.client.get("/api/v1/audit", headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def with_tokens(served: Served) -> None:
    served.config.write_text(served.config.read_text().replace("monitor:\n", f"monitor:\n{AUTH}"))
    assert (await served.client.post("/api/v1/reload")).status_code == 200


def rows(served: Served) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(served.config.with_name("proof.db"))) as database:
        return database.execute("SELECT * FROM audit").fetchall()


async def test_what_was_done_is_on_record_when_the_answer_comes(served: Served) -> None:
    words = {"by": "it-duty", "why": "vendor called"}
    done = await served.client.post("/api/v1/reload", json=words)
    on_disk = rows(served)
    run = await served.client.post("/api/v1/checks/archive/dicom_echo/run")
    latest, first = await entries(served)

    assert (done.status_code, run.status_code, len(on_disk)) == (200, 200, 1)
    assert {key: first[key] for key in ("by", "why", "token", "role", "address", "action", "outcome", "status")} == {
        "by": "it-duty",
        "why": "vendor called",
        "token": "",
        "role": "",
        "address": "127.0.0.1",
        "action": "POST /api/v1/reload",
        "outcome": "done",
        "status": 200,
    }
    assert latest["action"] == "POST /api/v1/checks/archive/dicom_echo/run"
    assert first["at"] <= latest["at"]


async def test_whoever_is_refused_is_on_record_by_the_name_of_the_token_if_there_is_one(served: Served) -> None:
    await with_tokens(served)
    path = "/api/v1/reload"
    refused = [
        await served.client.post(path),
        await served.client.post(path, headers={"authorization": "Bearer a-secret-that-is-wrong"}),
        await served.client.post(path, headers=VIEWER),
        await served.client.post(path, headers=OPERATOR | {"origin": "https://evil.example.org"}),
        await served.client.post(path, headers=OPERATOR, json={"by": "a\nb"}),
        await served.client.post(path, headers=OPERATOR, content=b"{"),
        await served.client.post("/api/v1/channels/nowhere-at-all/test", headers=OPERATOR),
        await served.client.request("PATCH", "/api/v1/some/thing/else", headers=OPERATOR),
    ]
    found = await entries(served, **OPERATOR)

    statuses = [answer.status_code for answer in refused]
    assert statuses == [401, 401, 403, 403, 422, 415, 404, 404]
    assert [entry["status"] for entry in found[:-1][::-1]] == statuses
    assert [entry["token"] for entry in found[:-1][::-1]] == ["", "", "wall", "", *["oncall"] * 4]
    assert {entry["outcome"] for entry in found[:-1]} == {"refused"}
    assert found[0]["action"] == "PATCH /api/v1/some/…"
    stored = json.dumps(found) + repr(rows(served))
    assert not [secret for secret in ("a-secret", "do-do", "see-see", "evil", "nowhere") if secret in stored]


@pytest.mark.parametrize(("headers", "status"), [(VIEWER, 403), (REPORTER, 403), ({}, 401), (OPERATOR, 200)])
async def test_who_did_what_is_for_operators(served: Served, headers: dict[str, str], status: int) -> None:
    await with_tokens(served)

    assert (await served.client.get("/api/v1/audit", headers=headers)).status_code == status
    assert (await served.client.head("/api/v1/audit", headers=headers)).status_code == status


async def test_reports_of_jobs_are_on_record_when_they_are_refused(served: Served) -> None:
    served.config.write_text(
        f"{served.config.read_text()}  job: {{checks: {{nightly: {{probe: push, within: 1h}}}}}}\n"
    )
    await served.client.post("/api/v1/reload")
    good = await served.client.post("/api/v1/push/job/nightly", content=b"\x00 what the job printed")
    bad = await served.client.post("/api/v1/push/job/weekly")
    found = await entries(served)

    assert (good.status_code, bad.status_code) == (202, 404)
    assert [(entry["action"], entry["status"]) for entry in found[:-1]] == [("POST /api/v1/push/…", 404)]


async def test_a_flood_of_refused_requests_is_counted_and_hides_no_write(served: Served) -> None:
    for _ in range(200):
        await served.client.post("/api/v1/nowhere")
    await served.client.post("/api/v1/reload", json={"by": "it-duty"})
    await served.daemon.audit.settle()
    left_out, done, *refused = await entries(served)

    assert (left_out["action"], left_out["count"]) == (LEFT_OUT, 190)
    assert (done["by"], done["outcome"]) == ("it-duty", "done")
    assert len(refused) == len(rows(served)) - 2 == 10


async def test_a_database_that_cannot_be_written_holds_up_no_answer_and_gets_its_entries_later(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    file = served.config.with_name("proof.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
    with caplog.at_level(logging.WARNING):
        answer = await served.client.post("/api/v1/checks/archive/dicom_echo/run")
    assert answer.status_code == 200
    line = "audit, not in the database yet: somebody from 127.0.0.1: POST /api/v1/checks/archive/dicom_echo/run: done"
    assert line in caplog.text
    assert "\npacs_audit_unrecorded_total 1.0\n" in (await served.client.get("/metrics")).text
    assert rows(served) == []
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("DROP TRIGGER no")
    await served.client.post("/api/v1/reload")
    assert [entry["action"].rpartition("/")[2] for entry in await entries(served)] == ["reload", "run"]


async def test_a_daemon_that_does_not_lead_takes_no_words_and_says_who_does(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(served.daemon.instance), "role", Role.FENCED)
    served.daemon.instance.leader = "process 7 on elsewhere"
    written = {
        path: (await served.client.post(path)).json()
        for path in ("/api/v1/reload", "/api/v1/push/a/b", "/api/v1/checks/archive/dicom_echo/run", "/api/v1/nowhere")
    }
    read = await served.client.get("/api/v1/status")

    assert read.status_code == 200
    said = "say it to the leader: another daemon of this name leads now (process 7 on elsewhere)"
    assert written == {path: {"detail": said} for path in written}


def entry_of(trail: AuditTrail, address: str, status: int = 403) -> AuditEntry:
    return trail.entry("", "POST /api/v1/pause", status, address=address)


async def test_one_address_does_not_hide_what_others_are_refused() -> None:
    kept: list[AuditEntry] = []
    clock = SettableClock()

    async def write(entries: Any) -> None:
        kept.extend(entries)

    trail = AuditTrail(write, clock)
    for n in range(5000):
        await trail.record(entry_of(trail, f"10.0.{n % 2}.{n % 250}" if n % 3 else "10.9.9.9"))
    assert len(kept) <= 21
    assert sum(entry.address == "10.9.9.9" for entry in kept) <= 10
    clock.pass_by(600)
    for n in range(5000):
        await trail.record(entry_of(trail, f"10.0.0.{n % 250}"))
    assert len(kept) <= 42
    await trail.record(entry_of(trail, "10.9.9.9", 200))
    await trail.settle()
    assert sum(entry.count for entry in kept) == 10_001


async def test_what_waits_for_the_database_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    at_once: list[int] = []

    async def write(entries: Any) -> None:
        at_once.append(len(entries))
        raise HistoryError("away")

    trail = AuditTrail(write, SettableClock())
    await asyncio.gather(*(trail.record(entry_of(trail, "10.0.0.1", 200)) for _ in range(300)))
    assert max(at_once) == UNWRITTEN
    assert trail.unrecorded == 300


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/api/v1/%0d%0aX-Evil:%201", "POST /api/v1/??X-Evil: 1"),
        ("/api/v1/%E2%80%AEgnp", "POST /api/v1/?gnp"),
        ("/" + "x" * 5000, "POST /" + "x" * 199),
        ("/api/v1/incidents/a-patient/ack", "POST /api/v1/incidents/…"),
    ],
)
async def test_an_address_is_recorded_as_one_line(served: Served, path: str, action: str) -> None:
    refused = await served.client.post(path)
    (entry,) = await entries(served)

    assert refused.status_code in (404, 405, 415)
    assert entry["action"] == action
    line = sentence(AuditEntry(**{key: value for key, value in entry.items() if key not in ("outcome", "subject")}))
    assert line.isprintable()


async def test_a_body_of_a_write_that_takes_none_is_recorded_within_bounds(served: Served) -> None:
    words = {"by": "\u202eevil", "why": "x" * 5000, "match": {"node": ["y" * 100] * 500}, "secret": "hush"}
    done = await served.client.post("/api/v1/checks/archive/dicom_echo/run", json=words)
    (entry,) = await entries(served)

    assert done.status_code == 200
    assert (entry["by"], entry["why"], entry["details"]) == ("", "", {"left out": "too long"})


async def test_the_api_says_no_more_than_it_did_when_the_audit_cannot_be_read(served: Served, tmp_path: Path) -> None:
    async with asking(served.url) as client:
        assert (await client.get("/api/v1/audit?limit=0")).status_code == 422
        assert (await client.get("/api/v1/audit?limit=5")).json() == []
