"""Tests of channels, asked for over the API."""

from __future__ import annotations

import asyncio

from tests.channels.contract import answering, receiver
from tests.support.timing import SOON
from tests.web.conftest import Served


async def test_the_daemon_sends_it_ends_it_and_records_one_proof(served: Served) -> None:
    with receiver(answering(200, b"ok")) as at:
        text = served.config.read_text()
        served.config.write_text(text + f"channels: {{people: {{type: webhook, url: '{at.url}/x'}}}}\n")
        assert (await served.client.post("/api/v1/reload")).status_code == 200
        path = "/api/v1/channels/people/test"
        told = (await served.client.post(path, json={"event": "changed", "open_for": "50ms", "by": "kim"})).json()
        wrong = await served.client.post(path, json={"event": "exploded"})
        late = await served.client.post(path, json={"event": "opened", "open_for": "1h"})

        async def recorded() -> list[tuple[str, str]]:
            rows = (await served.client.get("/api/v1/notifications")).json()
            return [(row["event"], row["status"]) for row in rows]

        async with asyncio.timeout(SOON):
            while await recorded() != [("test", "delivered")]:
                await asyncio.sleep(0.01)
    assert [step["event"].partition(".")[2] for step in told["steps"]] == ["opened", "changed", "resolved"]
    assert (told["delivered"], told["left_open"], len(at.requests)) == (True, False, 3)
    assert (wrong.status_code, late.status_code) == (422, 422)
    assert "opened" in str(wrong.json()["detail"])
    assert "10 min" in str(late.json()["detail"])
