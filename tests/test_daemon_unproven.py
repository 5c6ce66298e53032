"""A check that has never worked pages and says so; the account leaves it open whose fault that is."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import SECOND, CheckId, State
from pacs_monitor.reports import build, parse
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Received, Receiver
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import until

DEFAULTS = "interval: 200ms, retry_interval: 100ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
TCP = CheckId("archive", "tcp")
ASKS = "is it configured correctly?"


class Edited:
    """A monitor that watches one port, which is edited now and then; its daemon may end and begin again."""

    def __init__(self, folder: Path, pager: Receiver, port: int) -> None:
        self._folder, self._pager = folder, pager
        self._edit(port)

    async def start(self) -> None:
        self.daemon = await Daemon.open(load(self._folder / "monitor.yaml"))
        await self.daemon.start()

    async def reload(self, port: int) -> None:
        self._edit(port)
        assert (await self.daemon.reload("a test"))["changes"] == ["~ archive/tcp"]

    async def restart(self, port: int) -> None:
        await self.daemon.stop()
        self._edit(port)
        await self.start()

    async def paged(self, number: int) -> Received:
        return (await asyncio.to_thread(self._pager.wait_for, number))[number - 1]

    async def fails(self) -> None:
        """Until the port that stands in the file now was asked, and nobody listened there."""
        entry = self.daemon.engine.board.entries[TCP]
        runs = entry.runs
        await until(lambda: entry.runs > runs and entry.standing.state is State.DOWN)

    async def asked(self, path: str) -> httpx.Response:
        url = "http://{}:{}".format(*self.daemon.address)
        async with asking(url) as client:
            return await client.get(path)

    @property
    def state(self) -> State:
        return self.daemon.engine.board.entries[TCP].standing.state

    @property
    def proven(self) -> bool:
        return self.daemon.engine.board.entries[TCP].proven

    async def booked(self) -> Any:
        """End the daemon; how the one check is accounted for."""
        await self.daemon.stop()
        now = round(time.time() * SECOND)
        with closing(HistoryReader.open(f"sqlite:///{self._folder}/proof.db", "proof")) as reader:
            (check,) = build(reader, parse("2020-01-01..2099-12-31", "UTC", now), now)["checks"]
        return check

    def _edit(self, port: int) -> None:
        nodes = f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {port}}}}}}}\n"
        write_estate(self._folder, 0, nodes, pager=self._pager.url, secret=SECRET, defaults=DEFAULTS)


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port), backlog=500):
        yield


async def test_a_wrong_port_from_the_first_run_pages_and_is_booked_as_unproven(tmp_path: Path) -> None:
    right = free_port()
    with Receiver() as pager, listening(right):
        edited = Edited(tmp_path, pager, free_port())
        await edited.start()
        page = await edited.paged(1)
        status, incidents, metrics = [
            await edited.asked(path) for path in ("/api/v1/status", "/api/v1/incidents", "/metrics")
        ]
        await edited.restart(free_port())
        await edited.fails()
        still = edited.proven
        await edited.reload(right)
        recovered = await edited.paged(2)
        worked = edited.proven
        booked = await edited.booked()
    assert page.data["unproven"] is True
    assert page.data["summary"].endswith(ASKS)
    assert page.data["next_step"].startswith("Compare host, port and AE titles")
    assert incidents.json()[0]["next_step"] == page.data["next_step"]
    assert status.json()["nodes"][0]["checks"][0]["proven"] is False
    assert 'pacs_check_proven{check="tcp",node="archive",probe="tcp",site=""} 0.0' in metrics.text
    assert (still, worked) == (False, True)
    assert (recovered.type, recovered.data["unproven"]) == ("incident.resolved", False)
    assert (booked["seconds"]["down"], booked["availability"], booked["incidents"]) == (0, 1.0, [])
    assert booked["unknown_by_cause"]["unproven"] > 0


async def test_an_edit_during_an_outage_launders_nothing_whenever_the_daemon_learns_of_it(tmp_path: Path) -> None:
    port = free_port()
    with Receiver() as pager:
        edited = Edited(tmp_path, pager, port)
        with listening(port):
            await edited.start()
            await until(lambda: edited.state is State.UP)
        page = await edited.paged(1)
        proven = []
        for change in (edited.reload, edited.restart, edited.reload):
            await change(free_port())
            await edited.fails()
            proven.append(edited.proven)
        booked = await edited.booked()
    assert (page.data["unproven"], ASKS in page.data["summary"]) == (False, False)
    assert proven == [True, True, True]
    assert (booked["unknown_by_cause"]["unproven"], booked["seconds"]["down"] > 0) == (0, True)
    assert [outage["ended"] for outage in booked["incidents"]] == [None]


async def test_an_address_that_is_left_is_asked_no_more_while_the_reload_is_being_recorded(tmp_path: Path) -> None:
    """Else it would fail after the record has the check at the other address, with which it had worked."""
    port = free_port()
    with Receiver() as pager:
        edited = Edited(tmp_path, pager, port)
        with listening(port):
            await edited.start()
            await until(lambda: edited.state is State.UP)
            await edited.reload(free_port())
            await edited.paged(1)
            with closing(sqlite3.connect(tmp_path / "proof.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                reload = asyncio.create_task(edited.reload(port))
                await asyncio.sleep(1.0)  # ten runs
                other.execute("ROLLBACK")
                await reload
            await edited.paged(2)
            booked = await edited.booked()
    assert (booked["incidents"], booked["seconds"]["down"]) == ([], 0)


async def test_a_new_address_that_fails_at_once_is_unproven_until_the_old_one_is_back(tmp_path: Path) -> None:
    port = free_port()
    with Receiver() as pager:
        edited = Edited(tmp_path, pager, port)
        with listening(port):
            await edited.start()
            await until(lambda: edited.state is State.UP)
            await edited.reload(free_port())
            page = await edited.paged(1)
            assert edited.proven is False
            await edited.reload(port)
            await edited.paged(2)
        broken = await edited.paged(3)
        booked = await edited.booked()
    assert (page.data["unproven"], broken.data["unproven"]) == (True, False)
    assert booked["unknown_by_cause"]["unproven"] > 0
    (outage,) = booked["incidents"]
    assert outage["last_good"] is not None
    assert booked["seconds"]["down"] >= outage["at_least_seconds"]
