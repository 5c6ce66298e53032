"""A new reason not to notify is one file in the chain: the others, and what asks them, know nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacs_monitor.alerting import suppress
from tests.alerting.play import Play, an_estate

QUIET_HOUR = '''
"""Nobody is notified of warnings within the first hour."""

from pacs_monitor.alerting.suppress.reply import Reply
from pacs_monitor.model import SECOND, Severity, Why
from tests.alerting.play import T0

RANK = 15
ENDS = T0 + 3600 * SECOND


def suppress(turn, subject, _event, _channel, _target):
    if subject.incident.severity is Severity.CRITICAL or turn.at >= ENDS:
        return None
    return Reply(Why.PAGING, "quiet hour", until=ENDS)
'''
NODES = """nodes:
  a: {host: 10.0.0.1, checks: {ping: {severity: critical}}}
  b: {host: 10.0.0.2, checks: {ping: {severity: warning}}}
"""


@pytest.fixture
def with_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "quiet_hour.py").write_text(QUIET_HOUR)
    monkeypatch.setattr(suppress, "__path__", [*suppress.__path__, str(tmp_path)])
    suppress.chain.cache_clear()
    yield
    suppress.chain.cache_clear()
    sys.modules.pop(f"{suppress.__name__}.quiet_hour", None)


@pytest.mark.usefixtures("with_a_new_file")
def test_a_suppression_is_one_file(tmp_path: Path) -> None:
    play = Play(an_estate(tmp_path, NODES)).move(100, ("a/ping", "b/ping"), "down").until(5000)
    assert play.said() == ["140 opened unreachable:a", "3600 opened unreachable:b"]
    assert play.whys() == ["paging quiet hour"]


def test_the_chain_asks_in_a_fixed_order() -> None:
    ranks = [sys.modules[one.__module__].RANK for one in suppress.chain()]
    assert ranks == sorted(set(ranks))
