"""Windows of maintenance and pauses in the API: what they do to a running daemon, and where they are shown."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.cli import display
from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import CheckId, State
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import until
from tests.web.conftest import Served
from tests.web.test_api import until_up

ECHO, PORT = CheckId("archive", "dicom_echo"), CheckId("archive", "port")
ALL = {"match": {"node": "archive"}}


async def asked(served: Served, method: str, path: str, **words: Any) -> tuple[int, Any]:
    answer = await served.client.request(method, f"/api/v1/{path}", json=words or None)
    body = answer.json()
    return answer.status_code, body if answer.is_success else body["detail"]


async def test_a_window_is_shown_everywhere_and_nobody_is_paged(served: Served) -> None:
    await until_up(served)
    status, planned = await asked(
        served, "POST", "maintenance", **ALL, name="patching", by="change 4712", **{"for": "2h"}
    )
    assert (status, planned["recorded"], planned["match"]) == (201, True, "node=archive")
    (node,) = (await served.client.get("/api/v1/status")).json()["nodes"]
    assert node["maintenance"] is True
    assert [check["window"]["id"] for check in node["checks"]] == [planned["id"]] * 2
    board = (await served.client.get("/api/v1/status")).json()
    shown = [line.strip() for line in display.board(board, lambda text: text)]
    assert shown.count(f"in maintenance until {planned['end']}: patching (by change 4712)") == 2
    metrics = (await served.client.get("/metrics")).text
    assert 'pacs_node_maintenance{node="archive",site="east"} 1.0' in metrics
    (listed,) = (await served.client.get("/api/v1/maintenance")).json()
    assert (listed["id"], listed["active"]) == (planned["id"], True)

    status, longer = await asked(served, "POST", f"maintenance/{planned['id']}/extend", **{"for": "1h"})
    assert (status, longer["end"] > planned["end"]) == (200, True)
    status, ended = await asked(served, "DELETE", f"maintenance/{planned['id']}", why="done")
    assert (status, ended["recorded"]) == (200, True)
    assert (await served.client.get("/api/v1/maintenance")).json() == []
    (node,) = (await served.client.get("/api/v1/status")).json()["nodes"]
    assert (node["maintenance"], node["checks"][0]["window"]) == (False, None)
    spans = served.daemon.history.reader.maintained()
    assert {span.check for span in spans} == {ECHO, PORT}
    assert all(span.until is not None and span.name == "patching" for span in spans)


async def test_a_window_that_stops_probing_stops_it(served: Served) -> None:
    await until_up(served)
    _, planned = await asked(
        served, "POST", "maintenance", **ALL, name="patching", probing="stop", by="it", **{"for": "2h"}
    )
    echo = served.daemon.engine.board.entries[ECHO]
    assert echo.restriction is not None
    assert (echo.restriction.is_pause, echo.standing.state) == (False, State.UNKNOWN)
    assert "maintenance 'patching' (by it" in echo.restriction.text
    await asked(served, "DELETE", f"maintenance/{planned['id']}")
    await until(lambda: echo.standing.state is State.UP)


async def test_a_pause_stops_at_once_wins_over_a_window_and_can_be_lifted_in_part(served: Served) -> None:
    await until_up(served)
    await asked(served, "POST", "maintenance", **ALL, probing="read_only", **{"for": "2h"})
    status, paused = await asked(served, "POST", "pause", **ALL, by="it-duty", why="new switch")
    assert (status, paused["recorded"], paused["checks"]) == (201, True, [str(ECHO), str(PORT)])
    entries = served.daemon.engine.board.entries
    for check in (ECHO, PORT):
        given = entries[check].restriction
        assert given is not None
        assert given.is_pause
        assert given.text.endswith(": new switch")
        assert entries[check].standing.state is State.UNKNOWN
    (listed,) = (await served.client.get("/api/v1/pauses")).json()
    assert listed["id"] == paused["id"]
    handover = (await served.client.get("/api/v1/handover")).json()
    assert [(one["what"], one["why"]) for one in handover["pauses"]] == [("node=archive (2 checks)", "new switch")]
    assert [one["covers"] for one in handover["maintenance"]] == ["node=archive"]

    status, _ = await asked(served, "POST", "resume", match={"check": "port"})
    assert status == 200
    await until(lambda: entries[PORT].standing.state is State.UP)
    assert entries[ECHO].standing.state is State.UNKNOWN
    assert (await served.client.get("/api/v1/pauses")).json()[0]["checks"] == [str(ECHO)]
    await asked(served, "POST", "resume", all=True)
    await until(lambda: entries[ECHO].standing.state is State.UP)
    assert (await served.client.get("/api/v1/pauses")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "words", "status", "why"),
    [
        ("POST", "maintenance", {**ALL}, 422, "say how long"),
        ("POST", "maintenance", {"for": "2h"}, 422, "say which checks"),
        ("POST", "maintenance", {"for": "2h", "match": {"node": "archiv"}}, 422, "no check has node=archiv; did you"),
        ("POST", "maintenance", {"for": "2h", **ALL, "start": "someday"}, 422, "start: 'someday' is not a time"),
        ("POST", "maintenance", {"for": "2h", **ALL, "notify": "nobody"}, 422, "no channel 'nobody'"),
        ("POST", "maintenance", {"until": "2001-01-01", **ALL}, 422, "until: '2001-01-01' has passed"),
        ("POST", "maintenance/01JD/extend", {"for": "2h"}, 404, "no window 01JD"),
        ("DELETE", "maintenance/01JD", {}, 404, "no window 01JD"),
        ("POST", "pause", {"for": "2h"}, 422, "say which checks"),
        ("POST", "pause", {**ALL, "all": True}, 422, "say which checks"),
        ("POST", "pause", {"match": {"site": "w"}}, 422, "no check has site=w; there are: east"),
        ("POST", "resume", {**ALL}, 404, "nothing of node=archive is paused"),
    ],
)
async def test_what_is_not_accepted_says_why(
    served: Served, method: str, path: str, words: dict[str, Any], status: int, why: str
) -> None:
    code, detail = await asked(served, method, path, **words)
    assert (code, (detail if isinstance(detail, str) else detail[0])[: len(why)]) == (status, why)
    assert (await served.client.get("/api/v1/maintenance")).json() == []
    assert (await served.client.get("/api/v1/pauses")).json() == []


def is_maintained(daemon: Daemon) -> bool:
    return daemon.desk.plans.maintenance_of(CheckId("archive", "b")) is not None


async def test_after_a_restart_nothing_is_asked_that_is_paused(tmp_path: Path) -> None:
    """The peer counts: not one connection, from the first moment on."""
    connections: list[object] = []

    def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.close()

    peer = await asyncio.start_server(count, "127.0.0.1", 0)
    port = peer.sockets[0].getsockname()[1]
    checks = ", ".join(f"{name}: {{probe: tcp, port: {port}}}" for name in "ab")
    nodes = f"  archive: {{host: 127.0.0.1, checks: {{{checks}}}}}\n"
    timing = "interval: 100ms, retry_interval: 100ms, timeout: 10s"
    estate = load(write_estate(tmp_path, 0, nodes, defaults=timing))
    async with peer:
        for number in range(2):
            daemon = await Daemon.open(estate)
            await daemon.start()
            try:
                if number == 0:
                    await until(lambda: len(connections) > 3)
                    async with asking("http://{}:{}/api/v1/".format(*daemon.address)) as client:
                        stop = {"match": {"check": "b"}, "probing": "stop", "for": "2h"}
                        assert (await client.post("maintenance", json=stop)).status_code == 201
                        assert (await client.post("pause", json={"match": {"check": "a"}})).status_code == 201
                    connections.clear()
                entries = daemon.engine.board.entries
                assert all(entry.stopped for entry in entries.values())
                await until(partial(is_maintained, daemon))
                await asyncio.sleep(0.5)
                assert len(daemon.desk.plans.pauses()) == 1
            finally:
                await daemon.stop()
    assert connections == []
