"""Many nodes, each its own loopback address, one in ten black-holed: nothing is missed, nothing grows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.support.estates import write_estate

SLACK = 0.25
"""Seconds by which a run may start after its interval, as a rule: a machine that stalls breaks it for a moment. No run
may be missed in any."""


class Moment(NamedTuple):
    metrics: str
    threads: int
    descriptors: int


@pytest.mark.alone
@pytest.mark.parametrize(
    ("count", "interval", "seconds", "window"),
    [
        pytest.param(150, 4, 14, 1, id="short"),
        pytest.param(1000, 10, 120, 100, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(300)]),
    ],
)
def test_no_run_is_missed_while_one_node_in_ten_is_a_black_hole(
    tmp_path: Path, count: int, interval: int, seconds: int, window: int
) -> None:
    """`window`: seconds of lags of which 99 in 100 must be short; of few runs, a stall of the machine delays more."""
    port, hole, listen = free_port(), free_port(), free_port()
    healthy = [n for n in range(count) if n % 10]
    config = write_estate(
        tmp_path,
        listen,
        "".join(
            f"  n{n}: {{host: {address(n)}, dicom: {{port: {port if n % 10 else hole}, ae_title: PEER}}, "
            "checks: {dicom_echo: }}\n"
            for n in range(count)
        ),
        defaults=f"interval: {interval}s, timeout: 3s",
    )
    crowd = [sys.executable, "-m", "tests.peers.crowd", str(port), str(hole)]
    with subprocess.Popen(crowd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peers:
        assert peers.stdout is not None
        assert peers.stdout.readline() == "ready\n"
        with RunningDaemon(config, listen) as daemon:
            process, moments = psutil.Process(daemon.pid), []
            for _ in range(seconds):
                time.sleep(1.0)
                moments.append(Moment(daemon.metrics(), process.num_threads(), process.num_fds()))
            assert daemon.stop() == 0
        seen = json.loads(peers.communicate("")[0])

    assert {address(n) for n in healthy} == seen["began_at"].keys()
    gaps = [b - a for times in seen["began_at"].values() for a, b in pairwise(times)]
    assert max(gaps) < 2 * interval
    assert median(gaps) < interval + SLACK
    assert min(len(times) for times in seen["began_at"].values()) >= (seconds - interval) // interval
    assert set(seen["most"].values()) == {1}
    early, late = moments[interval + 1], moments[-1]
    windows = [p99(lags(first), lags(last)) for first, last in zip(moments, moments[window:], strict=False)]
    assert sorted(windows)[len(windows) // 4] <= 0.1
    assert re.search(r"^pacs_runs_skipped_total 0\.0$", late.metrics, re.MULTILINE)
    assert late.threads <= early.threads + 2
    assert late.descriptors <= early.descriptors + 40  # the connections to black holes that happen to be under way


def address(n: int) -> str:
    return f"127.2.{n // 250}.{n % 250 + 1}"


def lags(moment: Moment) -> dict[float, float]:
    """How many runs had begun with no more than this lag, in seconds."""
    found = re.findall(r'^pacs_scheduler_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', moment.metrics, re.MULTILINE)
    return {float(bound): float(upto) for bound, upto in found}


def p99(before: dict[float, float], after: dict[float, float]) -> float:
    """The upper bound of the bucket that holds the 99th percentile of the runs in between."""
    runs = {bound: upto - before[bound] for bound, upto in after.items()}
    return next(bound for bound, upto in runs.items() if upto >= 0.99 * runs[inf])
