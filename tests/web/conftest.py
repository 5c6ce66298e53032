from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.web.app import create_app
from pacs_monitor.web.auth import SIGN_IN
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON


class Served:
    """A daemon in the test's own loop, and a client that comes from this machine."""

    def __init__(self, daemon: Daemon, peer: Switchable) -> None:
        self.daemon, self.peer = daemon, peer
        self.url = "http://{}:{}".format(*daemon.address)
        self.client = asking(self.url)

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


AS_BROWSER = {"accept": "text/html"}
TOKENS = {"oncall": "operator", "reader": "viewer", "screen": "wall", "job": "reporter"}
AUTH = ", ".join(f"{{name: {name}, role: {role}, token: {name}-token}}" for name, role in TOKENS.items())

PROXY = "{from: 10.0.0.5, user_header: X-Remote-User, roles: {operator: [PACS-Operators], viewer: '*'}}"


class Guarded:
    """A daemon with tokens, whose archive is down."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._browsers: list[httpx.AsyncClient] = []

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.daemon.address)

    def browser(self) -> httpx.AsyncClient:
        self._browsers.append(asking(self.url, headers=AS_BROWSER))
        return self._browsers[-1]

    def proxied(self, peer: str = "10.0.0.5") -> httpx.AsyncClient:
        """As its proxy asks, by an address that this machine does not have."""
        transport = httpx.ASGITransport(app=create_app(self.daemon), client=(peer, 5000))
        self._browsers.append(httpx.AsyncClient(transport=transport, base_url=self.url, headers=AS_BROWSER))
        return self._browsers[-1]

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.aclose()

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        browser = self.browser()
        answer = await self.send(browser, SIGN_IN, SIGN_IN, token=f"{name}-token")
        assert answer.status_code == 303, answer.text
        return browser

    async def proof(self, browser: httpx.AsyncClient, page: str) -> str:
        found = re.search(r'name="proof" value="(\w+)"', (await browser.get(page)).text)
        return found[1] if found else ""

    async def send(self, browser: httpx.AsyncClient, page: str, path: str, **fields: str) -> httpx.Response:
        """The form of a page, as a browser sends it."""
        form = {"proof": await self.proof(browser, page), **fields}
        return await browser.post(path, data=form, headers={"origin": self.url})

    async def incident(self) -> str:
        async with asyncio.timeout(SOON):
            while not (open_ones := self.daemon.desk.open_incidents()):
                await asyncio.sleep(0.02)
        return open_ones[0].id


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    node = f"  archive: {{host: 127.0.0.1, site: east, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
    file = write_estate(tmp_path, 0, node)
    wall = "  wall: {from: [10.1.2.0/28]}\n"
    auth = f"  auth: {{tokens: [{AUTH}], proxy: {PROXY}}}\n"
    file.write_text(file.read_text().replace("  paging:", f"{auth}{wall}  paging:"))
    daemon = await Daemon.open(load(file))
    await daemon.start()
    guarded = Guarded(daemon)
    yield guarded
    await guarded.close()
    await daemon.stop()
