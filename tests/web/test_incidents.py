"""Incidents in the API: the promised fields, the story, and what was suppressed as a metric."""

from __future__ import annotations

import asyncio
from typing import Any

from pacs_monitor.alerting.suppress import words
from tests.support.timing import SOON
from tests.web.conftest import Served
from tests.web.test_api import until_up

PROMISED = {"id", "state", "severity", "summary", "members", "since", "ended", "ending", "acknowledged"}


async def incidents(served: Served, ended: bool) -> list[dict[str, Any]]:
    """All of them, once the last one is as wanted."""
    async with asyncio.timeout(SOON):
        while True:
            found: list[dict[str, Any]] = (await served.client.get("/api/v1/incidents")).json()
            if found and all((row["ended"] is not None) is ended for row in found):
                return found
            await asyncio.sleep(0.02)


def counted(text: str) -> dict[str, float]:
    name = "pacs_notifications_suppressed_total{why="
    lines = (line.removeprefix(name) for line in text.splitlines() if line.startswith(name))
    return {why.strip('"'): float(count) for why, _, count in (line.partition("} ") for line in lines)}


async def test_an_incident_has_the_promised_fields_its_story_and_a_count_of_what_was_suppressed(served: Served) -> None:
    before = counted((await served.client.get("/metrics")).text)
    assert before == dict.fromkeys(words(), 0)
    await until_up(served)
    served.peer.down()
    (row,) = await incidents(served, ended=False)
    assert set(row) >= PROMISED
    assert (row["state"], row["ended"], row["ending"], row["acknowledged"]) == ("down", None, None, None)
    assert row["summary"].startswith("archive refuses connections on port")
    served.peer.up()
    (row,) = await incidents(served, ended=True)
    assert (row["state"], row["ending"]) == ("up", "resolved")
    assert "recovered at" in row["summary"]

    story = (await served.client.get(f"/api/v1/incidents/{row['id']}")).json()["story"]
    whats = [line["what"] for line in story]
    moves = [(line["before"], line["after"]) for line in story if line["what"] == "transition"]
    assert [line["at"] for line in story] == sorted(line["at"] for line in story)
    assert whats[0] == "transition"
    assert {"opened", "ended"} <= set(whats)
    assert moves[0] == ("up", "down")
    assert moves[-1] == ("down", "up")
    (held,) = [line for line in story if line["what"] == "suppressed"]
    assert (held["event"], held["why"], held["channel"], held["until"]) == ("incident.opened", "page_after", None, None)
    after = counted((await served.client.get("/metrics")).text)
    assert after == before | {"page_after": 1}
