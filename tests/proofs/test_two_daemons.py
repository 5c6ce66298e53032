"""Two daemons of one name on PostgreSQL: whatever happens to the leader, exactly one probes and pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest
import requests

from pacs_monitor.alerting.flapping import FAILURES
from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon
from tests.peers.outside import outside
from tests.peers.pair import Pair, goes_on, running_pair, stopped, wait
from tests.support.timing import Stopwatch

TAKEOVER = 20.0
"""Seconds in which the standby leads, at most."""


def test_one_leads_and_the_other_takes_over_when_it_ends_or_its_sessions_do(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        first, second = pair.daemons
        assert pair.leads(first)
        answer = requests.get(f"{second.url}/readyz", timeout=5)
        assert (answer.status_code, answer.text.split(":")[0]) == (503, "standby")
        assert requests.head(f"{second.url}/healthz", timeout=5).status_code == 200
        assert second.get("/api/v1/status")["role"] == "standby"
        assert requests.get(f"{second.url}/api/v1/incidents", timeout=5).status_code == 503
        assert pair.terminate_sessions() >= 2
        wait(pair.one_leads)
        pair.breaks()
        leader = pair.leader()
        assert leader.stop() == 0
        wait(lambda: pair.leads(pair.other(leader)))
        pair.recovers()
        assert len(pair.opened()) == 1
        assert pair.counted.most_at_once == 1


def test_a_standby_sends_no_heartbeat_until_it_leads(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair, outside() as receiver:
        for daemon in pair.daemons:
            url = f"http://127.0.0.1:{receiver.port}/{daemon.config.parent.name}"
            text = daemon.config.read_text()
            heartbeat = f"  heartbeat: {{url: '{url}', interval: 1s}}\n  paging:"
            daemon.config.write_text(text.replace("  paging:", heartbeat))
        leader = pair.leader()
        ours, others = (f"/{daemon.config.parent.name}" for daemon in (leader, pair.other(leader)))
        leader.hang_up()
        wait(lambda: receiver.paths.count(ours) >= 5)
        assert others not in receiver.paths
        leader.kill()
        wait(lambda: receiver.paths.count(others) >= 3)
        assert receiver.paths.index(others) > len(receiver.paths) - 1 - receiver.paths[::-1].index(ours)


def takeover(leads: Callable[[], bool]) -> float:
    """Until somebody leads; the seconds that it took while this machine ran."""
    with Stopwatch() as watch:
        wait(leads)
    assert watch.seconds < TAKEOVER
    return watch.seconds


def ends_sessions(pair: Pair, leader: RunningDaemon) -> None:
    wait(lambda: pair.terminate_sessions() >= 2)


def restarts_server(pair: Pair, leader: RunningDaemon) -> None:
    pair.server.stop()
    pair.server.start()


def kills(pair: Pair, leader: RunningDaemon) -> None:
    leader.kill()


def stops(pair: Pair, leader: RunningDaemon) -> None:
    stopped(leader)


@pytest.mark.parametrize("trouble", [ends_sessions, restarts_server])
@pytest.mark.proof
@pytest.mark.timeout(600)
def test_sessions_that_end_leave_one_leader_each_time(
    tmp_path: Path, trouble: Callable[[Pair, RunningDaemon], None], attack: Attacked
) -> None:
    took = []
    with running_pair(tmp_path) as pair:
        for outage in range(1, FAILURES):  # one more would be flapping, whose incident stays open
            trouble(pair, pair.leader())
            took.append(takeover(lambda: any(pair.leads(daemon) for daemon in pair.daemons)))
            wait(pair.one_leads)
            pair.breaks()
            pair.recovers()
            assert len(pair.opened()) == outage
        assert pair.counted.most_at_once == 1
    key = "sessions-end" if trouble is ends_sessions else "server-restarts"
    attack(key, f"one leader again after {max(took):.1f} s at most; {len(took)} outages, one page each")


@pytest.mark.parametrize("trouble", [kills, stops])
@pytest.mark.proof
@pytest.mark.timeout(600)
def test_the_standby_takes_over_from_a_leader_that_is_gone_and_that_one_is_silent(
    tmp_path: Path, trouble: Callable[[Pair, RunningDaemon], None], attack: Attacked
) -> None:
    took = []
    with running_pair(tmp_path) as pair:
        for outage in range(1, 4):
            leader = pair.leader()
            other = pair.other(leader)
            trouble(pair, leader)
            took.append(takeover(partial(pair.leads, other)))
            pair.breaks()
            if trouble is kills:
                leader.start(ready=False)
            else:
                goes_on(leader)
            wait(partial(pair.stands_by, leader))
            assert pair.leads(other)
            pair.recovers()
            assert len(pair.opened()) == outage
        assert pair.counted.most_at_once == 1
    key = "leader-killed" if trouble is kills else "leader-stopped"
    attack(key, f"the standby leads after {max(took):.1f} s at most; the old leader is silent; one page each")


@pytest.mark.parametrize("late", [False, True], ids=["adopted", "withdrawn"])
@pytest.mark.proof
@pytest.mark.timeout(600)
def test_what_the_old_leader_opened_unrecorded_is_adopted_or_withdrawn(
    tmp_path: Path, late: bool, attack: Attacked
) -> None:
    with running_pair(tmp_path) as pair:
        leader = pair.leader()
        other = pair.other(leader)
        pair.server.stop()
        pair.breaks()
        (key,) = pair.opened()
        stopped(leader)
        pair.server.start()
        if late:
            wait(lambda: pair.leads(other))
            wait(lambda: len(pair.opened()) == 2)
        else:
            wait(lambda: "claimed term 2" in other.log.read_text())
        goes_on(leader)
        wait(lambda: pair.role(leader) == "standby")
        wait(lambda: pair.leads(other))
        if late:
            wait(lambda: key not in pair.open_keys())
            assert len(pair.open_keys()) == 1
        pair.recovers()
        assert len(pair.opened()) == (2 if late else 1)
        assert pair.counted.most_at_once == 1
    attack("orphans", "adopted under its key by a leader that has not read the record yet, else withdrawn")


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_leader_without_its_database_goes_on_paging(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        leader = pair.leader()
        pair.server.stop()
        pair.breaks()
        wait(lambda: pair.role(leader) == "leader")
        pair.server.start()
        pair.recovers()
        wait(pair.one_leads)
        assert len(pair.opened()) == 1


@pytest.mark.proof
def test_a_standby_whose_database_fails_while_it_takes_over_stands_by_again(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        leader = pair.leader()
        heir = pair.other(leader)
        with psycopg.connect(pair.url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no room'; END$$")
            admin.execute("CREATE TRIGGER refuse BEFORE INSERT ON revisions FOR EACH ROW EXECUTE FUNCTION refuse()")
            leader.stop()
            wait(lambda: "standby again" in heir.log.read_text())
            wait(lambda: pair.role(heir) == "standby")
            admin.execute("DROP TRIGGER refuse ON revisions")
        wait(lambda: pair.leads(heir))
