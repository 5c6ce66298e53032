from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate


class Served:
    """A daemon in the test's own loop, and a client that comes from this machine."""

    def __init__(self, daemon: Daemon, peer: Switchable) -> None:
        self.daemon, self.peer = daemon, peer
        self.url = "http://{}:{}".format(*daemon.address)
        self.client = httpx.AsyncClient(base_url=self.url, trust_env=False)

    @property
    def config(self) -> Path:
        return Path(self.daemon.estate.file)


def nodes(port: int) -> str:
    return (
        f"  archive: {{host: 127.0.0.1, site: east, role: archive, dicom: {{port: {port}, ae_title: PEER}}, "
        f"checks: {{dicom_echo: {{severity: critical}}, port: {{probe: tcp, port: {port}}}}}}}\n"
    )


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    with Switchable() as peer:
        timing = "interval: 200ms, retry_interval: 100ms, timeout: 10s"
        daemon = await Daemon.open(load(write_estate(tmp_path, 0, nodes(peer.port), defaults=timing)))
        await daemon.start()
        served = Served(daemon, peer)
        yield served
        await served.client.aclose()
        await daemon.stop()
