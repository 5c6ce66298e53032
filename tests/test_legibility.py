"""What the contract of probes calls illegible is, and nothing else."""

from __future__ import annotations

import pytest

from tests.legibility import illegible


@pytest.mark.parametrize(
    "line",
    [
        "  ",
        "  share 0.30000000000000004",
        "  free 8.31235e+10",
        "  Orthanc(url='x') refused",
        "  ConnectionResetError",
        "  it ended at 2026-01-01T23:00:00Z",
        "  newest 1764000000",
        "  the queue queue is not there",
    ],
)
def test_noise_is_seen(line: str) -> None:
    assert {told for _, told in illegible([line])} == {line}


def test_what_people_read_is_none() -> None:
    fine = [
        "archive/disk  fail  over_limit in phase operation, the node's fault",
        "  implementation class UID: 1.2.276.0.7230010.3.0.3.6.7",
        "  volume /: free 83.1 GB, used 25.8 GB, inodes free 16,287,300",
        "  127.0.0.1:44145 refused the connection",
        "  took 1.66 ms: resolve 0.011 ms",
    ]
    assert illegible(fine) == []
