"""A moment as the report says it is what the clocks of its zone showed, also where they are set."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.model import SECOND, iso, parse_iso
from pacs_monitor.reports.dates import NO_BREAK, moment

ZONES = ("Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia")
SET_BACK = (
    ("Europe/Berlin", "2026-10-25T00:30:00.000000Z", "25 Oct 2026 02:30:00 (CEST)"),
    ("Europe/Berlin", "2026-10-25T01:30:00.000000Z", "25 Oct 2026 02:30:00 (CET)"),
    ("Europe/Berlin", "2026-10-25T02:30:00.000000Z", "25 Oct 2026 03:30:00"),
    ("Australia/Lord_Howe", "2026-04-04T14:45:00.000000Z", "5 Apr 2026 01:45:00 (+11)"),
    ("Australia/Lord_Howe", "2026-04-04T15:15:00.000000Z", "5 Apr 2026 01:45:00 (+1030)"),
    ("Asia/Kolkata", "2026-07-10T20:00:59.999999Z", "11 Jul 2026 01:30:59"),
)


@given(st.sampled_from(ZONES), st.integers(parse_iso("2026-01-01T00:00:00Z"), parse_iso("2028-01-01T00:00:00Z")))
def test_it_is_what_the_clocks_showed(zone: str, at: int) -> None:
    there = datetime.fromisoformat(iso(at)).astimezone(ZoneInfo(zone))
    said = moment(ZoneInfo(zone), iso(at)).replace(NO_BREAK, " ")
    written, _, name = said.partition(" (")
    assert written == f"{there.day} {there:%b %Y %H:%M:%S}"
    other = there.replace(fold=1 - there.fold)
    assert bool(name) == (other.utcoffset() != there.utcoffset())


@pytest.mark.parametrize(("zone", "text", "said"), SET_BACK)
def test_a_time_that_is_there_twice_names_which(zone: str, text: str, said: str) -> None:
    assert moment(ZoneInfo(zone), text).replace(NO_BREAK, " ") == said


@given(st.integers(0, 2**51))
def test_a_time_is_written_to_the_microsecond_and_read_back(at: int) -> None:
    assert parse_iso(iso(at)) == at
    assert iso(at) == f"{datetime.fromisoformat(iso(at // SECOND * SECOND)):%Y-%m-%dT%H:%M:%S}.{at % SECOND:06}Z"
