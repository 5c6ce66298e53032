"""What the board says besides the states: who is on call, what was over the weekend, what comes first."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import SECOND, CheckId, State
from pacs_monitor.web.pages.lately import Recent, last_evening
from pacs_monitor.web.pages.signs import DEGRADED, DOWN, PAUSED, UNKNOWN, UNMEASURED, UP, Sign
from pacs_monitor.web.pages.snapshot import service_row
from tests.peers.ports import free_port
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.support.timing import SOON
from tests.web.conftest import Guarded, Served
from tests.web.test_affected import words
from tests.web.test_pages import incident_of, page

BERLIN = ZoneInfo("Europe/Berlin")
TIMING = "interval: 200ms, retry_interval: 100ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
PEOPLE = "people: {anna: {channels: desk}, ben: {channels: desk}}\n"
ROTA = PEOPLE + 'shifts: [{order: [anna], start: 2026-01-05, handover: "Mon 08:00"}]\n'
NOBODY = PEOPLE + "overrides: [{who: ben, from: 2020-01-01, to: 2020-01-02}]\n"
SECTIONS = """channels: {desk: {type: webhook, url: "http://127.0.0.1:1/"}}
oncall: {it: {rota: rota.yaml, otherwise: [desk]}}
default_route: {oncall: it}
"""


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-11-30T08:00", "2026-11-27T17:00"),  # on a Monday Friday's, all day
        ("2026-11-30T23:00", "2026-11-27T17:00"),
        ("2026-12-01T08:00", "2026-11-30T17:00"),
        ("2026-11-27T18:00", "2026-11-26T17:00"),
        ("2026-11-28T12:00", "2026-11-27T17:00"),
        ("2026-11-29T12:00", "2026-11-27T17:00"),
        ("2026-10-26T08:00", "2026-10-23T17:00"),  # the clocks were set back in between
    ],
)
def test_since_when_nobody_was_at_work(now: str, since: str) -> None:
    at, began = (datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() for text in (now, since))
    assert last_evening(round(at) * SECOND, BERLIN) == round(began) * SECOND


@given(some.integers(0, 4_000_000_000), some.sampled_from(["Europe/Berlin", "UTC", "America/New_York"]))
def test_it_is_at_17_on_a_working_day_before_today(now: int, zone: str) -> None:
    found = datetime.fromtimestamp(last_evening(now * SECOND, ZoneInfo(zone)) // SECOND, ZoneInfo(zone))
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    assert (found.hour, found.minute, found.second) == (17, 0, 0)
    assert found.weekday() <= 4
    assert 1 <= (today - found.date()).days <= 3


async def test_what_has_ended_meanwhile_is_told_with_who_acknowledged(served: Served) -> None:
    assert "d-lately" not in (await page(served, "/")).text
    identity = await incident_of(served)
    async with asyncio.timeout(SOON):  # what fails in addition would end an acknowledgement
        while "2 checks fail" not in words((await page(served, "/")).text):
            await asyncio.sleep(0.1)
    acknowledged = {"why": "looking", "by": "it-duty", "for": "1h"}
    assert (await served.client.post(f"/api/v1/incidents/{identity}/ack", json=acknowledged)).is_success
    served.peer.up()
    async with asyncio.timeout(SOON):
        while "d-lately" not in (board := (await page(served, "/")).text):
            await asyncio.sleep(0.1)
    told = board.partition('id="d-lately"')[2].partition("</details>")[0]

    assert re.search(r"incidents? ha\w+ ended since", words(told))
    assert f'href="./incidents/{identity}"' in told
    assert "acknowledged by it-duty" in told
    recent = Recent(served.daemon)
    first = await recent.look()
    assert first.lately.last is not None
    assert (await recent.look()).lately is first.lately, "the record is asked again only when something has changed"


async def test_who_is_on_call_is_on_the_board_and_not_on_the_wall(served: Served) -> None:
    assert "On call:" not in (await page(served, "/")).text
    (served.config.parent / "rota.yaml").write_text(ROTA)
    served.config.write_text(served.config.read_text() + SECTIONS)
    assert (await served.client.post("/api/v1/reload")).is_success

    assert "On call: anna" in words((await page(served, "/?q=archive")).text)
    assert "anna" not in (await page(served, "/wall")).text


async def test_that_nobody_is_on_call_is_said_with_a_sign(served: Served) -> None:
    (served.config.parent / "rota.yaml").write_text(NOBODY)
    served.config.write_text(served.config.read_text() + SECTIONS)
    assert (await served.client.post("/api/v1/reload")).is_success
    board = (await page(served, "/")).text

    assert "On call: NOBODY, pages go to desk" in words(board)
    assert re.search(r'<b class="state down"><svg[^>]*><use href="#s-down"/></svg> NOBODY', board)


async def test_who_may_not_ask_who_is_on_call_does_not_see_it(guarded: Guarded) -> None:
    """The board is open to those whom the API answers, too, and to nobody else."""
    for name in ("oncall", "reader"):
        browser = await guarded.signed_in(name)
        assert (await browser.get("/")).status_code == 200
        token = {"authorization": f"Bearer {name}-token", "accept": "application/json"}
        assert (await browser.get("/api/v1/oncall", headers=token)).status_code == 200
    for browser in (guarded.browser(), await guarded.signed_in("screen")):
        assert (await browser.get("/")).status_code != 200


async def test_what_is_off_comes_after_what_is_up(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    nodes = "".join(
        f"  {name}: {{title: {name}, host: 127.0.0.1, role: modality{more}, checks: {{tcp: {{port: {at}}}}}}}\n"
        for name, at, more in (
            ("a-off", free_port(), ", presence: intermittent"),
            ("b-up", port, ""),
            ("c-down", free_port(), ""),
        )
    )
    daemon = await Daemon.open(load(write_estate(tmp_path, 0, nodes, defaults=TIMING)))
    await daemon.start()
    async with server, asking("http://{}:{}".format(*daemon.address), headers={"accept": "text/html"}) as client:
        async with asyncio.timeout(SOON):
            while "1 down 1 up 1 switched off" not in (said := words((await client.get("/")).text)):
                await asyncio.sleep(0.1)
    await daemon.stop()

    estate = said.partition("modality")[2]
    assert re.findall(r"a-off|b-up|c-down", estate) == ["c-down", "b-up", "a-off"]


@pytest.mark.parametrize(
    ("state", "signs", "shown"),
    [
        (State.UP, (UP, DOWN), (UP, "", "")),  # the other one is enough
        (State.DOWN, (UP, DOWN), (DOWN, "no priors", "b/echo")),
        (State.DEGRADED, (DEGRADED, DOWN), (DEGRADED, "no priors", "a/echo, b/echo")),
        (State.UNKNOWN, (UP, UNMEASURED), (UNMEASURED, "", "")),
        (State.UNKNOWN, (PAUSED, UNMEASURED), (UNMEASURED, "", "")),
        (State.UNKNOWN, (PAUSED, UP), (PAUSED, "", "")),
        (State.UNKNOWN, (UNKNOWN, UNMEASURED), (UNKNOWN, "", "")),
    ],
)
def test_a_service_says_what_it_means_and_why_only_while_it_fails(
    state: State, signs: tuple[Sign, ...], shown: tuple[Sign, str, str]
) -> None:
    about = {"service": "Archive", "state": state, "impact": "no priors"}
    checks = [CheckId("a", "echo"), CheckId("b", "echo")]
    row = service_row(about, dict(zip(checks, signs, strict=True)))

    assert (row.sign, row.impact, row.because) == shown
