"""The daemon with a rota: pages reach the phone of whoever is on call; the next shift hears by the next reminder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.commands import invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until

ROTA = """people:
  anna: {{channels: [{{use: pager, url: "http://127.0.0.1:{port}/anna"}}]}}
  ben: {{channels: [{{use: pager, url: "http://127.0.0.1:{port}/ben"}}]}}
shifts: [{{order: [anna], start: 2026-01-05, handover: "Mon 08:00"}}]
"""
CRITICAL = "interval: 500ms, retry_interval: 500ms, timeout: 10s, failures: 1, recoveries: 1, page_after: 0s"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def heard(receiver: Receiver, path: str) -> list[str]:
    return [post.type.removeprefix("incident.") for post in receiver.accepted if post.path == path]


def test_a_page_reaches_who_is_on_call_and_after_the_change_of_shift_the_reminder_the_next(
    tmp_path: Path, receiver: Receiver
) -> None:
    peer, listen = Switchable(), free_port()
    config = write_estate(
        tmp_path,
        listen,
        f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {peer.port}}}}}}}\n",
        pager=receiver.url,
        secret=SECRET,
        defaults=CRITICAL,
    )
    config.write_text(
        f"{config.read_text()}routes: [{{match: {{node: archive}}, oncall: it, remind: 2s}}]\n"
        "oncall: {it: {rota: rota.yaml, otherwise: [pager]}}\n"
    )
    rota = tmp_path / "rota.yaml"
    rota.write_text(ROTA.format(port=receiver.port))
    with RunningDaemon(config, listen) as daemon:
        wait_until(lambda: "reminded" in heard(receiver, "/anna"), "the page and a reminder are on the first phone")
        assert heard(receiver, "/anna")[0] == "opened"
        (now,) = json.loads(invoke("oncall", "--json", config=config).stdout)["oncall"]
        assert (now["now"]["people"], now["now"]["channels"], now["next"]) == (["anna"], ["anna.pager"], [])

        change = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
        until = change + timedelta(hours=5)
        override = f"{{who: ben, from: '{change.isoformat()}', to: '{until.isoformat()}'}}"
        rota.write_text(f"{rota.read_text()}overrides: [{override}]\n")
        daemon.post("/api/v1/reload")
        wait_until(lambda: "reminded" in heard(receiver, "/ben"), "the next person is paged, and reminded")
        assert heard(receiver, "/ben")[:2] == ["opened", "reminded"]
        said = invoke("oncall", "--next", "2", config=config)
        assert said.returncode == 0
        assert said.stdout.startswith("it: ben (paged by ben.pager), until ")
        assert said.stdout.count("anna (paged by anna.pager)") == 1
        assert str(receiver.port) not in said.stdout
        count = len(heard(receiver, "/anna"))

        peer.up()
        wait_until(lambda: "resolved" in heard(receiver, "/ben"), "it is over for who is on call")
        wait_until(lambda: "resolved" in heard(receiver, "/anna"), "and for who was told before")
        assert heard(receiver, "/anna")[count:] == ["resolved"], "whose shift is over is reminded no more"
        assert not heard(receiver, "/hook")
        assert daemon.stop() == 0
    peer.down()
    assert not receiver.bad


def test_a_gap_is_told_where_pages_go_meanwhile_and_by_the_command(tmp_path: Path, receiver: Receiver) -> None:
    listen, day = free_port(), datetime.now(UTC).date()
    config = write_estate(
        tmp_path,
        listen,
        f"  archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {free_port()}}}}}}}\n",
        pager=receiver.url,
        secret=SECRET,
        defaults=CRITICAL,
    )
    config.write_text(
        f"{config.read_text()}routes: [{{match: {{node: archive}}, oncall: it}}]\n"
        "oncall: {it: {rota: rota.yaml, otherwise: [pager]}}\n"
    )
    away = f"vacations: [{{who: anna, from: {day - timedelta(days=1)}, to: {day + timedelta(days=1)}}}]\n"
    (tmp_path / "rota.yaml").write_text(ROTA.format(port=receiver.port) + away)
    with RunningDaemon(config, listen):
        wait_until(lambda: len(heard(receiver, "/hook")) >= 2, "the gap, and the page")
        summaries = [post.data["summary"] for post in receiver.accepted]
        assert any(one.startswith("Add an override to the rota it, and reload: nobody") for one in summaries)
        said = invoke("oncall", config=config)
        assert said.returncode == 1
        assert said.stdout.startswith("it: NOBODY IS ON CALL; pages go to pager, until ")
        assert invoke("oncall", "--at", f"{day + timedelta(days=5)}", config=config).returncode == 0
        assert not heard(receiver, "/anna")
