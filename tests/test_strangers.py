"""The daemon under crowds that say nothing: it goes on checking, and those whom it knows get in."""

from __future__ import annotations

import asyncio
import re
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from pacs_monitor.web.timeouts import LIMITS
from tests.attacks import Attacked
from tests.peers.authority import Authority
from tests.peers.daemon import RunningDaemon
from tests.peers.mllp import sent
from tests.peers.ports import free_port
from tests.peers.strangers import CLIENT_HELLO, crowd
from tests.support.timing import wait_until

ORDER = "MSH|^~\\&|RIS|EAST|PACSMON|EAST|1||ORM^O01^ORM_O01|4711|P|2.3\rPID|1||1||DOE^JANE\r"


def configuration(api: int, dicom: int, hl7: int, target: int) -> str:
    return f"""
monitor:
  name: east
  listen: 127.0.0.1:{api}
  dicom_listener: {{listen: "127.0.0.1:{dicom}", ae_title: PACSMON}}
  hl7_listener:
    listen: 127.0.0.1:{hl7}
    from: 127.0.0.1
    receiving_application: PACSMON
    receiving_facility: EAST
default_route: {{channels: []}}
nodes:
  archive:
    host: 127.0.0.1
    checks:
      port: {{probe: tcp, port: {target}, interval: 100ms, retry_interval: 100ms, failures: 1, recoveries: 1}}
"""


@pytest.mark.parametrize(
    ("descriptors", "each"), [(160, 100), pytest.param(1024, 1100, marks=pytest.mark.proof)], ids=["short", "long"]
)
def test_silent_strangers_take_no_descriptor_of_the_checks_and_keep_nobody_out(
    tmp_path: Path, descriptors: int, each: int, attack: Attacked
) -> None:
    api, dicom, hl7, file = free_port(), free_port(), free_port(), tmp_path / "monitor.yaml"
    with socket.create_server(("127.0.0.1", 0)) as target:
        file.write_text(configuration(api, dicom, hl7, target.getsockname()[1]))
        with RunningDaemon(file, api) as daemon, ExitStack() as stack:
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
            held = [stack.enter_context(crowd(port, each)) for port in (api, dicom, hl7)]
            before = daemon.check("archive", "port")["last"]["started"]
            answers = asyncio.run(sent(hl7, ORDER))
            wait_until(lambda: daemon.check("archive", "port")["last"]["started"] > before, "the check goes on")
            wait_until(lambda: sum(one.held() for one in held) < descriptors // 2, "only some of the crowd is kept")
            check, metrics = daemon.check("archive", "port"), daemon.metrics()
            log = daemon.log.read_text()
    assert answers == ["AA"]
    assert (check["state"], check["failures"]) == ("up", [])
    assert re.search(
        r'^pacs_connections_turned_away_total\{listener="HTTP",reason="gave_way"\} [1-9]', metrics, re.MULTILINE
    )
    assert len(log) < 8192
    attack("strangers", f"3 x {each} connections, {descriptors} descriptors: check up, sender served")


@pytest.mark.parametrize("size", [300, pytest.param(3000, marks=pytest.mark.proof)], ids=["short", "long"])
def test_handshakes_that_never_end_do_not_close_the_api(tmp_path: Path, size: int, attack: Attacked) -> None:
    authority, api, file = Authority(tmp_path), free_port(), tmp_path / "monitor.yaml"
    pair = authority.certificate()
    tls = f"tls: {{cert: {pair.cert}, key: {pair.key}}}"
    file.write_text(f"monitor: {{name: east, listen: '127.0.0.1:{api}', paging: off, {tls}}}\n")
    daemon = RunningDaemon(file, api)
    daemon.start(ready=False)

    def answers(source: str = "127.0.0.1") -> bool:
        with requests.Session() as session:
            session.mount("https://", From(source))
            try:
                return session.get(f"https://127.0.0.1:{api}/readyz", verify=authority.ca, timeout=20).ok
            except requests.ConnectionError:
                return False

    try:
        wait_until(answers, "it is ready")
        with crowd(api, size, CLIENT_HELLO) as strangers:
            assert len(strangers) == size
            assert answers()
            assert answers("127.0.0.2")
            assert strangers.held() <= LIMITS.per_address
            attack("handshakes", f"{strangers.held()} of {size} held, the API answers")
    finally:
        daemon.kill()


class From(HTTPAdapter):
    """Connects from an address of this machine."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._source, 0), **kwargs)
