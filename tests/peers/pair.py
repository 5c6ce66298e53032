"""Two daemons of one name on one PostgreSQL, over two nodes: one whose associations are counted, one that breaks."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import requests

from tests.peers.counting import Counted, counting
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until

ROLE = re.compile(r'^pacs_monitor_role\{role="(\w+)"\} 1\.0$', re.MULTILINE)
OPENS, ENDS = "incident.opened", ("incident.resolved", "incident.withdrawn")
TIMING = "interval: 500ms, retry_interval: 250ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"


def wait(condition: Callable[[], bool], within: float = 60.0) -> None:
    wait_until(condition, "what the pair was to do", within)


def node(name: str, last: int, port: int) -> str:
    return f"  {name}: {{host: 127.0.0.{last}, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


class Pair:
    """Both daemons, and all that they meet."""

    def __init__(
        self, server: Postgres, counted: Counted, breaking: Switchable, receiver: Receiver, folder: Path
    ) -> None:
        self.server, self.counted, self.breaking, self.receiver = server, counted, breaking, receiver
        self.url = server.database()
        nodes = node("steady", 1, counted.port) + node("breaks", 2, breaking.port)
        self.daemons: list[RunningDaemon] = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            listen = free_port()
            file = write_estate(
                folder / name, listen, nodes, pager=receiver.url, secret=SECRET, database=self.url, defaults=TIMING
            )
            self.daemons.append(RunningDaemon(file, listen))

    def role(self, daemon: RunningDaemon) -> str:
        """Empty while it does not answer."""
        try:
            found = ROLE.search(requests.get(f"{daemon.url}/metrics", timeout=2).text)
        except requests.RequestException:
            return ""
        return found[1] if found else ""

    def stands_by(self, daemon: RunningDaemon) -> bool:
        return self.role(daemon) == "standby"

    def roles(self) -> list[str]:
        return sorted(self.role(daemon) for daemon in self.daemons)

    def leads(self, daemon: RunningDaemon) -> bool:
        """Whether it leads, and probes."""
        try:
            return self.role(daemon) == "leader" and requests.get(f"{daemon.url}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def one_leads(self) -> bool:
        return self.roles() == ["leader", "standby"]

    def leader(self) -> RunningDaemon:
        wait(self.one_leads)
        return next(daemon for daemon in self.daemons if self.role(daemon) == "leader")

    def other(self, daemon: RunningDaemon) -> RunningDaemon:
        return self.daemons[1 - self.daemons.index(daemon)]

    def terminate_sessions(self) -> int:
        """pg_terminate_backend on every session of the leader; how many there were."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as admin:
            ended = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        return int(ended[0]) if ended else 0

    def open_keys(self) -> set[str]:
        """What a receiver would still show."""
        keys: set[str] = set()
        for post in list(self.receiver.accepted):
            if post.type == OPENS:
                keys.add(post.key)
            elif post.type in ENDS:
                keys.discard(post.key)
        return keys

    def opened(self) -> set[str]:
        """A page may come twice, with the same key, when its delivery could not be recorded."""
        return {post.key for post in list(self.receiver.accepted) if post.type == OPENS}

    def breaks(self) -> None:
        """The node is away until it was paged."""
        before = self.opened()
        self.breaking.down()
        wait(lambda: self.opened() > before)

    def recovers(self) -> None:
        """The node is back, until no receiver shows anything any more."""
        self.breaking.up()
        wait(lambda: not self.open_keys())


def stopped(daemon: RunningDaemon) -> None:
    """SIGSTOP: as a machine that stands still."""
    os.kill(daemon.pid, signal.SIGSTOP)


def goes_on(daemon: RunningDaemon) -> None:
    os.kill(daemon.pid, signal.SIGCONT)


@contextmanager
def running_pair(folder: Path) -> Iterator[Pair]:
    """The first one leads, the second one stands by."""
    with ExitStack() as stack:
        server = stack.enter_context(Postgres())
        steady = stack.enter_context(Switchable())
        breaking = stack.enter_context(Switchable())
        counted = stack.enter_context(counting(steady.port))
        receiver = stack.enter_context(Receiver())
        pair = Pair(server, counted, breaking, receiver, folder)
        for daemon in pair.daemons:
            stack.callback(daemon.__exit__)
        pair.daemons[0].start()
        pair.daemons[1].start(ready=False)
        wait(pair.one_leads)
        wait(lambda: pair.daemons[1].get("/api/v1/status")["leader"].startswith("process"))  # it has looked
        yield pair
