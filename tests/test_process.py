"""The process of the daemon keeps its memory in order."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from pacs_monitor import process
from pacs_monitor.process import GARBAGE, collect_regularly, settle
from tests.support.timing import until


class Part:
    """Of an estate that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_has_settled_is_not_looked_through_again() -> None:
    part = Part()
    settle()
    assert not any(one is part for one in gc.get_objects())


def test_what_was_replaced_since_goes() -> None:
    part = Part()
    settle()
    known = weakref.ref(part)
    del part
    gc.collect()
    assert known() is not None, "it is frozen, and refers to itself"

    settle()
    assert known() is None


async def test_what_has_grown_old_goes_when_we_say_so_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ALL_EVERY", 0.01)
    gc.set_threshold(*GARBAGE)
    part = Part()
    gc.collect()  # it is among the oldest from now on
    known = weakref.ref(part)
    del part
    made: list[list[int]] = [[] for _ in range(60 * GARBAGE[0] * GARBAGE[1])]
    assert known() is not None
    del made

    regularly = asyncio.create_task(collect_regularly())
    await until(lambda: known() is None)
    regularly.cancel()
