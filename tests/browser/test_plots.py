"""Plots on the pages of a daemon that runs: they stand there, for everybody, and are valid."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import sin
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from playwright.sync_api import Browser

from pacs_monitor.history import Runs
from pacs_monitor.model import SECOND, CheckId
from tests.browser.test_pages import browser, incident_of, opened
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.measured import Counted, Values, put
from tests.support.pages import barriers, invalid

__all__ = ["browser"]
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
ECHO, ROOM, FEED = (CheckId("archive", name) for name in ("dicom_echo", "room", "feed"))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 120_000
"""Of a page with a handful of plots."""


class Measured(NamedTuple):
    """A daemon with a past, and an incident of it."""

    daemon: RunningDaemon
    incident: str


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("plots")
    with Switchable() as peer:
        nodes = (
            f"  archive: {{title: Main archive, host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: "
            f"{{dicom_echo: {{interval: 1s, retry_interval: 200ms}}, room: {{probe: disk, source: local}}, "
            f"feed: {{probe: hl7_feed, source: folder, folder: '{folder}', within: 4h}}}}}}\n"
        )
        listen = free_port()
        timing = "interval: 60s, timeout: 5s, failures: 2, recoveries: 1, page_after: 0s"
        with RunningDaemon(write_estate(folder, listen, nodes, defaults=timing), listen) as daemon:
            wait_for_state(daemon, "up")
            put(f"sqlite:///{folder}/proof.db", *past(time.time_ns() // 1000))
            peer.down()
            yield Measured(daemon, incident_of(daemon, "archive"))


def past(now: int) -> tuple[list[Values], list[Counted]]:
    """Free space that shrinks, messages by the hour, and runs that took some time."""
    hour, day = now // HOUR * HOUR, now // (24 * HOUR) * 24 * HOUR
    free = [(now - n * MINUTE, 5e10 + n * 1e7) for n in range(5, 2000, 5)]
    came, total = list[tuple[int, float]](), 0.0
    for n in range(31 * 24 * 6, 0, -1):
        total += max(0, round(9 * sin(n / 23)))
        came.append((now - 10 * n * MINUTE, total))
    runs = Runs(ok=58, fail=2, buckets={80: 30, 90: 28, 120: 2})
    counted = [Counted(ECHO, 3600, hour - n * HOUR, runs) for n in range(2, 40) if n not in (9, 10)]
    counted += [Counted(ECHO, 86_400, day - n * 24 * HOUR, runs) for n in range(5, 80)]
    return [
        Values(ROOM, "disk_free_bytes", {"volume": "/archive"}, free),
        Values(FEED, "hl7_feed_messages", {"feed": "ADT"}, came),
    ], counted


def test_everybody_can_read_them_and_they_are_valid(browser: Browser, measured: Measured, tmp_path: Path) -> None:
    for path, texts in {
        "/nodes/archive": (
            "room, /archive: Bytes that a writer may still use",
            "feed, ADT by the hour, the last 24 hours",
        ),
        "/checks/archive/dicom_echo?over=quarter": ("The last 90 days", "dicom_echo: how long its runs took"),
        f"/incidents/{measured.incident}": ("Around its time", "dicom_echo: how long its runs took"),
    }.items():
        with opened(browser, measured.daemon.url + path) as page:
            html = page.request.get(measured.daemon.url + path, headers={"accept": "text/html"}).text()
            shown = page.locator("#p-plots").inner_text()
            assert [text for text in texts if text not in shown] == []
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                assert barriers(page) == [], path
        assert len(html) < MOST_BYTES, path
        assert invalid(html, tmp_path) == [], path


def test_another_span_is_a_link_and_the_figures_are_a_table(browser: Browser, measured: Measured) -> None:
    with opened(browser, f"{measured.daemon.url}/checks/archive/dicom_echo") as page:
        page.get_by_role("link", name="week").click()
        page.locator("#p-plots", has_text="The last 7 days").wait_for()
        figure: Any = page.locator("#p-plots figure").first
        assert figure.get_by_role("img").count() == 1
        figure.locator("summary").click()
        assert "Half within" in figure.locator("table").inner_text()
