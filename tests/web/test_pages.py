"""What a person sees: the pages as a browser without a script gets them."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import httpx
import pytest
from icalendar import Calendar

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.web.pages.feeds import ATOM
from pacs_monitor.web.pages.times import span
from tests.peers.ports import free_port
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON
from tests.web.conftest import Served

AS_BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
ODD = "</title><script>alert(1)</script> & \"'"
PAGES = (
    "/",
    "/?state=down",
    "/?q=archive",
    "/nodes/archive",
    "/checks/archive/dicom_echo",
    "/checks/archive/dicom_echo?over=quarter",
    "/nodes/none",
    "/incidents/none",
)


async def page(served: Served, path: str, **headers: str) -> httpx.Response:
    return await served.client.get(path, headers=AS_BROWSER | headers)


async def incident_of(served: Served) -> str:
    served.peer.down()
    async with asyncio.timeout(SOON):
        while not (open_ones := served.daemon.desk.open_incidents()):
            await asyncio.sleep(0.02)
    return open_ones[0].id


async def test_a_browser_gets_the_board_and_a_script_what_can_be_asked(served: Served) -> None:
    board, script = await page(served, "/"), await served.client.get("/")

    assert board.headers["content-type"] == "text/html; charset=utf-8"
    assert 'href="./nodes/archive"' in board.text
    assert script.json()["status"] == "/api/v1/status"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_runs_or_loads_what_is_not_ours(served: Served, path: str) -> None:
    answer = await page(served, path)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<[^>]+\s(style|on\w+)=|<style|<script(?! src=\"(\./|\.\./)+static/)", answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)


async def test_what_is_not_there_says_what_to_do(served: Served) -> None:
    for path in ("/nodes/none", "/checks/archive/none", "/incidents/none"):
        answer = await page(served, path)
        assert answer.status_code == 404
        assert "To the board" in answer.text


async def test_the_part_that_changes_is_sent_once(served: Served) -> None:
    first = await page(served, "/nodes/none?part=1")
    again = await page(served, "/nodes/none?part=1", **{"if-none-match": first.headers["etag"]})

    assert "<html" not in first.text
    assert (again.status_code, again.content) == (304, b"")
    assert float(again.headers["x-now"]) >= float(first.headers["x-now"])
    assert again.headers["x-data-limit"] == "10.0"


async def test_an_incident_is_told_on_the_board_and_on_its_own_page(served: Served) -> None:
    identity = await incident_of(served)
    board, own = await page(served, "/"), await page(served, f"/incidents/{identity}")

    assert f'href="./incidents/{identity}"' in board.text
    assert "Nobody has acknowledged it" in board.text
    assert "Check that the service is running and on this port" in own.text
    assert "archive itself" in own.text
    assert "incident opens" in own.text
    assert "fault" not in re.sub(r"<[^>]*>", "", own.text)


async def test_the_link_of_an_incident_leads_scripts_to_the_api(served: Served) -> None:
    identity = await incident_of(served)
    answer = await served.client.get(f"/incidents/{identity}", follow_redirects=True)

    assert answer.json()["id"] == identity


async def test_a_node_and_a_check_show_their_results(served: Served) -> None:
    async with asyncio.timeout(SOON):
        while "associate" not in (node := await page(served, "/nodes/archive")).text:
            await asyncio.sleep(0.05)
    check = await page(served, "/checks/archive/dicom_echo")

    assert 'aria-label="dicom_echo: the last 90 days' in node.text
    today = datetime.now(ZoneInfo(served.daemon.estate.monitor.timezone)).date()
    assert f"<span>{today - timedelta(days=89)}</span> <span>{today}</span>" in node.text
    assert "Latest results" in check.text
    assert "every 200 ms" in check.text


async def test_the_monitor_says_whether_it_is_well_itself(served: Served) -> None:
    text = (await page(served, "/monitor")).text

    assert "it probes, decides and can write" in text
    assert "There is no channel: nobody is notified of anything." in text


async def test_pages_say_that_nothing_is_measured_while_the_monitor_answers(served: Served) -> None:
    async with asyncio.timeout(SOON):
        while "No trouble is known.<" not in (await page(served, "/wall")).text:
            await asyncio.sleep(0.05)
    await served.daemon.engine.stop(1.0)
    async with asyncio.timeout(SOON):
        while "Do not rely on this page" not in (await page(served, "/wall")).text:
            await asyncio.sleep(0.2)

    assert "What you see may be out of date" in (await page(served, "/")).text


async def test_incidents_are_a_feed(served: Served) -> None:
    identity = await incident_of(served)
    async with asyncio.timeout(SOON):
        while identity not in (answer := await served.client.get("/feed.atom")).text:
            await asyncio.sleep(0.05)
    feed = ElementTree.fromstring(answer.content)

    assert answer.headers["content-type"].startswith("application/atom+xml")
    (entry,) = feed.findall(f"{{{ATOM}}}entry")
    assert entry.findtext(f"{{{ATOM}}}id") == f"urn:pacs-monitor:proof:{identity}"
    assert "refuses connections" in (entry.findtext(f"{{{ATOM}}}title") or "")
    (link,) = entry.findall(f"{{{ATOM}}}link")
    assert link.get("href", "").endswith(f"/incidents/{identity}")


async def test_maintenance_is_a_calendar(served: Served) -> None:
    words = {"match": {"node": "archive"}, "name": "update; \\ and more", "start": "tomorrow 02:00", "for": "2h"}
    planned = (await served.client.post("/api/v1/maintenance", json=words)).json()
    answer = await served.client.get("/maintenance.ics")

    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["uid"] == f"{planned['id']}@proof"
    assert event["summary"] == "Maintenance: update; \\ and more"
    assert event.decoded("dtstart") == datetime.fromisoformat(planned["start"])


async def test_the_assets_are_kept_until_they_change(served: Served) -> None:
    board = await page(served, "/")
    for name in ("pages.css", "pages.js", "icon.svg"):
        (address,) = set(re.findall(rf'"\./(static/{re.escape(name)}\?\w+)"', board.text))
        asset = await served.client.get(f"/{address}")
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
    assert (await served.client.get("/static/routes.py")).status_code == 404


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (8100, "2 h 15 min"),
        (7200, "2 h"),
        (4 * 3600 + 60, "4 h"),
        (90_000, "1 d 1 h"),
        (19 * 86_400, "19 d"),
    ],
)
def test_how_long_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


async def opened(folder: Path, nodes: str) -> tuple[Daemon, httpx.AsyncClient]:
    daemon = await Daemon.open(load(write_estate(folder, 0, nodes)))
    await daemon.start()
    return daemon, asking("http://{}:{}".format(*daemon.address))


async def test_foreign_text_is_shown_and_never_run(tmp_path: Path) -> None:
    said = {"title": ODD, "role": ODD, "impact": ODD, "labels": {"note": ODD}, "host": "127.0.0.1"}
    node = f"  odd: {json.dumps({**said, 'checks': {'tcp': {'port': free_port()}}})}\n"
    daemon, client = await opened(tmp_path, node)
    async with asyncio.timeout(SOON):
        while not daemon.desk.open_incidents():
            await asyncio.sleep(0.02)
    paths = ("/", "/nodes/odd", "/checks/odd/tcp", f"/incidents/{daemon.desk.open_incidents()[0].id}", f"/?q={ODD}")
    for path in paths:
        text = (await client.get(path, headers=AS_BROWSER)).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>" not in text
    await client.aclose()
    await daemon.stop()


async def test_an_estate_without_nodes_leads_to_the_first_check(tmp_path: Path) -> None:
    daemon, client = await opened(tmp_path, "  {}\n")
    board = await client.get("/", headers=AS_BROWSER)

    assert "Nothing is watched yet" in board.text
    await client.aclose()
    await daemon.stop()


async def test_a_node_that_nobody_watches_does_not_look_well(tmp_path: Path) -> None:
    daemon, client = await opened(tmp_path, "  printer: {host: 127.0.0.1}\n")
    board, node = [(await client.get(path, headers=AS_BROWSER)).text for path in ("/", "/nodes/printer")]

    assert "not watched" in board
    assert "nobody watches it" in node
    await client.aclose()
    await daemon.stop()
