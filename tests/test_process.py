"""The process of the daemon keeps its memory in order."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pacs_monitor.process import settle


class Part:
    """Of an estate that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


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
