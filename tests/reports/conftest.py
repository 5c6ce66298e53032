"""The report of the quarter that tests/reports/quarter.py records."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from pacs_monitor.reports import build, parse
from tests.reports import quarter as q

NOW = q.at(10, 20)


@pytest.fixture(scope="session")
def recorded_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    history, _ = asyncio.run(q.recorded(tmp_path_factory.mktemp("report"), NOW))
    made = build(history.reader, parse("2026-Q3", q.ZONE, NOW), NOW)
    history.close()
    return made


@pytest.fixture
def report(recorded_report: dict[str, Any]) -> dict[str, Any]:
    """One's own, to be changed."""
    return deepcopy(recorded_report)
