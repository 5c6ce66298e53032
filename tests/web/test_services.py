"""What users call the PACS, now: in the API, the status and the metrics."""

from __future__ import annotations

import asyncio

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

    match = {"match": {"node": "archive"}, "for": "1h"}
    assert (await served.client.post("/api/v1/maintenance", json=match)).status_code == 201
    assert all(row["maintenance"] for row in (await served.client.get("/api/v1/services")).json())


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
    sheets = await served.client.get("/api/v1/report", params={"period": "today", "format": "csv"})
    assert (sheets.headers["content-type"], sheets.content[:2]) == ("application/zip", b"PK")
    wrong = await served.client.get("/api/v1/report", params={"period": "2026-Q5"})
    assert (wrong.status_code, "is not a period" in wrong.json()["detail"]) == (422, True)
