"""The API over a real daemon and a real peer."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3

import pytest

from tests.peers.prometheus import promtool
from tests.support.timing import SOON
from tests.web.conftest import Served, nodes


async def until_up(served: Served) -> None:
    async with asyncio.timeout(SOON):
        while (await served.client.get("/api/v1/status")).json()["counts"]["up"] < 2:
            await asyncio.sleep(0.02)


async def test_the_status_shows_every_check_with_its_last_result(served: Served) -> None:
    await until_up(served)
    status = (await served.client.get("/api/v1/status")).json()
    (node,) = status["nodes"]
    echo, port = node["checks"]

    assert (status["monitor"], status["paging"]) == ("proof", "on")
    assert status["counts"] == {"up": 2, "absent": 0, "unknown": 0, "degraded": 0, "down": 0}
    assert (node["node"], node["site"], node["role"], node["state"]) == ("archive", "east", "archive", "up")
    assert (echo["check"], echo["state"], echo["leaning"]) == ("dicom_echo", "up", None)
    assert (echo["last"]["status"], echo["last"]["reason"], echo["last"]["blame"]) == ("ok", None, None)
    assert set(echo["last"]["phases"]) >= {"connect", "associate", "operation", "release"}
    assert echo["since"] < echo["next_due"]
    assert (port["check"], port["probe"]) == ("port", "tcp")


async def test_the_metrics_are_clean_and_follow_the_board(served: Served) -> None:
    await until_up(served)
    text = (await served.client.get("/metrics")).text

    clean = promtool("check", "metrics", given=text)
    assert clean.returncode == 0, clean.stderr
    labels = 'check="dicom_echo",node="archive",probe="dicom_echo",site="east"'
    assert number(text, f"pacs_probe_success{{{labels}}}") == 1
    assert number(text, f"pacs_check_state{{{labels}}}") == 1
    assert number(text, f"pacs_check_interval_seconds{{{labels}}}") == 0.2
    assert number(text, f"pacs_probe_runs_total{{{labels}}}") >= 1
    assert number(text, "pacs_scheduler_lag_seconds_count") >= 1
    assert "pacs_notifications_total{channel=" not in text


async def test_the_front_page_names_what_can_be_asked(served: Served) -> None:
    await until_up(served)
    links = (await served.client.get("/")).json()

    assert {"/docs/operations", "/metrics", "/api/v1/status"} <= set(links.values())
    assert {(await served.client.get(link)).status_code for link in links.values()} == {200}


async def test_head_is_answered_like_get_without_the_content(served: Served) -> None:
    await until_up(served)
    paths = ["/", "/healthz", "/readyz", "/metrics", "/probe?node=archive", "/docs/operations", "/incidents/1"]
    paths += [f"/api/v1/{noun}" for noun in ("status", "nodes/archive", "checks/archive/port", "incidents", "changes")]
    for path in [*paths, "/api/v1/notifications", "/api/openapi.json", "/api/v1/incidents/1", "/nothing"]:
        head, get = await served.client.head(path), await served.client.get(path)
        assert (head.status_code, head.headers["content-type" if path != "/incidents/1" else "location"]) == (
            get.status_code,
            get.headers["content-type" if path != "/incidents/1" else "location"],
        ), path
        assert head.content == b""
    assert (await served.client.head("/healthz")).status_code == 200
    assert (await served.client.head("/api/v1/checks/archive/port/run")).status_code == 405


async def test_openmetrics_is_served_to_those_who_ask(served: Served) -> None:
    answer = await served.client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_failing_peer_shows_its_reason_in_the_metrics(served: Served) -> None:
    await until_up(served)
    served.peer.down()
    labels = 'check="dicom_echo",node="archive",probe="dicom_echo",reason="tcp_refused",site="east"'
    async with asyncio.timeout(SOON):
        while f"pacs_probe_failures_total{{{labels}}}" not in (await served.client.get("/metrics")).text:
            await asyncio.sleep(0.05)


async def test_run_now_answers_a_probe_result(served: Served) -> None:
    result = (await served.client.post("/api/v1/checks/archive/dicom_echo/run")).json()

    assert (result["node"], result["check"], result["probe"], result["status"]) == (
        "archive",
        "dicom_echo",
        "dicom_echo",
        "ok",
    )


async def test_one_check_is_shown_with_its_recent_results_newest_first(served: Served) -> None:
    await until_up(served)
    check = (await served.client.get("/api/v1/checks/archive/dicom_echo")).json()

    assert check["recent"][0] == check["last"]
    assert check["failures"] == []


async def test_blackbox_names_serve_existing_rules(served: Served) -> None:
    one = (await served.client.get("/probe?node=archive&check=dicom_echo")).text
    whole = (await served.client.get("/probe?node=archive")).text
    served.peer.down()
    async with asyncio.timeout(SOON):
        while "probe_success 1.0" in (gone := (await served.client.get("/probe?node=archive&check=port")).text):
            await asyncio.sleep(0.05)

    for text in (one, whole):
        assert number(text, "probe_success") == 1
        assert number(text, "probe_duration_seconds") > 0
    assert number(gone, "probe_success") == 0


async def test_what_is_not_there_is_a_404_that_tells_what_is(served: Served) -> None:
    no_node = await served.client.get("/api/v1/nodes/arhcive")
    no_check = await served.client.post("/api/v1/checks/archive/echo/run")
    no_incident = await served.client.get("/api/v1/incidents/01NONE")
    bad_limit = await served.client.get("/api/v1/incidents?limit=0")

    assert (no_node.status_code, no_check.status_code, no_incident.status_code) == (404, 404, 404)
    assert "dicom_echo, port" in no_check.json()["detail"]
    assert bad_limit.status_code == 422


async def test_health_tells_that_it_probes_and_can_write(served: Served) -> None:
    assert (await served.client.get("/healthz")).text == "ok\n"
    assert (await served.client.get("/readyz")).status_code == 200


async def test_the_openapi_document_names_every_path(served: Served) -> None:
    paths = (await served.client.get("/api/openapi.json")).json()["paths"]

    assert {"/api/v1/status", "/metrics", "/probe", "/readyz", "/api/v1/reload"} <= paths.keys()


async def test_a_reload_takes_over_what_changed_and_withdraws_what_is_gone(served: Served) -> None:
    await until_up(served)
    since = (await served.client.get("/api/v1/checks/archive/dicom_echo")).json()["since"]
    config = served.config
    config.write_text(re.sub(r", port: \{probe.*?\}", "", config.read_text()))
    answer = await served.client.post("/api/v1/reload")
    status = (await served.client.get("/api/v1/status")).json()
    kept = (await served.client.get("/api/v1/checks/archive/dicom_echo")).json()

    assert answer.status_code == 200
    assert any("archive/port" in change for change in answer.json()["changes"])
    assert [check["check"] for check in status["nodes"][0]["checks"]] == ["dicom_echo"]
    assert kept["since"] == since
    assert 'check="port"' not in (await served.client.get("/metrics")).text


async def test_a_bad_file_keeps_the_old_estate_and_says_why(served: Served) -> None:
    await until_up(served)
    good = served.config.read_text()
    served.config.write_text(good.replace("dicom_echo", "dicom_ecoh"))
    refused = await served.client.post("/api/v1/reload")
    text = (await served.client.get("/metrics")).text
    served.config.write_text(good)
    await served.client.post("/api/v1/reload")

    assert refused.status_code == 422
    assert "dicom_ecoh" in refused.json()["detail"][0]
    assert "\npacs_config_last_reload_successful 0.0\n" in text
    assert "\npacs_config_last_reload_successful 1.0\n" in (await served.client.get("/metrics")).text


async def test_a_reload_that_cannot_be_recorded_is_told_and_keeps_the_old_estate(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    file = served.config.with_name("proof.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TRIGGER no BEFORE INSERT ON revisions BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
    served.config.write_text(served.config.read_text().replace("archive:", "moved:"))
    refused = await served.client.post("/api/v1/reload")
    await served.daemon.try_reload()
    text = (await served.client.get("/metrics")).text

    assert refused.status_code == 503
    assert "forbidden" in refused.json()["detail"]
    assert "not reloaded: cannot write the history: forbidden" in caplog.text
    assert "Traceback" not in caplog.text
    assert "\npacs_config_last_reload_successful 0.0\n" in text
    assert 'node="archive"' in text


async def test_who_may_not_ask_does_not_learn_what_is_wrong_with_the_database(served: Served) -> None:
    file = served.config.with_name("proof.db")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(SOON):
            while (answer := await served.client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.05)

    assert answer.text == "the history cannot be written; the log says why\n"


async def test_an_accept_header_that_makes_no_sense_gets_plain_metrics(served: Served) -> None:
    answer = await served.client.get("/metrics", headers={"accept": "application/openmetrics-text; version=x"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_check_that_comes_with_a_reload_starts(served: Served) -> None:
    config = served.config
    config.write_text(
        config.read_text() + nodes(served.peer.port).replace("archive: {host: 127.0.0.1", "twin: {host: 127.0.0.2", 1)
    )
    await served.client.post("/api/v1/reload")
    async with asyncio.timeout(SOON):
        while (await served.client.get("/api/v1/nodes/twin")).json()["state"] != "up":
            await asyncio.sleep(0.02)


def number(text: str, series: str) -> float:
    (line,) = (line for line in text.splitlines() if line.rpartition(" ")[0] == series)
    return float(line.rpartition(" ")[2])
