"""A site of twenty nodes behind a switch that dies with all of them is one page; what stays dead pages afterwards."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from pacs_monitor.alerting.flapping import FAILURES
from tests.peers.network import apart, drop, let_through
from tests.proofs.site import SETTLES, site
from tests.support.timing import wait_until

NODES = 20
STILL_DEAD = 3
SWITCH, *HOSTS = ("127.9.0.1", *(f"127.9.1.{n}" for n in range(1, NODES + 1)))
WEST = {"sw": f"{SWITCH}, site: west"} | {f"n{n}": f"{host}, site: west" for n, host in enumerate(HOSTS, 1)}
BEHIND = {name: f"{said}, depends_on: [sw]" if name != "sw" else said for name, said in WEST.items()}
BACK = [SWITCH, *HOSTS[STILL_DEAD:]]
DEAD = [f"incident.opened n{n}" for n in range(1, STILL_DEAD + 1)]


def test_a_switch_that_dies_with_twenty_nodes_is_one_page_and_what_stays_dead_pages_when_it_is_back(
    tmp_path: Path,
) -> None:
    with site(tmp_path, BEHIND) as west:  # they refuse, which no dead parent explains
        west.switch.die()
        west.shows("down", NODES + 1)
        west.hears("group.opened west")
        west.switch.plug(BACK)
        west.hears("group.opened west", "group.resolved west", *DEAD)
        assert west.count("down") == STILL_DEAD


def test_killed_at_any_moment_the_daemon_repeats_no_page_and_ends_the_group_once(tmp_path: Path) -> None:
    with site(tmp_path, WEST) as west:
        west.switch.die()
        west.recorded(NODES // 2)
        west.restart()
        west.hears("group.opened west", at_last=False)
        west.switch.plug(BACK)
        west.shows("up", 1)
        west.restart()
        west.hears("group.opened west", "group.resolved west", *DEAD)


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_killed_at_random_moments_every_page_goes_out_once_and_has_one_end(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice, groups = random.Random(seed), 0
    for estate in range(3):
        (tmp_path / str(estate)).mkdir()
        groups += killed_at_random_moments(tmp_path / str(estate), dice)
    assert 6 <= groups <= 3 * (FAILURES - 1)


def killed_at_random_moments(folder: Path, dice: random.Random) -> int:
    """How many groups there were of as many losses as there are without flapping."""
    with site(folder, WEST) as west:
        for _ in range(FAILURES - 1):
            west.switch.die()
            time.sleep(dice.uniform(0, 4))
            west.restart()
            time.sleep(dice.uniform(0, 2))
            west.switch.plug([SWITCH, *HOSTS])
            time.sleep(dice.uniform(0, 2))
            west.restart()
            west.shows("up", NODES + 1)
        wait_until(lambda: not west.daemon.get("/api/v1/incidents?open=true"), "nothing is open")
        time.sleep(SETTLES)
        said = [(post.type.partition(".")[2], post.key) for post in west.pager.told]
        opened = [key for event, key in said if event == "opened"]
        assert sorted(opened) == sorted(set(opened))
        assert sorted(key for event, key in said if event == "resolved") == sorted(opened)
        return sum(post.type == "group.opened" for post in west.pager.told)


def test_behind_a_switch_that_is_named_as_their_parent_they_are_part_of_its_page(tmp_path: Path) -> None:
    def scene() -> None:
        with site(tmp_path, BEHIND, page_after="2s") as west:
            drop("ip daddr 127.9.0.0/16")
            west.shows("down", NODES + 1)
            (opened,) = west.hears("incident.opened sw", at_last=False)
            assert len(opened.data["also_failing"]) == NODES
            west.switch.die()
            west.switch.plug(BACK)
            let_through()
            west.hears("incident.opened sw", "incident.resolved sw", *DEAD)

    apart(scene)
