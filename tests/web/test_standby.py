"""What a standby says to those who want something done: that another one leads, and who."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.config import MonitorSettings
from pacs_monitor.instance import Instance
from pacs_monitor.leadership import Role, Timings
from pacs_monitor.web.standby import standby_server
from tests.peers.postgres import Postgres
from tests.support.asking import asking
from tests.support.timing import until

QUICK = Timings(look=0.1, watch=0.05, free=0.3, still=1.0, wait=0.5, stall=5.0, away=0.5)
OPERATOR, VIEWER = "do-" * 12 + "it", "see-" * 10 + "it"
AUTH = {
    "tokens": [
        {"name": "oncall", "role": "operator", "token": OPERATOR},
        {"name": "wall", "role": "viewer", "token": VIEWER},
    ]
}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


async def test_a_standby_refuses_every_write_and_says_who_leads(server: Postgres) -> None:
    about = {"name": "east", "database": server.database(), "listen": "127.0.0.1:0", "auth": AUTH}
    monitor = MonitorSettings.model_validate(about)
    first, second = (Instance(monitor, SystemClock(), QUICK) for _ in range(2))
    await first.obtain()
    obtaining, keeping = asyncio.create_task(second.obtain()), asyncio.create_task(first.keep(lambda: None))
    await until(lambda: second.leader.startswith("process"))
    assert (first.role, second.role) == (Role.LEADER, Role.STANDBY)
    web = standby_server(second, monitor, SystemClock())
    web.start()
    url, headers = "http://{}:{}".format(*web.address), {"authorization": f"Bearer {OPERATOR}"}
    async with asking(url, headers=headers) as client:
        paths = ("/api/v1/reload", "/api/v1/incidents/01/ack", "/api/v1/pause", "/api/v1/push/a/b")
        answers = [await client.post(path, json={"by": "it-duty"}) for path in paths]
        answers += [await client.delete("/api/v1/maintenance/01"), await client.patch("/api/v1/reload")]
        viewer = await client.post(paths[0], headers={"authorization": f"Bearer {VIEWER}"})
        foreign = await client.post(paths[0], headers={"origin": "https://evil.example.org"})
    await web.stop()
    for task in (keeping, obtaining):
        task.cancel()
    await first.end()
    await second.end()

    assert {answer.status_code for answer in answers} == {503}
    assert all(f"standby: {second.leader} leads" in answer.json()["detail"] for answer in answers)
    assert (viewer.status_code, foreign.status_code) == (403, 403)
