"""The latest runs in a row of the board."""

from __future__ import annotations

from pacs_monitor.model import SECOND, CheckId, Outcome, Reason, Result, Status
from pacs_monitor.web.pages.plots.spark import spark

CHECK = CheckId("archive", "dicom_echo")


def runs(*seconds: float | None) -> list[Result]:
    """One that was not good is None."""
    bad = Outcome.of(Reason.TCP_TIMEOUT)
    return [
        Result(CHECK, "dicom_echo", bad if one is None else Outcome(Status.OK), n * SECOND, one or 5.0)
        for n, one in enumerate(seconds)
    ]


def test_it_goes_from_zero_to_the_longest() -> None:
    drawn = spark(runs(0.01, 0.02, 0.04))

    assert 'd="M2 11L6 8L10 1"' in drawn
    assert 'aria-label="3 runs, 10 ms to 40 ms"' in drawn
    assert "p-bad" not in drawn


def test_it_is_broken_and_marked_where_a_run_was_not_good() -> None:
    drawn = spark(runs(0.04, 0.04, None, 0.04))

    assert 'd="M2 1L6 1M14 1"' in drawn
    assert 'class="p-bad" d="M10 16v-5"' in drawn
    assert "1 was not good" in drawn


def test_too_few_runs_are_no_line() -> None:
    assert spark(runs(0.01, None, None)) == ""
    assert spark([]) == ""
