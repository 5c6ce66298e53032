"""The benchmarks run; what they show is for `make bench`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks import decisions, echo, estate, pages, scrape, transfer
from pacs_monitor.config import load

A_MOMENT = 0.2
A_WHILE = 1.0
"""Seconds for so many runs that their medians can be compared, on a slow machine too."""


@pytest.mark.parametrize("way", transfer.WAYS)
def test_each_way_of_a_transfer_is_measured(way: str) -> None:
    figures = transfer.measure("C-STORE 39 kB", way, A_MOMENT)
    assert figures.runs >= 1
    assert figures.processor > 0


@pytest.mark.parametrize("way", ["association", "echoscu"])
def test_a_way_of_an_echo_is_measured_with_what_its_peer_saw(way: str) -> None:
    figures, wire = echo.measure(way, 20, A_WHILE)
    assert figures.runs >= 1
    assert figures.median > 0
    assert wire > 0, "the peer saw them"


async def test_a_storm_is_measured_at_a_desk() -> None:
    rows = await decisions.at_the_desk(100, 100)
    assert [row.split("|")[1].strip().split(",")[0] for row in rows] == [
        "one decision",
        "one transition at the desk",
        "100 transitions within a second",
    ]


async def test_a_recorded_year_is_replayed_without_a_difference() -> None:
    (row,) = await decisions.the_year(60, 600)
    assert re.search(r"[1-9]\d* notifications the same, 0 not", row)


@pytest.mark.parametrize("make", [pages.estate, scrape.estate, partial(estate.estate, interval=30.0)])
def test_the_configuration_of_a_large_estate_is_right(tmp_path: Path, make: Callable[..., Path]) -> None:
    loaded = load(make(tmp_path, 1, 2, 3, 60))
    assert len(loaded.nodes) == 60
