"""Lists that grow are read page by page, with nothing twice or left out, also while they grow."""

from __future__ import annotations

import asyncio
from typing import Any

from pacs_monitor.client import Client
from tests.support.timing import SOON
from tests.web.conftest import Served
from tests.web.test_api import until_up


async def pages(served: Served, address: str) -> list[list[dict[str, Any]]]:
    """Each as it comes, by the link of the one before."""
    found = []
    following: str | None = address
    while following is not None:
        answer = await served.client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = answer.links.get("next")
        following = None if link is None else str(answer.url.join(link["url"]))
    return found


async def test_the_audit_log_is_read_page_by_page_while_it_grows(served: Served) -> None:
    words = {"match": {"check": "port"}}
    for _ in range(3):
        await served.client.post("/api/v1/pause", json=words)
        await served.client.post("/api/v1/resume", json=words)
    whole = (await served.client.get("/api/v1/audit")).json()
    first = await served.client.get("/api/v1/audit?limit=4")
    await served.client.post("/api/v1/pause", json=words)
    second = await served.client.get(str(first.url.join(first.links["next"]["url"])))

    assert len(whole) == 6
    assert first.json() + second.json() == whole
    assert "next" not in second.links
    assert [len(page) for page in await pages(served, "/api/v1/audit?limit=7")] == [7, 0]


async def test_incidents_and_notifications_are_read_page_by_page(served: Served) -> None:
    await until_up(served)
    served.peer.down()
    client = Client(served.url)
    async with asyncio.timeout(SOON):
        while not await asyncio.to_thread(client.incidents, open_only=True):
            await asyncio.sleep(0.05)
    whole = (await served.client.get("/api/v1/incidents")).json()
    read = await pages(served, "/api/v1/incidents?limit=1")
    unknown = await served.client.get("/api/v1/incidents?before=01KC4Z3V8G7Q3E6TRH0N9P5HVC")
    nothing = await served.client.get("/api/v1/notifications?limit=1")

    assert [row["id"] for page in read for row in page] == [row["id"] for row in whole]
    assert read[-1] == []
    assert (await asyncio.to_thread(client.incidents, limit=None))[0]["id"] == whole[0]["id"]
    assert (unknown.status_code, unknown.json()["detail"][0].partition(":")[0]) == (422, "before")
    assert (await served.client.get("/api/v1/incidents?before=1")).status_code == 422
    assert nothing.json() == []
