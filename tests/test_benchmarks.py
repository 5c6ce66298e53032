"""The benchmarks run; what they show is for `make bench`."""

from __future__ import annotations

import pytest

from benchmarks import echo, transfer

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
    assert 0 < wire < figures.median
