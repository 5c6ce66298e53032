"""Histories on both databases, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pacs_monitor.history import History
from pacs_monitor.model import SECOND, Micros
from tests.peers.postgres import Postgres

START = 1_800_000_000 * SECOND


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time: Micros = START

    def now(self) -> Micros:
        return self.time

    def monotonic(self) -> float:
        return self.time / SECOND

    def move(self, seconds: float) -> Micros:
        self.time += round(seconds * SECOND)
        return self.time


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/pacs-monitor.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pacs-monitor.db"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


Opener = Callable[[], History]


@pytest.fixture
def reopen(url: str, clock: HandClock) -> Iterator[Opener]:
    """Opens the history; called again, closes it before."""
    opened: list[History] = []

    def open_it() -> History:
        if opened:
            opened.pop().close()
        opened.append(History.open(url, "east", clock))
        return opened[0]

    yield open_it
    if opened:
        opened.pop().close()


@pytest.fixture
def history(reopen: Opener) -> History:
    return reopen()
