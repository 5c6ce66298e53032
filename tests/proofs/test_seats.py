"""Checks of every DICOM kind, of many nodes, on few addresses: never more associations at once than are allowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.attacks import Attacked
from tests.peers.archive import archive
from tests.peers.counting import Counted, counting
from tests.peers.daemon import RunningDaemon
from tests.peers.names import name_service
from tests.peers.ports import free_port
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

CHECKS = {
    "dicom_echo": "{offers: [MPPS]}",
    "dicom_find": "{}",
    "dicom_worklist": "{}",
    "dicom_store": "{cleanup: iocm, verify: get, interval: 6s, retry_interval: 6s, enabled_by: the proof}",
    "dicom_retrieve": "{studies: 1.2.3, interval: 500ms, retry_interval: 100ms, enabled_by: the proof}",
    "reconcile": "{against: OTHER}",
    "study_flow": "{within: 1h}",
}
AGAINST = {"archive": "vna", "alias": "archive", "vna": "alias"}
"""The nodes, and the one that each is reconciled with; `vna` has an address of its own, the others share one."""
SILENT_EVERY = 15
ENDINGS = {"released", "aborted"}


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize(
    "enough", [pytest.param(25, id="short"), pytest.param(300, id="long", marks=pytest.mark.proof)]
)
def test_no_address_has_more_associations_than_allowed_and_each_is_ended(
    tmp_path: Path, limit: int, enough: int
) -> None:
    """`enough`: associations on the shared address."""
    listen = free_port()
    with (
        archive(obeys_notes=True) as peer,
        archive(obeys_notes=True) as other,
        counting(peer.port, SILENT_EVERY) as shared,
        counting(other.port, SILENT_EVERY) as single,
    ):
        timing = "interval: 500ms, retry_interval: 100ms, timeout: 1s, failures: 1, recoveries: 1"
        config = write_estate(tmp_path, listen, nodes(shared, single, limit), paging="off", defaults=timing)
        with RunningDaemon(config, listen) as daemon:
            hurried(daemon, config)
            wait_until(lambda: shared.begun >= enough and have_run(daemon), "every check has run", 240)
            wait_until(
                lambda: all(counted.endings.keys() >= ENDINGS for counted in (shared, single)), "both endings", 90
            )
            assert daemon.stop() == 0
        for counted in (shared, single):
            wait_until(counted.all_over, "every association is over")
            assert counted.most_at_once == limit
            assert counted.endings.keys() == ENDINGS
            assert counted.endings.total() == counted.begun


SPELLINGS = {
    "127.0.0.1": ["127.0.0.1", "127.1", "2130706433", "::ffff:127.0.0.1", "localhost", "LOCALHOST", "four.test"],
    "::1": ["::1", "0:0:0:0:0:0:0:1", "six.test"],
}


def test_an_address_is_one_however_it_is_spelt(tmp_path: Path, attack: Attacked) -> None:
    listen, lines = free_port(), ""
    records = ("--host-record=four.test,127.0.0.1", "--host-record=six.test,::1")
    with (
        archive() as peer,
        counting(peer.port, host="127.0.0.1") as four,
        counting(peer.port, host="::1") as six,
        name_service(tmp_path, *records) as names,
    ):
        for counted, spellings in zip((four, six), SPELLINGS.values(), strict=True):
            block = f"dicom: {{port: {counted.port}, ae_title: PEER}}, checks: {{dicom_echo: }}"
            lines += "".join(f"  n{len(lines)}-{n}: {{host: '{host}', {block}}}\n" for n, host in enumerate(spellings))
        timing = "interval: 300ms, retry_interval: 100ms, timeout: 10s, failures: 1, recoveries: 1"
        config = write_estate(tmp_path, listen, lines, paging="off", defaults=timing)
        with RunningDaemon(config, listen, names.prefix) as daemon:
            wait_until(lambda: have_run(daemon) and min(four.begun, six.begun) >= 20, "every check has run", 90)
            wait_until(
                lambda: daemon.get("/api/v1/status")["counts"]["up"] == lines.count("\n"), "every node is up", 90
            )
            assert daemon.stop() == 0
        assert (four.most_at_once, six.most_at_once) == (1, 1)
        attack("spellings", f"{four.begun + six.begun} associations, never two at once")


def nodes(shared: Counted, single: Counted, limit: int) -> str:
    lines = ""
    for node, other in AGAINST.items():
        port = single.port if node == "vna" else shared.port
        checks = "".join(f"      {kind}: {settings}\n" for kind, settings in CHECKS.items()).replace("OTHER", other)
        lines += (
            f"  {node}:\n    host: 127.0.0.1\n    dicom: {{port: {port}, ae_title: PEER}}\n"
            f"    max_associations: {limit}\n    checks:\n{checks}"
        )
    return lines


def hurried(daemon: RunningDaemon, config: Path) -> None:
    """Every check by the API and every node by `probe`, all at the same time, beside the rhythm."""
    runs = [f"/api/v1/checks/{node}/{check}/run" for check in CHECKS for node in AGAINST]
    with ThreadPoolExecutor(len(runs)) as pool:
        posted = pool.map(daemon.post, runs)
        assert {invoke("probe", node, config=config).returncode for node in AGAINST} <= {0, 1}
        list(posted)


def have_run(daemon: RunningDaemon) -> bool:
    return all(check["last"] for node in daemon.get("/api/v1/status")["nodes"] for check in node["checks"])
