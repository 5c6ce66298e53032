"""An outage, a SIGKILL gap and a restart over a real peer: the report adds up, and brackets what was done."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.proofs.test_restarts import archive
from tests.support.commands import invoke
from tests.support.estates import write_estate

UNEXACT = 6.0
"""Seconds by which the start of a gap may be off: the heartbeat is every 5 s."""


@pytest.mark.alone
@pytest.mark.parametrize(
    "steady",
    [pytest.param(6.0, id="short"), pytest.param(60.0, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(600)])],
)
def test_the_report_sums_to_the_period_brackets_the_outage_and_books_the_gap(tmp_path: Path, steady: float) -> None:
    listen = free_port()
    with Switchable() as peer:
        config = write_estate(tmp_path, listen, archive(peer))
        began = datetime.now(UTC)
        with RunningDaemon(config, listen) as daemon:
            ready = datetime.now(UTC)
            wait_for_state(daemon, "up")
            time.sleep(steady)
            broke = peer.down()
            wait_for_state(daemon, "down")
            time.sleep(steady)
            repaired = peer.up()
            wait_for_state(daemon, "up")
            time.sleep(steady)
            killed = time.time()
            daemon.kill()
            dead = time.time()
            time.sleep(steady)
            started = time.time()
            daemon.start()
            back = time.time()
            wait_for_state(daemon, "up")
            time.sleep(steady)
            stopping = datetime.now(UTC)
            assert daemon.stop() == 0
    ended = datetime.now(UTC)
    period = f"{began.isoformat()}..{ended.isoformat()}"
    report = json.loads(invoke("report", period, "--format", "json", config=config).stdout)

    (check,) = report["checks"]
    length = (ended - began).total_seconds()
    assert sum(check["seconds"].values()) == pytest.approx(length, abs=2e-6)
    assert sum(check["unknown_by_cause"].values()) == pytest.approx(check["seconds"]["unknown"], abs=2e-6)
    (outage,) = report["incidents"]
    assert outage["at_least_seconds"] <= repaired.latest - broke.earliest
    assert repaired.earliest - broke.latest <= outage["at_most_seconds"]
    assert outage["at_most_seconds"] - outage["at_least_seconds"] < 4.0
    assert outage["at_least_seconds"] <= check["seconds"]["down"] <= outage["at_most_seconds"]
    off = check["unknown_by_cause"]["monitor_not_running"]
    edges = (ready - began + ended - stopping).total_seconds()
    assert started - dead <= off <= back - killed + UNEXACT + edges
