"""The attacks of docs/reliability.md: what was done to the daemon, what it did before, and what it does now.

A test that makes an attack says what it saw by the fixture `attack`; `pytest --write-reliability` puts that into the
page. The words here and the figures there are all that the page has, so that it cannot claim what no test has seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_ROW = re.compile(r"^\| (?P<title>.+?) \| (?P<before>.+?) \| (?P<now>.+?) \|$", re.MULTILINE)
_HEAD = "| attack | before | now |\n|---|---|---|\n"


class Attack(NamedTuple):
    """One row of the page."""

    title: str
    before: str


ATTACKS: Mapping[str, Attack] = {
    "storm-sqlite": Attack(
        "A storm on SQLite: SIGKILL and SIGTERM, seven receivers that each fail in another way, a database that hangs,"
        " is full, read-only, locked or replaced",
        "pages lost, ghosts at the receivers",
    ),
    "storm-postgresql": Attack(
        "The same on PostgreSQL with two daemons: hangs, frozen, full, read-only, restarted, session lost",
        "pages lost, ghosts at the receivers, both daemons paged",
    ),
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
