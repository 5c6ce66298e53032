"""The links that pages carry lead somewhere."""

from __future__ import annotations

import asyncio
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from pacs_monitor.messages.page import runbook
from pacs_monitor.model import IncidentKind, Reason
from pacs_monitor.web.links import RUNBOOK
from tests.support.timing import SOON
from tests.web.conftest import Served

ROOT = Path(__file__).parents[2]


async def test_every_runbook_link_leads_to_its_entry(served: Served) -> None:
    links = [runbook(served.daemon.estate.monitor, topic) for topic in (*Reason, IncidentKind.BLIND)]
    page = await served.client.get(RUNBOOK)

    assert page.status_code == 200
    assert {urlsplit(link).path for link in links} == {RUNBOOK}
    assert [link for link in links if f'id="{urlsplit(link).fragment}"' not in page.text] == []


async def test_the_link_of_an_incident_leads_to_the_incident(served: Served) -> None:
    served.peer.down()
    async with asyncio.timeout(20):
        while not (open_ones := served.daemon.desk.open_incidents()):
            await asyncio.sleep(0.02)
    found = await served.client.get(f"/incidents/{open_ones[0].id}", follow_redirects=True)

    told = found.json()
    assert told["cause"] == open_ones[0].cause
    assert "Check that the service is running and on this port" in told["next_step"]
    assert told["runbook"].endswith("/docs/operations#tcp_refused")
    assert (told["impact"], told["support"]) == ("", {})


async def test_the_link_of_an_unrecorded_page_leads_to_its_incident(served: Served, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "proof.db", isolation_level=None)) as database:
        database.execute("CREATE TRIGGER no BEFORE INSERT ON incidents BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
        served.peer.down()
        async with asyncio.timeout(SOON):
            while (
                not (open_ones := served.daemon.desk.open_incidents()) or not served.daemon.desk.dispatch.write_failures
            ):
                await asyncio.sleep(0.02)
        found = await served.client.get(f"/incidents/{open_ones[0].id}", follow_redirects=True)
        assert found.status_code == 200
        assert found.json()["id"] == open_ones[0].id
        database.execute("DROP TRIGGER no")


def test_the_manual_is_in_the_package() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["docs/operations.md"] == "pacs_monitor/web/operations.md"
