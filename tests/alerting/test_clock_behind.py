"""A machine that boots with a clock that is behind its own record."""

from __future__ import annotations

from pacs_monitor.model import State
from tests.alerting.support import Talk, at, moved


def test_a_page_is_not_put_off_until_the_clock_has_caught_up_with_the_record() -> None:
    talk = Talk()
    assert talk.ask(20, moved(State.DOWN, 20, since=3600)).wake_at == at(80)
    talk.ask(80)
    assert talk.said == [(80, "opened", "hook", "pending")]
