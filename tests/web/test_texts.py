"""No text that a peer, a file's name or a caller can give makes an answer of the API or of /metrics a 500."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from tests.peers.prometheus import promtool
from tests.peers.replayed import replayed
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON

STATUSES = "/api/channels/statuses"
HALF = rb'{"list": {"dashboardStatus": {"name": "\ud800 \u0000", "state": "STARTED", "queued": 4}}}'
"""JSON may hold half of a character (RFC 8259 8.2); UTF-8 cannot."""
NODES = """\
  engine:
    mirth: {{url: "{url}"}}
    checks: {{queue: {{source: mirth, warn: 1}}}}
  job: {{checks: {{nightly: {{probe: push, within: 1h}}}}}}
"""
READ = ("/metrics", "/api/v1/status", "/api/v1/nodes/engine", "/api/v1/checks/engine/queue", "/probe?node=engine")


TARGETS = (
    *(b"GET /api/v1/nodes/%ED%A0%80", b"GET /api/v1/nodes/\xfc", b"GET /probe?node=%FC", b"GET /%FC"),
    *(b"GET /api/v1/checks/engine/%00", b"GET /api/v1/incidents/%00%FC", b"GET /api/v1/incidents?limit=%FC"),
    *(b"POST /api/v1/push/engine/%FC", b"POST /api/v1/push/job/nightly?seconds=nan", b"GET /metrics?x=\xfc"),
    *(b"POST /api/v1/push/job/nightly?seconds=inf", b"POST /api/v1/push/job/nightly?status=%FC"),
    *(b"POST /api/v1/channels/%FC/test", b"POST /api/v1/reload?by=%ED%A0%80", b"DELETE /%FC"),
)
FOREIGN = b"Authorization: Bearer \xfc\r\nAccept: \xfc;q=\xfc\r\nUser-Agent: \xfc\r\n"


@asynccontextmanager
async def running(folder: Path, database: Path) -> AsyncIterator[tuple[Daemon, httpx.AsyncClient]]:
    """A daemon whose peer tells half characters, and a client of it."""
    async with replayed({STATUSES: HALF}) as peer, asyncio.timeout(SOON):
        nodes = NODES.format(url=peer.url)
        daemon = await Daemon.open(load(write_estate(folder, 0, nodes, database=f"sqlite:///{database}/proof.db")))
        await daemon.start()
        try:
            url = "http://{}:{}".format(*daemon.address)
            async with asking(url) as client:
                while "pacs_queue_length{" not in (await client.get("/metrics")).text:
                    await asyncio.sleep(0.02)
                yield daemon, client
        finally:
            await daemon.stop()


@pytest.mark.parametrize("name", ["plain", os.fsdecode(b"M\xfcnster")])
async def test_half_characters_of_a_peer_and_of_the_name_of_our_file_are_told(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    async with running(folder, tmp_path) as (_, client):
        text = (await client.get("/metrics")).text
        assert 'queue="? ?…' in text
        clean = promtool("check", "metrics", given=text)
        assert clean.returncode == 0, clean.stderr
        assert {path: (await client.get(path)).status_code for path in READ} == dict.fromkeys(READ, 200)
        (folder / "monitor.yaml").write_text("nodes: [")
        refused = await client.get("/api/v1/reload")
        assert (refused.status_code, type(refused.json()["detail"])) == (422, list)


async def test_no_text_of_a_caller_is_answered_with_500(tmp_path: Path) -> None:
    async with running(tmp_path, tmp_path) as (daemon, client):
        statuses = {target: await status_of(*daemon.address, target) for target in TARGETS}
        assert {target: status for target, status in statuses.items() if not 200 <= status < 500} == {}
        assert {path: (await client.get(path)).status_code for path in READ} == dict.fromkeys(READ, 200)


async def status_of(host: str, port: int, target: bytes) -> int:
    """Of the answer to a request that is written byte by byte."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(target + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n")
    writer.write(FOREIGN + b"\r\n")
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status
