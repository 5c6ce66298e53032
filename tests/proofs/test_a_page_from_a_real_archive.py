"""Orthanc dies and comes back: one page, on time, and its end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.orthanc import Orthanc
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.estates import write_estate

INTERVAL, RETRY, FAILURES, PAGE_AFTER = 3.0, 1.0, 3, 2.0


@pytest.mark.alone
def test_killing_orthanc_pages_in_time_and_starting_it_again_resolves_the_same_incident(tmp_path: Path) -> None:
    listen = free_port()
    (tmp_path / "orthanc").mkdir()
    with Receiver() as pager, Orthanc(tmp_path / "orthanc") as orthanc:
        config = write_estate(
            tmp_path,
            listen,
            "  archive:\n"
            "    title: Main archive\n"
            "    host: 127.0.0.1\n"
            f"    dicom: {{port: {orthanc.dicom_port}, ae_title: ORTHANC}}\n"
            "    checks: {dicom_echo: {severity: critical}}\n",
            pager=pager.url,
            secret=SECRET,
            defaults=f"interval: {INTERVAL:g}s, retry_interval: {RETRY:g}s, timeout: 10s, failures: {FAILURES}, "
            f"recoveries: 2, page_after: {PAGE_AFTER:g}s",
        )
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            orthanc.kill()
            killed = time.monotonic()
            (opened,) = pager.wait_for(1)
            took = time.monotonic() - killed
            with Orthanc(tmp_path / "orthanc", dicom_port=orthanc.dicom_port):
                _, resolved = pager.wait_for(2)
            assert daemon.stop() == 0

    assert took <= INTERVAL + FAILURES * RETRY + PAGE_AFTER + 1
    assert (opened.type, resolved.type) == ("incident.opened", "incident.resolved")
    assert opened.key == resolved.key
    told = opened.data
    assert (told["reason"], told["blame"], told["phase"]) == ("tcp_refused", "node", "connect")
    assert (told["severity"], told["state"], told["check"]) == ("critical", "down", "dicom_echo")
    assert told["summary"].startswith("Main archive ")
    assert told["last_good"] <= told["since"] <= told["noticed"]
    assert resolved.data["resolved"] is not None
    assert not pager.bad
