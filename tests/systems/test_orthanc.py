"""Answers of Orthanc as versions and moments give them, replayed; the tests of the probes ask a real one."""

from __future__ import annotations

from typing import Any

import pytest

from pacs_monitor.net import Trace
from pacs_monitor.systems.orthanc import Orthanc, OrthancSettings
from pacs_monitor.systems.shared.arrivals import arrivals
from tests.peers.replayed import replayed
from tests.systems.asking import NODE, tell

AT = 1795507200.0
SERIES, INSTANCE = "-".join(["0123abcd"] * 5), "-".join(["4567abcd"] * 5)


def job(number: int, created: Any, state: str = "Pending") -> dict[str, Any]:
    return {"ID": f"job-{number}", "State": state, "CreationTime": created, "Content": {"Query": "Mustermann^Erika"}}


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("20261124T080000.250000", AT + 0.25),
        ("20261124T080000", AT),
        ("20261124T080000.250000500", AT + 0.25),
        ("2026-11-24T08:00:00", AT),
        ("not-a-date-time", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
async def test_a_job_is_dated_as_boost_writes_times_and_counted_whatever_its_time(
    written: Any, at: float | None
) -> None:
    """boost::posix_time::to_iso_string leaves out a fraction that is zero."""
    jobs = [job(1, written), job(2, "20261124T090000.000001"), job(3, written, "Running"), job(4, written, "Failure")]
    async with replayed({"/jobs?expand": jobs}) as peer:
        (queue,) = await tell(Orthanc(OrthancSettings(url=peer.url)).queues)
    assert (queue.length, queue.in_progress, queue.failures) == (2, 1, frozenset({"job-4"}))
    assert queue.oldest == pytest.approx(AT + 3600 if at is None else at, abs=0.001)


async def test_a_job_without_a_time_waits_all_the_same() -> None:
    async with replayed({"/jobs?expand": [{"ID": "job-1", "State": "Retry"}]}) as peer:
        (queue,) = await tell(Orthanc(OrthancSettings(url=peer.url)).queues)
    assert (queue.length, queue.oldest) == (1, None)


@pytest.mark.parametrize("written", ["20261124T080000", "20261124T080000.000000"])
async def test_a_series_came_when_orthanc_says_with_or_without_a_fraction(written: str) -> None:
    answers = {
        "/changes?last": {"Last": 1},
        "/changes?since=0&limit=2000": {"Changes": [{"ID": SERIES, "Date": written, "ChangeType": "NewSeries"}]},
        f"/series/{SERIES}": {"Instances": [INSTANCE]},
        f"/instances/{INSTANCE}/metadata/RemoteAET": b"CT1",
    }
    async with replayed(answers) as peer:
        settings = OrthancSettings(url=peer.url)

        async def ask(_node: Any, ctx: Any, trace: Trace) -> Any:
            return await arrivals(settings, None, ctx, trace)

        found = await tell(ask, node=NODE)
    assert [(series.sender, series.at) for series in found.series] == [("CT1", AT)]
