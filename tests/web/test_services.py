"""What users call the PACS, now: in the API, the status and the metrics."""

from __future__ import annotations

import asyncio

import pytest

from pacs_monitor.cli import display
from tests.support.timing import SOON
from tests.web.conftest import Served
from tests.web.test_api import number, until_up

SERVICES = (
    "services: {pacs: {all: [archive/dicom_echo, archive/port]}, "
    'reading: {all: [pacs, archive/port], impact: "no priors"}, either: {any: [pacs, archive/port]}}\n'
)
AGREED = "objectives: [{name: PACS, service: pacs, availability: 99%, per: month}]\n"


async def test_services_are_shown_wherever_the_board_is(served: Served) -> None:
    await until_up(served)
    served.config.write_text(served.config.read_text() + SERVICES)
    assert (await served.client.post("/api/v1/reload")).status_code == 200
    rows = {row["service"]: row for row in (await served.client.get("/api/v1/services")).json()}
    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(("pacs", "reading", "either"), "up")
    assert (rows["reading"]["rule"], rows["reading"]["needs"], rows["reading"]["maintenance"]) == ("all of 2", 2, False)
    assert rows["reading"]["members"] == [{"member": "pacs", "state": "up"}, {"member": "archive/port", "state": "up"}]

    served.peer.down()
    async with asyncio.timeout(SOON):
        while (await served.client.get("/api/v1/status")).json()["counts"]["down"] < 2:
            await asyncio.sleep(0.02)
    status = (await served.client.get("/api/v1/status")).json()
    assert [row["state"] for row in status["services"]] == ["down"] * 3
    lines = display.board(status, lambda text: text)
    assert "[red]service reading: down (pacs down, archive/port down): no priors[/red]" in lines
    metrics = (await served.client.get("/metrics")).text
    assert number(metrics, 'pacs_service_state{service="reading"}') == 3
    rests_on = {line for line in metrics.splitlines() if line.startswith("pacs_service_check{")}
    assert rests_on == {
        f'pacs_service_check{{check="{check}",node="archive",service="{service}"}} 1.0'
        for service in ("pacs", "reading", "either")
        for check in ("dicom_echo", "port")
    }

    match = {"match": {"node": "archive"}, "for": "1h"}
    assert (await served.client.post("/api/v1/maintenance", json=match)).status_code == 201
    assert all(row["maintenance"] for row in (await served.client.get("/api/v1/services")).json())


async def test_metrics_tell_how_objectives_fare_so_far_and_nothing_of_what_is_not_known(served: Served) -> None:
    await until_up(served)
    first = (await served.client.get("/metrics")).text
    assert "# TYPE pacs_objective_availability gauge" in first
    assert "\npacs_objective_" not in first
    never = "{name: never, match: {check: later}, allowed: 1h, per: year}"
    node = "{name: nodes, match: {node: archive}, allowed: 26m, per: contract year, begins: 2020-02-29}"
    agreed = AGREED.replace("]", f", {node}, {never}]")
    later = "later: {probe: tcp, port: 1, cron: '0 3 1 1 *'}, dicom_echo:"
    served.config.write_text(served.config.read_text().replace("dicom_echo:", later) + SERVICES + agreed)
    assert (await served.client.post("/api/v1/reload")).status_code == 200
    pacs, archive = '{node="",objective="PACS",service="pacs"}', '{node="archive",objective="nodes",service=""}'
    async with asyncio.timeout(SOON):
        while f"pacs_objective_availability{pacs}" not in (text := (await served.client.get("/metrics")).text):
            await asyncio.sleep(0.05)
    assert number(text, f"pacs_objective_availability{pacs}") == 1
    assert number(text, f"pacs_objective_used_seconds{pacs}") == 0
    assert 24 * 3600 < number(text, f"pacs_objective_budget_seconds{pacs}") * 100 < 31 * 24 * 3600
    assert 0 < number(text, f"pacs_objective_measured_ratio{pacs}") < 1
    assert number(text, f"pacs_objective_budget_seconds{archive}") == 26 * 60
    begun, ends = (
        number(text, f"pacs_objective_period_{edge}_timestamp_seconds{archive}") for edge in ("start", "end")
    )
    assert begun < number(text, "pacs_objective_account_timestamp_seconds") < ends
    assert 364 < (ends - begun) / 86400 < 367
    assert 'objective="never"' not in text


async def test_runs_are_counted_against_what_was_agreed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pacs_monitor.daemon.HEARTBEAT", 0.2)
    await until_up(served)
    agreed = "objectives: [{name: quick, match: {node: archive}, measure: dicom_echo, within: 1ms, share: 95%}]\n"
    served.config.write_text(served.config.read_text() + agreed)
    assert (await served.client.post("/api/v1/reload")).status_code == 200
    told = 'pacs_objective_runs{node="archive",objective="quick",result="%s",service=""}'
    async with asyncio.timeout(SOON):
        while told % "slow" not in (text := (await served.client.get("/metrics")).text):
            await asyncio.sleep(0.1)
            served.daemon.objectives.look_again()
    runs = sum(number(text, told % result) for result in ("in_time", "slow"))
    ratio = number(text, 'pacs_objective_in_time_ratio{node="archive",objective="quick",service=""}')
    assert ratio == number(text, told % "in_time") / runs
    assert number(text, 'pacs_objective_in_time_target_ratio{node="archive",objective="quick",service=""}') == 0.95
    report = (await served.client.get("/api/v1/report", params={"period": "today"})).json()
    (row,) = report["latency_objectives"]
    assert runs <= row["runs"]
    assert row["verdict"] in ("missed", "within", "not_assessable")


async def test_the_report_is_served_in_every_format(served: Served) -> None:
    await until_up(served)
    served.config.write_text(served.config.read_text() + SERVICES + AGREED)
    assert (await served.client.post("/api/v1/reload")).status_code == 200
    said = await served.client.get("/api/v1/report", params={"period": "today"})
    report = said.json()
    assert [row["service"] for row in report["services"]] == ["either", "pacs", "reading"]
    assert (report["objectives"][0]["name"], report["objectives"][0]["per"]) == ("PACS", "month")
    page = await served.client.get("/api/v1/report", params={"period": "today", "format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Availability report" in page.text
    asked = {"period": "today", "format": "pdf", "part": "signers"}
    printed = await served.client.get("/api/v1/report", params=asked, timeout=120)
    assert (printed.headers["content-type"], printed.content[:5]) == ("application/pdf", b"%PDF-")
    sheets = await served.client.get("/api/v1/report", params={"period": "today", "format": "csv"})
    assert (sheets.headers["content-type"], sheets.content[:2]) == ("application/zip", b"PK")
    wrong = await served.client.get("/api/v1/report", params={"period": "2026-Q5"})
    assert (wrong.status_code, "is not a period" in wrong.json()["detail"]) == (422, True)
