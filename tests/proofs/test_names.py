"""Names that no name server answers for, beside one that works."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.names import ANSWERED, SILENT, name_service
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import SOON, wait_until


@pytest.mark.parametrize("silent", [60, pytest.param(200, marks=pytest.mark.proof)])
def test_names_that_hang_do_not_hide_the_outage_of_another(tmp_path: Path, silent: int, attack: Attacked) -> None:
    listen = free_port()
    with Switchable() as peer, name_service(tmp_path) as names:
        hosts = {f"n{number}": f"n{number}.{SILENT}" for number in range(silent)} | {"healthy": f"pacs.{ANSWERED}"}
        nodes = "".join(
            f"  {node}: {{host: {host}, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
            for node, host in hosts.items()
        )
        with RunningDaemon(write_estate(tmp_path, listen, nodes, paging="off"), listen, names.prefix) as daemon:

            def state() -> str:
                return str(daemon.check("healthy", "dicom_echo")["state"])

            wait_until(lambda: state() == "up", "the healthy node is up", SOON)
            peer.down()
            died = time.monotonic()
            wait_until(lambda: state() == "down", "the healthy node is down", SOON)
            attack("names", f"{silent} names: the healthy node is down {time.monotonic() - died:.1f} s after it died")
