"""SIGKILL at random moments, with the receiver up and down: no page is lost, none is out of order."""

from __future__ import annotations

import random
import time
from collections import defaultdict

import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Received, Receiver
from tests.proofs.estates import write_estate
from tests.proofs.switchable import Switchable

NODES = 3


@pytest.mark.parametrize(
    ("kills", "receiver_down"),
    [
        pytest.param(5, 5.0, id="short"),
        pytest.param(50, 120.0, id="long", marks=[pytest.mark.proof, pytest.mark.timeout(1800)]),
    ],
)
def test_every_page_that_was_due_is_delivered_in_order(tmp_path, kills, receiver_down):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    listen = free_port()
    peers = [Switchable() for _ in range(NODES)]
    nodes = "".join(
        f"  n{n}: {{host: 127.0.0.{n + 1}, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        for n, peer in enumerate(peers)
    )
    timing = "interval: 500ms, retry_interval: 200ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
    with Receiver() as pager:
        config = write_estate(tmp_path, listen, nodes, pager=pager.url, secret=SECRET, defaults=timing)
        with RunningDaemon(config, listen) as daemon:
            for peer in peers:
                peer.up()
            try:
                storm(daemon, pager, peers, dice, kills, receiver_down)
            finally:
                for peer in peers:
                    peer.__exit__()
            incidents = daemon.get("/api/v1/incidents?limit=1000")
            owed = daemon.get("/api/v1/notifications?limit=1000")
            assert daemon.stop() == 0
        accepted, every = list(pager.accepted), list(pager.posts)

    assert all(row["status"] == "delivered" for row in owed), [row for row in owed if row["status"] != "delivered"]
    assert {row["id"] for row in owed} == {post.id for post in accepted}
    assert all(incident["ended"] for incident in incidents)
    by_incident: dict[str, list[Received]] = defaultdict(list)
    for post in accepted:
        by_incident[post.data["incident"]].append(post)
    assert {incident["id"] for incident in incidents} == by_incident.keys()
    for posts in by_incident.values():
        assert first_of_each(posts) == ["incident.opened", "incident.resolved"]
    what = {(post.data["incident"], post.type): post.id for post in every}
    assert all(what[post.data["incident"], post.type] == post.id for post in every)  # one webhook-id on every retry
    assert not pager.bad
    assert len(incidents) >= kills / 5  # the storm did what it is for; chance decides how many breaks last


def storm(
    daemon: RunningDaemon,
    pager: Receiver,
    peers: list[Switchable],
    dice: random.Random,
    kills: int,
    receiver_down: float,
) -> None:
    """Nodes break and recover; the daemon is killed somewhere around; the receiver is away for a long while once."""
    settle(daemon, "up")
    away_until = time.monotonic() + receiver_down
    pager.down()
    away = True
    for n in range(kills):
        victim = dice.choice(peers)
        if dice.random() < 0.5:
            victim.down()
            time.sleep(dice.uniform(0.0, 1.5))
            daemon.kill()
            if dice.random() < 0.5:
                daemon.start()
                time.sleep(dice.uniform(0.0, 1.0))
            else:
                daemon.start(ready=False)
            victim.up()
        else:
            victim.down()
            time.sleep(dice.uniform(0.8, 1.6))
            victim.up()
            time.sleep(dice.uniform(0.0, 1.2))
            daemon.kill()
            daemon.start()
        if away and (time.monotonic() > away_until or n == kills - 1):
            pager.up()
            away = False
        elif not away and dice.random() < 0.2:
            pager.down()
            away, away_until = True, time.monotonic() + dice.uniform(0.5, 4.0)
    if away:
        pager.up()
    settle(daemon, "up")
    drain(daemon)


def settle(daemon: RunningDaemon, state: str, within: float = 60.0) -> None:
    """Until every check stands in `state`, and no incident is open."""
    daemon.wait_ready()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        board = daemon.get("/api/v1/status")
        if board["counts"][state] == NODES and not daemon.get("/api/v1/incidents?open=true"):
            return
        time.sleep(0.1)
    raise AssertionError(f"not all {state}: {board['counts']}\n{daemon.log.read_text()[-4000:]}")


def drain(daemon: RunningDaemon, within: float = 90.0) -> None:
    """Until nothing is owed any more; a retry may be a minute away."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if all(row["status"] != "pending" for row in daemon.get("/api/v1/notifications?limit=1000")):
            return
        time.sleep(0.2)
    raise AssertionError("still owed after the receiver came back")


def first_of_each(posts: list[Received]) -> list[str]:
    """The types in the order of their first arrival: a delivery may be repeated when it could not be recorded."""
    return list(dict.fromkeys(post.type for post in posts))
