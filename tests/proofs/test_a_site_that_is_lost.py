"""A site of twenty nodes behind a switch that dies with all of them: one page; what stays dead pages when it is back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.network import apart, drop, let_through
from tests.peers.plugged import Switch
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.support.timing import wait_until

NODES = 20
STILL_DEAD = 3
SETTLES = 2.5
"""Seconds in which anything that would still be sent is sent: a check is asked anew within 2 s."""
WEST = [f"127.9.1.{n}" for n in range(1, NODES + 1)]
SWITCH = "127.9.0.1"


@dataclass
class Site:
    """The daemon, whom it tells, and what it watches."""

    daemon: RunningDaemon
    pager: Receiver
    switch: Switch

    def said(self) -> Counter[str]:
        """What was received: event and the name of the node or site."""
        return Counter(f"{post.type} {post.data.get('node') or post.data['title']}" for post in self.pager.accepted)

    def hears(self, *pages: str) -> None:
        """Exactly these, whatever order they come in; nothing else follows."""
        wait_until(lambda: not Counter(pages) - self.said(), f"{pages}, not {self.said()}")
        time.sleep(SETTLES)
        assert self.said() == Counter(pages)

    def restart(self) -> None:
        """By SIGKILL."""
        self.daemon.kill()
        self.daemon.start()

    def count(self, state: str) -> int:
        return int(self.daemon.get("/api/v1/status")["counts"].get(state, 0))

    def shows(self, state: str, count: int) -> None:
        wait_until(lambda: self.count(state) == count, f"{count} checks {state}")


@contextmanager
def site(folder: Path, *, depends: bool = False, more: str = "", nodes: str = "") -> Iterator[Site]:
    listen, switch = free_port(), Switch(free_port())
    parents = ", depends_on: [sw]" if depends else ""
    check = f"checks: {{tcp: {{port: {switch.port}}}}}"
    of_west = "".join(f"  n{n}: {{site: west, host: {host}{parents}, {check}}}\n" for n, host in enumerate(WEST, 1))
    with Receiver() as pager, switch:
        (folder / "monitor.yaml").write_text(
            f"monitor: {{name: proof, database: 'sqlite:///{folder}/proof.db', listen: '127.0.0.1:{listen}'}}\n"
            "defaults: {interval: 300ms, retry_interval: 200ms, timeout: 1s, failures: 2, recoveries: 1,"
            " page_after: 500ms}\n"
            f"channels: {{pager: {{type: webhook, url: '{pager.url}', secret: '{SECRET}'}}}}\n"
            "default_route: {channels: [pager]}\n"
            "sites: {west: {title: West}}\n"
            f"nodes:\n  sw: {{site: west, host: {SWITCH}, {check}}}\n{of_west}{nodes}"
        )
        switch.plug([SWITCH, *WEST])
        with RunningDaemon(folder / "monitor.yaml", listen) as daemon:
            yield Site(daemon, pager, switch)
            assert daemon.stop() == 0
        assert not pager.bad


def test_a_switch_that_dies_with_twenty_nodes_is_one_page_and_what_stays_dead_pages_when_it_is_back(
    tmp_path: Path,
) -> None:
    with site(tmp_path, depends=True) as west:
        west.shows("up", NODES + 1)
        west.switch.die()
        west.shows("down", NODES + 1)
        west.hears("group.opened west")
        west.switch.plug([SWITCH, *WEST[STILL_DEAD:]])
        dead = [f"incident.opened n{n}" for n in range(1, STILL_DEAD + 1)]
        west.hears("group.opened west", "group.resolved west", *dead)
        assert west.count("down") == STILL_DEAD


def test_killed_at_any_moment_the_daemon_repeats_no_page_and_ends_the_group_once(tmp_path: Path) -> None:
    dead = [f"incident.opened n{n}" for n in range(1, STILL_DEAD + 1)]
    with site(tmp_path) as west:
        west.shows("up", NODES + 1)
        west.switch.die()
        west.shows("down", NODES // 2)
        west.restart()
        west.hears("group.opened west")
        west.restart()
        west.hears("group.opened west")
        west.switch.plug([SWITCH, *WEST[STILL_DEAD:]])
        west.shows("up", NODES // 2)
        west.restart()
        west.hears("group.opened west", "group.resolved west", *dead)
        west.restart()
        west.hears("group.opened west", "group.resolved west", *dead)


def test_behind_a_switch_that_is_named_as_their_parent_they_are_part_of_its_page(tmp_path: Path) -> None:
    def scene() -> None:
        with site(tmp_path, depends=True) as west:
            west.shows("up", NODES + 1)
            drop("ip daddr 127.9.0.0/16")
            west.shows("down", NODES + 1)
            west.hears("incident.opened sw")
            west.switch.die()
            west.switch.plug([SWITCH, *WEST[STILL_DEAD:]])
            let_through()
            dead = [f"incident.opened n{n}" for n in range(1, STILL_DEAD + 1)]
            west.hears("incident.opened sw", "incident.resolved sw", *dead)

    apart(scene)
