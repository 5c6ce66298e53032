"""The page of reports in a real browser, over a recorded quarter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import SECOND
from tests.browser.test_pages import PHONE, opened
from tests.peers.chromium import chromium
from tests.reports import quarter as q
from tests.support.clock import SettableClock

NOW = q.at(10, 20)
SHOWN_WITHIN = 60_000
"""Milliseconds: quarters are worked out one after the other."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of the third quarter, and a configuration whose nodes are on this machine."""

    async def recorded() -> None:
        history, _ = await q.recorded(tmp_path, NOW)
        history.close()

    asyncio.run(recorded())
    database = f"database: 'sqlite:///{tmp_path}/pacs-monitor.db', listen: '127.0.0.1:0', paging: 'off', timezone:"
    text = q.ESTATE.replace("timezone:", database).replace("10.0.0.", "127.0.0.")
    (tmp_path / "monitor.yaml").write_text(text)
    return tmp_path


def served(folder: Path, look: Callable[[str], None]) -> None:
    """Have a browser look at the address of a daemon for which it is the 20th of October."""

    async def run() -> None:
        clock = SettableClock()
        clock.set_by((NOW - clock.now()) / SECOND)
        daemon = await Daemon.open(load(folder / "monitor.yaml"), clock)
        await daemon.start()
        try:
            await asyncio.to_thread(look, "http://{}:{}".format(*daemon.address))
        finally:
            await daemon.stop()

    asyncio.run(run())


def shown(page: Page, selector: str, text: str) -> None:
    page.locator(selector, has_text=text).first.wait_for(state="visible", timeout=SHOWN_WITHIN)


def test_a_quarter_is_shown_frozen_approved_and_opened(folder: Path) -> None:
    def look(address: str) -> None:
        with chromium() as browser, opened(browser, f"{address}/reports") as page:
            shown(page, "#p-2026-Q3", "Counted under SLA 4.2: 99.95 %")
            shown(page, "#p-2026-Q3 .state.up", "met")
            strip = page.locator("#p-2026-Q3 svg.strip").first
            assert strip.locator("g").count() == 92
            assert "2026-07-10: down 44 min" in strip.inner_html()
            assert page.get_by_role("button", name="Freeze 2026-Q4").count() == 0
            section = page.locator("#p-2026-Q3")
            section.get_by_label("Your name").last.fill("Ada <b>Lovelace</b>")
            section.get_by_label("Why").fill("for the board")
            section.get_by_role("button", name="Freeze 2026-Q3").click(no_wait_after=True)
            shown(page, ".notice", "The report is frozen.")
            shown(page, "#p-2026-Q3", "2026-Q3/1 frozen")
            shown(page, "#p-2026-Q3", "Ada <b>Lovelace</b>")
            section.locator("summary", has_text="Hashes").click()
            approving = section.locator("form", has_text="Approve 2026-Q3/1")
            approving.get_by_label("Your name").fill("Grace Hopper")
            approving.get_by_role("button").click()
            shown(page, "#p-2026-Q3", "Approved by Grace Hopper")
            page.locator("#p-2025-Q4").wait_for(state="detached", timeout=SHOWN_WITHIN)  # nothing was watched then
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.set_viewport_size(PHONE)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            row = requests.get(f"{address}/api/v1/reports/2026-Q3/1", timeout=60).json()
            for form, digest in row["documents"].items():
                kept = requests.get(f"{address}/reports/2026-Q3/1", params={"format": form}, timeout=60).content
                assert sha256(kept).hexdigest() == digest
            assert "pdf" in row["documents"]
            section.get_by_role("link", name="HTML").last.click()
            shown(page, "main", "2026-Q3/1")

    served(folder, look)
