"""Fourteen modalities that may be switched off at any time vanish together: nobody switched them off one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.alerting.vanished import VANISH_WITHIN
from pacs_monitor.model import SECOND
from tests.peers.daemon import RunningDaemon
from tests.peers.network import apart, drop
from tests.proofs.site import site
from tests.support.timing import wait_until

MODALITIES = {f"ct{n}": f"127.9.2.{n}, site: west, presence: intermittent" for n in range(1, 15)}


def vanished(daemon: RunningDaemon) -> list[int]:
    """How many checks each open incident has."""
    return [len(incident["members"]) for incident in daemon.get("/api/v1/incidents?open=true")]


@pytest.mark.parametrize(
    "to_the_page",
    [
        pytest.param(False, id="short"),
        pytest.param(True, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(600)]),
    ],
)
def test_fourteen_that_vanish_together_are_one_warning(tmp_path: Path, to_the_page: bool) -> None:
    def scene() -> None:
        with site(tmp_path, MODALITIES) as west:
            drop("ip daddr 127.9.2.0/24")
            west.shows("absent", len(MODALITIES))
            wait_until(lambda: vanished(west.daemon) == [len(MODALITIES)], "one incident of them all")
            (incident,) = west.daemon.get("/api/v1/incidents?open=true")
            assert (incident["kind"], incident["severity"], incident["state"]) == ("group", "warning", "absent")
            if to_the_page:
                west.pager.wait_for(1, timeout=VANISH_WITHIN / SECOND + 60)
                (page,) = west.hears("group.opened west")
                assert page.data["severity"] == "warning"
                assert page.data["summary"].startswith("14 modalities in west vanished together at ")
            else:
                west.hears()

    apart(scene)
