"""The report of the quarter that tests/reports/quarter.py records."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from typing import Any

import pytest

from pacs_monitor.reports import Ready, freeze, parse
from tests.reports import quarter as q

NOW = q.at(10, 20)


@pytest.fixture(scope="session")
def recorded_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    history, _ = asyncio.run(q.recorded(tmp_path_factory.mktemp("report"), NOW))
    ready = freeze(history.reader, parse("2026-Q3", q.ZONE, NOW), NOW, "Ada Lovelace")
    history.close()
    assert isinstance(ready, Ready)
    found: dict[str, Any] = json.loads(ready.contents["json"])
    return found


@pytest.fixture
def final(recorded_report: dict[str, Any]) -> dict[str, Any]:
    """As it is frozen: one's own, to be changed."""
    return deepcopy(recorded_report)


@pytest.fixture
def report(final: dict[str, Any]) -> dict[str, Any]:
    """A draft of it."""
    del final["frozen"]
    return final
