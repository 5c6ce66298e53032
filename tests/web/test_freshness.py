"""The age of the data, for whoever asks with every request."""

from __future__ import annotations

import pytest

from pacs_monitor.web.pages import freshness as of_pages
from pacs_monitor.web.pages.freshness import Freshest, freshness
from tests.support.timing import until
from tests.web.conftest import Served


async def measured(served: Served) -> None:
    await until(lambda: freshness(served.daemon).at is not None)


async def test_what_was_looked_for_is_kept_and_its_age_goes_on(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_pages, "LOOKS_EVERY", 3600.0)
    await measured(served)
    fresh = Freshest(served.daemon)
    first = fresh.now()
    await until(lambda: freshness(served.daemon).at != first.at)
    later, true = fresh.now(), freshness(served.daemon)

    assert later.at == first.at
    assert later.age > first.age
    assert later.age > true.age, "too high, never too low"
    assert (later.limit, later.trouble) == (true.limit, "")


async def test_after_that_it_is_looked_for_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_pages, "LOOKS_EVERY", 0.0)
    await measured(served)
    fresh = Freshest(served.daemon)
    first = fresh.now()
    await until(lambda: fresh.now().at != first.at)


async def test_what_keeps_the_monitor_from_its_work_is_told_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_pages, "LOOKS_EVERY", 3600.0)
    await measured(served)
    fresh = Freshest(served.daemon)
    assert not fresh.now().trouble
    failing = RuntimeError("a fault")
    for _ in range(3):
        served.daemon.supervisor.failed("desk", failing)
    assert "desk failed repeatedly" in fresh.now().trouble
