"""The attacks of docs/reliability.md: what was done to the daemon, what it did before, and what it does now.

A test that makes an attack says what it saw by the fixture `attack`; `pytest --write-reliability` puts that into the
page. The words here and the figures there are all that the page has, so that it cannot claim what no test has seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_ROW = re.compile(r"^\| (?P<title>.+?) \| (?P<before>.+?) \| (?P<now>.+?) \|$", re.MULTILINE)
_HEAD = "| attack | before | now |\n|---|---|---|\n"


Attacked = Callable[[str, str], None]
"""The fixture `attack`: the key of an attack, and what the daemon did."""


class Attack(NamedTuple):
    """One row of the page."""

    title: str
    before: str


ATTACKS: Mapping[str, Attack] = {
    "hang-locked": Attack(
        "PostgreSQL: another session holds `LOCK TABLE incidents`; a node dies",
        "no page ever, `/readyz` 200, nothing in the log",
    ),
    "hang-stopped": Attack(
        "PostgreSQL stopped by SIGSTOP; a node dies", "no page ever, `/readyz` 200, nothing in the log"
    ),
    "hang-stalled disk": Attack(
        "SQLite whose fsync does not return; a node dies", "no page ever, `/readyz` 200, nothing in the log"
    ),
    "sigterm-locked": Attack("SIGTERM while the table is locked", "never ended"),
    "sigterm-stopped": Attack("SIGTERM while PostgreSQL is stopped", "never ended"),
    "sigterm-stalled disk": Attack("SIGTERM while fsync does not return", "never ended"),
    "sigterm-start": Attack("SIGTERM while a start waits for a locked table", "never ended"),
    "refused": Attack(
        "A receiver answers 302, 404, 413 or 503 twelve times, then 200",
        "3xx and 4xx: the page lost after one attempt, no incident",
    ),
    "token": Attack("A receiver answers 401 until a reload corrects the token", "the page lost after one attempt"),
    "delivery-incident": Attack("A channel that takes nothing", "no incident, nothing in `status`"),
    "old-page": Attack(
        "A page that is 25 h old at a restart, its incident still open, its receiver down", "one attempt, then given up"
    ),
    "poison": Attack("A MemoryError once in each task of the daemon", "desk: no page ever again, `/readyz` 200"),
    "ghost": Attack(
        "The record refuses the incident; its page goes out; SIGKILL; restart",
        "a second incident; the first stays open at the receiver for ever",
    ),
    "critical-first": Attack("A critical page behind 80 warnings", "80.6 s at a receiver that takes 4 s for each"),
    "stall-dicom_store": Attack(
        "Our fsync stalls for 45 s beside a healthy Orthanc: `dicom_store`",
        "down 37.1 s (`timeout`, node), attributable 23.3 %",
    ),
    "stall-dicomweb_store": Attack(
        "The same with `dicomweb_store`", "down 34.4 s (`timeout`, node), attributable 24.6 %"
    ),
    "stall-sigstop": Attack(
        "SIGSTOP of 5 s in the middle of a C-ECHO, three times", "down three times (`timeout`, node)"
    ),
    "strangers": Attack(
        "Silent connections to all three listeners, more than there are descriptors", "checks `unknown`, senders reset"
    ),
    "handshakes": Attack("TLS handshakes with the API that never end", "2,816 of 3,000 held"),
    "not-reading": Attack(
        "256 connections pipeline requests to the API and read no answer",
        "`/healthz` reset or timed out, for as long as they like",
    ),
    "names": Attack(
        "Names that hang in the resolver beside a healthy one, whose node dies", "its outage hidden for a minute"
    ),
    "spellings": Attack("Seven spellings of 127.0.0.1 and three of ::1, each a node", "two associations at once"),
    "probe-beside": Attack(
        "`pacs-monitor probe` beside the daemon, with a wrong token or an edited file", "two associations at once"
    ),
    "left-behind": Attack(
        "Commands that daemonise, hang or clear their environment, under a monitor that is process 1",
        "95 to 135 processes left, growing",
    ),
    "file-deleted": Attack(
        "The database file is deleted while the daemon runs",
        "`/readyz` 200 for good; pending pages gone at the next start",
    ),
    "file-replaced": Attack("The database file is replaced by another", "the same"),
    "sessions-end": Attack(
        "PostgreSQL, two daemons: `pg_terminate_backend` on every session, four times", "both probed, both paged"
    ),
    "server-restarts": Attack("The server restarts, four times", "both probed, both paged"),
    "leader-killed": Attack("SIGKILL of the leader, three times", "the other daemon refused to run"),
    "leader-stopped": Attack("SIGSTOP of the leader, and SIGCONT after the takeover", "nobody paged"),
    "orphans": Attack("What a leader opened unrecorded before it was stopped", "open at the receiver for ever"),
    "storm-sqlite": Attack(
        "A storm on SQLite: SIGKILL and SIGTERM, seven receivers that each fail in another way, a database that hangs,"
        " is full, read-only, locked or replaced",
        "pages lost, ghosts at the receivers",
    ),
    "storm-postgresql": Attack(
        "The same on PostgreSQL with two daemons: hangs, frozen, full, read-only, restarted, session lost",
        "pages lost, ghosts at the receivers, both daemons paged",
    ),
    "core-machine": Attack(
        "Hypothesis drives the alerting core: transitions of every state and reason, reloads, clock steps, refusals,"
        " sites cut off, and restarts through the real tables beside a run that is never cut",
        "after a restart: groups paged too early, suspicion forgotten; a child unknown behind a dead parent paged",
    ),
    **{
        f"killed-{work}-{kind}": Attack(f"SIGKILL at random moments in the middle of {work} ({kind})", before)
        for work, kinds, before in (
            ("compaction", ("sqlite", "postgresql"), "not tried; it was one transaction a day, which pages waited for"),
            ("migration", ("sqlite", "postgresql"), "not tried"),
            ("export", ("sqlite", "postgresql"), "there was none"),
            ("import", ("sqlite", "postgresql"), "there was none"),
            ("backup", ("sqlite",), "there was none"),
            ("move", ("postgresql",), "there was none"),
        )
        for kind in kinds
    },
}
"""By the key that a test names."""


def figures(page: str) -> dict[str, str]:
    """What the page says of each attack now, by its title."""
    return {row["title"]: row["now"] for row in _ROW.finditer(page) if row["title"] not in ("attack", "---")}


def written(page: str, seen: Mapping[str, str]) -> str:
    """The page with what was seen by key; the table is its end. Attacks that this run did not make keep their row."""
    known = figures(page) | {ATTACKS[key].title: now for key, now in seen.items()}
    rows = [
        f"| {attack.title} | {attack.before} | {known[attack.title]} |\n"
        for attack in ATTACKS.values()
        if attack.title in known
    ]
    return page.partition(_HEAD)[0] + _HEAD + "".join(rows)
