"""A node that fails in another way than before: one outage, one incident, and each reader says so."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import closing
from pathlib import Path

import pytest

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import SECOND, CheckId, Reason, Standing, State
from pacs_monitor.reports import build, parse
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.scripted import answer_echo, hang, scripted
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import until

ECHO = CheckId("archive", "dicom_echo")
DEFAULTS = "interval: 200ms, retry_interval: 100ms, timeout: 1s, failures: 2, recoveries: 1, page_after: 0s"


async def begin(folder: Path) -> Daemon:
    daemon = await Daemon.open(load(folder / "monitor.yaml"))
    await daemon.start()
    return daemon


async def shown(daemon: Daemon) -> tuple[str, str, str]:
    url = "http://{}:{}".format(*daemon.address)
    async with asking(url) as client:
        check = (await client.get("/api/v1/status")).json()["nodes"][0]["checks"][0]
    return check["state"], check["reason"], check["since"]


async def test_a_node_that_hangs_after_it_was_unreachable_is_one_outage_also_over_restarts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()

    def standing() -> Standing:
        return daemon.engine.board.entries[ECHO].standing

    with Receiver() as pager, caplog.at_level(logging.INFO):
        nodes = f"  archive: {{host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        write_estate(tmp_path, 0, nodes, pager=pager.url, secret=SECRET, defaults=DEFAULTS)
        daemon = await begin(tmp_path)
        async with scripted(answer_echo, port=port):
            await until(lambda: standing().state is State.UP)
        await asyncio.to_thread(pager.wait_for, 1)
        down = await shown(daemon)
        await daemon.stop()
        daemon = await begin(tmp_path)
        async with scripted(hang, port=port):
            await until(lambda: standing().reason is Reason.ACSE_TIMEOUT)
            hangs = await shown(daemon)
            await daemon.stop()
            daemon = await begin(tmp_path)
            again = await shown(daemon)
        async with scripted(answer_echo, port=port):
            await until(lambda: standing().state is State.UP)
            await until(lambda: any(post.type == "incident.resolved" for post in pager.posts))
        await daemon.stop()
    now = round(time.time() * SECOND)
    with closing(HistoryReader.open(f"sqlite:///{tmp_path}/proof.db", "proof")) as reader:
        (check,) = build(reader, parse("2020-01-01..2099-12-31", "UTC", now), now)["checks"]
        incidents = reader.incidents()

    told = dict.fromkeys(post.type for post in pager.posts if post.type != "incident.changed")
    assert list(told) == ["incident.opened", "incident.resolved"]
    assert len(incidents) == 1
    assert [(state, reason) for state, reason, _ in (down, hangs, again)] == [
        ("down", "tcp_refused"),
        ("down", "acse_timeout"),
        ("down", "acse_timeout"),
    ]
    assert down[2] == hangs[2] == again[2]
    assert any("archive/dicom_echo: still down (acse_timeout)" in line for line in caplog.messages)
    (outage,) = check["incidents"]
    assert (outage["reason"], outage["since"], outage["id"]) == ("tcp_refused", down[2], incidents[0].id)
    assert outage["ended"] is not None
    assert outage["at_least_seconds"] <= outage["at_most_seconds"]
