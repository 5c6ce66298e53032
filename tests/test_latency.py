"""What becomes of runs that are judged against an agreed limit."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs_monitor.calendars import Calendar, Hours
from pacs_monitor.latency import Counted, Limit, Speed
from pacs_monitor.model import SECOND, CheckId, Measurement, Outcome, Phase, Reason, Result, Status
from pacs_monitor.objectives import WHOLE

BERLIN = ZoneInfo("Europe/Berlin")
CHECK = CheckId("archive", "dicom_retrieve")
START = 1_790_000_000 * SECOND
WHOLE_RUN = Limit("r", "dicom_retrieve", 3 * SECOND)
AVAILABLE = Limit("a", "store_available_seconds", 60 * SECOND)


def ran(seconds: float, reason: Reason | None = None, *, warn: bool = False, **measured: float) -> Result:
    found = tuple(Measurement(name, value) for name, value in measured.items())
    outcome = Outcome(Status.OK) if reason is None else Outcome.of(reason, warn=warn, phase=Phase.OPERATION)
    probe = "dicom_store" if measured else "dicom_retrieve"
    return Result(
        CHECK, probe, Outcome(outcome.status, outcome.reason, outcome.phase, measurements=found), START, seconds
    )


@pytest.mark.parametrize(
    ("run", "speed"),
    [
        (ran(2.9), Speed.IN_TIME),
        (ran(3.0), Speed.IN_TIME),
        (ran(3.000001), Speed.SLOW),
        (ran(2.0, Reason.SLOW, warn=True), Speed.IN_TIME),
        (ran(0.1, Reason.TCP_REFUSED), Speed.FAILED),
        (ran(3.0, Reason.DIMSE_STATUS), Speed.FAILED),
        (ran(10.0, Reason.DIMSE_TIMEOUT), Speed.SLOW),
        (ran(10.0, Reason.TCP_TIMEOUT), Speed.SLOW),
        (ran(0.1, Reason.BUSY), Speed.FAILED),
        (ran(0.1, Reason.CALLING_AET_UNKNOWN), None),
        (ran(10.0, Reason.PROBE_ERROR), None),
    ],
)
def test_a_run_says_as_much_of_the_time_as_it_proves(run: Result, speed: Speed | None) -> None:
    assert WHOLE_RUN.judge(run) is speed


def test_what_the_network_has_spoiled_is_nobodys_slowness_where_only_the_attributable_counts() -> None:
    limit = Limit("r", "dicom_retrieve", 3 * SECOND, attributable=True)
    assert limit.judge(ran(10.0, Reason.TCP_TIMEOUT)) is Speed.FAILED
    assert limit.judge(ran(10.0, Reason.DIMSE_TIMEOUT)) is Speed.SLOW


def test_of_a_measurement_its_largest_value_counts_and_a_run_without_one_says_nothing() -> None:
    assert AVAILABLE.judge(ran(90.0, store_available_seconds=59.0)) is Speed.IN_TIME
    assert AVAILABLE.judge(ran(90.0, store_available_seconds=61.0)) is Speed.SLOW
    assert AVAILABLE.judge(ran(90.0, store_seconds=1.0)) is None
    assert AVAILABLE.judge(ran(90.0, Reason.STORED_NOT_FOUND)) is Speed.SLOW


def test_runs_count_in_the_agreed_hours_and_outside_of_announced_windows() -> None:
    core = Calendar("core", Hours.parse("Mon-Fri 06:00-20:00"), BERLIN)
    limit = Limit("r", "dicom_retrieve", SECOND, core, notice=7 * 86400 * SECOND)
    monday = 1_790_575_200 * SECOND  # 2026-09-28 08:00 there
    assert [limit.covers(monday + hours * 3600 * SECOND) for hours in (-3, -2, 11, 12, -24)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert limit.leaves_out(date(2026, 9, 21), monday, BERLIN)
    assert not limit.leaves_out(date(2026, 9, 22), monday, BERLIN)
    assert not limit.leaves_out(None, monday, BERLIN)
    assert not Limit("r", "dicom_retrieve", SECOND, with_maintenance=True).leaves_out(date(2026, 1, 1), monday, BERLIN)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, WHOLE))
def test_as_many_may_be_slow_as_keep_the_share(in_time: int, slow: int, share: int) -> None:
    counted = Counted(in_time, slow)
    assert (slow <= counted.permitted(share)) == (in_time * WHOLE >= counted.judged * share)
