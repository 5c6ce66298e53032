"""What the wall says of an outage that several nodes share, and that it is alive."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.model import CheckId
from pacs_monitor.web.pages.freshness import freshness
from pacs_monitor.web.pages.render import Page, Viewer
from pacs_monitor.web.pages.snapshot import snapshot
from pacs_monitor.web.pages.times import Times
from pacs_monitor.web.pages.wall import wall
from tests.web.conftest import Served
from tests.web.test_pages import incident_of, page

MEMBERS = ("archive", "other")


@pytest.mark.parametrize(
    ("maintained", "said"),
    [((), "nobody is on it yet"), (("archive",), "nobody is on it yet"), (MEMBERS, "IT is on it")],
)
async def test_planned_work_at_one_of_several_is_nobody_at_the_others(
    served: Served, maintained: tuple[str, ...], said: str
) -> None:
    await incident_of(served)
    words = {"name": "patching", "for": "1h", "match": {"node": "archive"}, "by": "it-duty"}
    assert (await served.client.post("/api/v1/maintenance", json=words)).is_success
    seen = await snapshot(served.daemon, freshness(served.daemon))
    (node,) = [row for row in seen.nodes if row.name == "archive"]
    assert node.maintenance is not None
    (row,) = seen.incidents
    both = replace(row.incident, members=tuple(CheckId(name, "port") for name in MEMBERS))
    seen = seen._replace(
        nodes=tuple(
            node._replace(name=name, maintenance=node.maintenance if name in maintained else None) for name in MEMBERS
        ),
        incidents=(row._replace(incident=both),),
    )
    drawn = await asyncio.to_thread(wall, seen, "", Page("proof", Viewer(), "", Times(seen.fresh.at or 0, "UTC")))
    assert said in drawn.html
    assert drawn.html.count("is on it") == 1


async def test_the_wall_has_the_clock_of_the_server_beside_the_age_of_the_data(served: Served) -> None:
    text = (await page(served, "/wall")).text

    (shown,) = re.findall(r'id="clock">(\d\d:\d\d:\d\d)<', text)
    ((zone, drawn),) = re.findall(r'id="live" data-zone="([^"]+)" data-now="([\d.]+)"', text)
    assert zone == served.daemon.estate.monitor.timezone
    assert shown == f"{datetime.fromtimestamp(int(float(drawn)), ZoneInfo(zone)):%H:%M:%S}"
