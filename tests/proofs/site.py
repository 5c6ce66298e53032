"""A daemon, whom it tells, and nodes on a switch, each with one check of one TCP port."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pacs_monitor.history import HistoryReader
from pacs_monitor.model import SECOND, IncidentKind
from pacs_monitor.reports import build, parse
from tests.peers.daemon import RunningDaemon
from tests.peers.plugged import Switch
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Received, Receiver
from tests.support.timing import wait_until

SETTLES = 2.5
"""Seconds in which anything that would still be sent is sent: a check is asked anew within 2 s."""


@dataclass
class Site:
    """What a proof does, and what it sees."""

    daemon: RunningDaemon
    pager: Receiver
    switch: Switch
    folder: Path

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder}/proof.db"

    def hears(self, *pages: str, since: int = 0, at_last: bool = True) -> list[Received]:
        """Exactly these (`incident.opened NODE`, `group.opened SITE`), in any order; at last nothing else follows."""
        wait_until(lambda: not Counter(pages) - self._said(since), f"{pages}, not {self._said(since)}")
        time.sleep(SETTLES if at_last else 0)
        assert self._said(since) == Counter(pages), self._said(since)
        return self.pager.told[since:]

    def _said(self, since: int) -> Counter[str]:
        posts = self.pager.told[since:]
        return Counter(f"{post.type} {post.data.get('node') or post.data['site']}" for post in posts)

    def count(self, state: str) -> int:
        """How many checks are in a state."""
        return int(self.daemon.get("/api/v1/status")["counts"].get(state, 0))

    def shows(self, state: str, count: int) -> None:
        wait_until(lambda: self.count(state) >= count, f"{count} checks {state}")

    def recorded(self, nodes: int) -> None:
        """So many nodes have an open incident on record; the board may be ahead of it."""

        def count() -> int:
            with closing(HistoryReader.open(self.database, "proof")) as reader:
                return sum(one.kind is IncidentKind.NODE for one in reader.incidents(open_only=True))

        wait_until(lambda: count() >= nodes, f"{nodes} incidents on record")

    def restart(self) -> None:
        """By SIGKILL."""
        self.daemon.kill()
        self.daemon.start()


@contextmanager
def site(
    folder: Path, nodes: Mapping[str, str], *, sites: str = "", monitor: str = "", page_after: str = "500ms"
) -> Iterator[Site]:
    """`nodes`: name → host and whatever else there is to say of it, as YAML."""
    listen, switch = free_port(), Switch(free_port())
    check = f"checks: {{tcp: {{port: {switch.port}}}}}"
    written = "".join(f"  {name}: {{host: {said}, {check}}}\n" for name, said in nodes.items())
    with Receiver() as pager, switch:
        file = folder / "monitor.yaml"
        file.write_text(
            f"monitor: {{name: proof, database: 'sqlite:///{folder}/proof.db', listen: '127.0.0.1:{listen}',"
            f" {monitor}}}\n"
            "defaults: {interval: 300ms, retry_interval: 200ms, timeout: 1s, failures: 2, recoveries: 1,"
            f" page_after: {page_after}}}\n"
            f"channels: {{pager: {{type: webhook, url: '{pager.url}', secret: '{SECRET}'}}}}\n"
            "default_route: {channels: [pager]}\n"
            f"{sites}nodes:\n{written}"
        )
        switch.plug(said.partition(",")[0] for said in nodes.values())
        with RunningDaemon(file, listen) as daemon:
            watched = Site(daemon, pager, switch, folder)
            watched.shows("up", len(nodes))
            yield watched
            assert daemon.stop() == 0
        assert not pager.bad


def account(of: Site, node: str) -> dict[str, Any]:
    """A node's row of the report."""
    now = round(time.time() * SECOND)
    with closing(HistoryReader.open(of.database, "proof")) as reader:
        report = build(reader, parse("2020-01-01..2099-12-31", "UTC", now), now)
    (row,) = [dict(check) for check in report["checks"] if check["node"] == node]
    return row
