"""A receiver, a clock and a place for the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.receiver import Receiver
from tests.support.clock import SettableClock


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pacs-monitor.db"
