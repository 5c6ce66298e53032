"""A receiver that is killed: its fallback has the page in time, and everybody who had a page has one end.

The daemon is killed in between, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import Stopwatch, wait_until

AFTER = 2.0
SLACK = 5.0
"""Seconds for the page itself, on a busy machine."""


class House:
    """A node, a daemon, and two receivers, the second of which is the fallback of the first."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.first, self.second = (stack.enter_context(Receiver()) for _ in range(2))
        self.peer = stack.enter_context(Switchable())
        listen = free_port()
        node = (
            f"archive: {{host: 127.0.0.1, dicom: {{port: {self.peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}"
        )
        config = write_estate(folder, listen, f"  {node}\n", pager=self.first.url, secret=SECRET)
        second = f"type: webhook, url: '{self.second.url}', secret: '{SECRET}'"
        text = config.read_text().replace(
            f"secret: '{SECRET}'}}}}",
            f"secret: '{SECRET}', fallback: {{channel: second, after: {AFTER:g}s}}}}, second: {{{second}}}}}",
        )
        config.write_text(text)
        self.daemon = stack.enter_context(RunningDaemon(config, listen))
        wait_for_state(self.daemon, "up")

    def restarted(self) -> None:
        """SIGKILL, and another process."""
        self.daemon.kill()
        self.daemon.start()

    def statuses(self) -> list[tuple[str, str, str]]:
        rows = self.daemon.get("/api/v1/notifications")
        return [(row["channel"], row["event"].removeprefix("incident."), row["status"]) for row in rows]

    def settled(self) -> bool:
        return all(status == "delivered" for *_, status in self.statuses())


def types(receiver: Receiver) -> list[str]:
    return [post.type.removeprefix("incident.") for post in receiver.told]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_the_fallback_has_the_page_in_time_and_both_have_one_end(house: House) -> None:
    house.first.down()
    house.peer.down()
    wait_until(lambda: house.daemon.get("/api/v1/incidents") != [], "the incident is open")
    with Stopwatch() as watch:
        house.second.wait_for(1)
    assert watch.seconds < AFTER + SLACK
    (page,) = house.second.accepted
    assert page.data["fallback_for"] == "pager"
    assert page.data["summary"].endswith("sent here because pager does not answer")
    (row,) = house.daemon.get("/api/v1/incidents")
    wait_until(lambda: ("second", "opened", "delivered") in house.statuses(), "it is on record")
    house.restarted()
    house.first.up()
    house.first.wait_for(1)
    house.restarted()
    wait_for_state(house.daemon, "down")
    house.peer.up()
    for receiver in (house.first, house.second):
        receiver.wait(lambda one: "resolved" in types(one))
    wait_until(house.settled, "all is delivered")
    assert house.daemon.stop() == 0
    assert types(house.first) == types(house.second) == ["opened", "resolved"]
    assert {post.key for post in (*house.first.accepted, *house.second.accepted)} == {f"proof/{row['id']}"}


def test_a_page_that_waits_when_the_daemon_is_killed_goes_to_the_fallback_of_the_next_process(house: House) -> None:
    house.first.down()
    house.peer.down()
    wait_until(lambda: ("pager", "opened", "pending") in house.statuses(), "the page waits")
    house.daemon.kill()
    time.sleep(AFTER)
    house.daemon.start()
    house.second.wait_for(1)
    house.peer.up()
    house.second.wait(lambda one: types(one) == ["opened", "resolved"])
    house.restarted()
    house.first.up()
    house.first.wait(lambda one: "resolved" in types(one))
    wait_until(house.settled, "all is delivered")
    assert house.daemon.stop() == 0
    assert types(house.first) == types(house.second) == ["opened", "resolved"]


def test_a_primary_that_had_the_page_gets_the_resolve_when_it_is_back_and_the_fallback_nothing(house: House) -> None:
    house.peer.down()
    house.first.wait_for(1)
    house.first.down()
    house.peer.up()
    wait_for_state(house.daemon, "up")
    wait_until(lambda: ("pager", "resolved", "pending") in house.statuses(), "the end waits")
    time.sleep(AFTER)
    house.restarted()
    house.first.up()
    house.first.wait(lambda one: "resolved" in types(one))
    wait_until(house.settled, "all is delivered")
    assert house.daemon.stop() == 0
    assert types(house.first) == ["opened", "resolved"]
    assert house.second.posts == []
