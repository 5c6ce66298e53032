"""A database that hangs, rather than fails: pages go out all the same, everybody is told, and SIGTERM ends in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from tests.attacks import Attacked
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.postgres import Postgres
from tests.peers.receiver import SECRET, Receiver
from tests.peers.stalling import stalled_disk
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import wait_until

Hang = Callable[[RunningDaemon], AbstractContextManager[None]]


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another session holds a table of the record."""
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
        yield
        session.rollback()


@pytest.fixture(
    params=[
        "locked",
        pytest.param("stopped", marks=pytest.mark.proof),
        pytest.param("stalled disk", marks=pytest.mark.proof),
    ]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, Hang]]:
    """What hangs, the URL of a database, and how it is made to hang."""
    if request.param == "stalled disk":
        yield request.param, f"sqlite:///{tmp_path}/proof.db", lambda daemon: stalled_disk(daemon.pid)
        return
    with Postgres() as server:
        url = server.database()
        yield request.param, url, lambda _daemon: locked(url) if request.param == "locked" else server.stopped()


def test_pages_go_out_unrecorded_everybody_is_told_and_the_record_is_made_good(
    tmp_path: Path, database: tuple[str, str, Hang], attack: Attacked
) -> None:
    listen = free_port()
    what, url, hang = database
    with Receiver() as pager, Switchable() as peer:
        config = write_estate(tmp_path, listen, archive(peer), pager=pager.url, secret=SECRET, database=url)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            with hang(daemon):
                peer.down()
                died = time.monotonic()
                (opened,) = pager.wait_for(1, timeout=40)
                paged = time.monotonic() - died
                assert opened.data["unrecorded"] is True
                link = f"/api/v1/incidents/{opened.data['incident']}"
                assert daemon.get(link)["cause"] == "unreachable:archive"
                wait_until(lambda: unready(daemon), "it says that it is not ready")
                assert "pacs_history_write_seconds" in daemon.metrics()
                peer.up()
                pager.wait_for(2, timeout=40)
            wait_until(lambda: recorded(daemon) == ["delivered", "delivered"], "the record is made good", within=60)
            (incident,) = daemon.get("/api/v1/incidents")
            assert (incident["id"], incident["ending"]) == (opened.data["incident"], "resolved")
            wait_until(lambda: not unready(daemon), "it is ready again")
            assert daemon.stop() == 0
    assert [post.type for post in pager.posts] == ["incident.opened", "incident.resolved"]
    attack(f"hang-{what}", f"page after {paged:.1f} s, marked `unrecorded`; `/readyz` 503; recorded and resolved later")


def test_sigterm_ends_within_ten_seconds_and_prints_no_traceback(
    tmp_path: Path, database: tuple[str, str, Hang], attack: Attacked
) -> None:
    listen = free_port()
    what, url, hang = database
    with Receiver() as pager, Switchable() as peer:
        config = write_estate(tmp_path, listen, archive(peer), pager=pager.url, secret=SECRET, database=url)
        with RunningDaemon(config, listen) as daemon:
            wait_for_state(daemon, "up")
            with hang(daemon):
                peer.down()
                pager.wait_for(1, timeout=40)
                daemon.terminate()
                asked = time.monotonic()
                wait_until(daemon.ended, "it ends", within=10)
                took = time.monotonic() - asked
            assert daemon.stop() in (0, 1)  # 1: it was left as it was, in its last moment
            assert "Traceback" not in daemon.log.read_text()
    attack(f"sigterm-{what}", f"ends after {took:.1f} s, no traceback")


def test_sigterm_ends_a_start_that_waits_for_the_database(tmp_path: Path, attack: Attacked) -> None:
    listen = free_port()
    with Postgres() as server:
        url = server.database()
        config = write_estate(tmp_path, listen, "", database=url)
        with RunningDaemon(config, listen) as daemon:
            assert daemon.stop() == 0  # the schema is there
            with psycopg.connect(url.replace("+psycopg", "")) as session:
                session.execute("LOCK TABLE monitors IN ACCESS EXCLUSIVE MODE")
                daemon.start(ready=False)
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                wait_until(lambda: session.execute(waiting).fetchone() != (0,), "it waits for the lock")
                daemon.terminate()
                asked = time.monotonic()
                wait_until(daemon.ended, "it ends", within=10)
                took = time.monotonic() - asked
                session.rollback()
            assert "Traceback" not in daemon.log.read_text()
    attack("sigterm-start", f"ends after {took:.1f} s")


def archive(peer: Switchable) -> str:
    return f"  archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


def unready(daemon: RunningDaemon) -> bool:
    answer = requests.get(f"{daemon.url}/readyz", timeout=10)
    return answer.status_code == 503 and "history" in answer.text


def recorded(daemon: RunningDaemon) -> list[str]:
    return [row["status"] for row in daemon.get("/api/v1/notifications")]
