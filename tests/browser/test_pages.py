"""Pages in a real browser, over a daemon in a process of its own and real peers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.peers.chromium import chromium
from tests.peers.daemon import RunningDaemon, wait_for_state
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.timing import UP_WITHIN, wait_until

PHONE = ViewportSize(width=390, height=844)
SCREENS = (ViewportSize(width=1920, height=1080), ViewportSize(width=1280, height=720))
CHANGES_WITHIN, COVERED_WITHIN = 5.0, 15.0
"""Seconds from when the monitor knows, and from when it is silent."""
ODD = "</title><img src=x onerror=alert(1)><script>alert(2)</script>\"'\u202e" + "long " * 40
LOWEST = "Math.max(...[...document.querySelectorAll('main *')].map(one => one.getBoundingClientRect().bottom))"
TIMING = "interval: 500ms, retry_interval: 200ms, timeout: 5s, failures: 2, recoveries: 1, page_after: 0s"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def spare(name: str) -> str:
    """A node that nobody answers for, with somebody to call."""
    support = "support: {phone: '+49 30 1234'}"
    return f"  {name}: {{host: 127.0.0.1, {support}, checks: {{tcp: {{port: {free_port()}}}}}}}\n"


class Estate:
    """A daemon over an archive that can be switched off, and nodes with odd names that nobody answers for."""

    def __init__(self, daemon: RunningDaemon, peer: Switchable) -> None:
        self.daemon, self.peer = daemon, peer


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with Switchable() as peer:
        odd = {"title": ODD, "role": ODD, "impact": ODD, "host": "127.0.0.1"}
        nodes = (
            f"  archive: {{title: Main archive, host: 127.0.0.1, site: east, role: archive, "
            f"dicom: {{port: {peer.port}, ae_title: PEER}}, "
            "support: {phone: '+49 30 1234'}, checks: {dicom_echo: {severity: critical}}}\n"
            f"{spare('one')}{spare('two')}"
            f"  odd: {json.dumps({**odd, 'checks': {'tcp': {'port': free_port()}}})}\n"
        )
        listen, folder = free_port(), tmp_path_factory.mktemp("browser")
        with RunningDaemon(write_estate(folder, listen, nodes, defaults=TIMING), listen) as daemon:
            wait_for_state(daemon, "up")
            yield Estate(daemon, peer)


@contextmanager
def opened(browser: Browser, address: str, size: ViewportSize | None = None, *, script: bool = True) -> Iterator[Page]:
    """A page of a person's own; whatever a browser complains of fails the test, and so does a script of others."""
    context = browser.new_context(viewport=size or SCREENS[1], java_script_enabled=script)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(address)
    yield page
    context.close()
    assert [text for text in said if "net::ERR_" not in text and "Failed to load resource" not in text] == []


def incident_of(daemon: RunningDaemon, node: str) -> str:
    """Wait until one is open."""
    found: list[str] = []

    def is_open() -> bool:
        rows = daemon.get("/api/v1/incidents?open=true")
        found[:] = [row["id"] for row in rows if any(member.startswith(f"{node}/") for member in row["members"])]
        return bool(found)

    wait_until(is_open, f"an incident of {node}", UP_WITHIN)
    return found[0]


def text_within(page: Page, selector: str, text: str, seconds: float) -> None:
    """The page says it by itself, in so many seconds in which this machine did not stand still."""
    page.locator(selector, has_text=text).first.wait_for(state="visible", timeout=1000 * seconds)


def test_a_node_is_lost_and_every_open_page_says_so_by_itself(browser: Browser, estate: Estate) -> None:
    daemon = estate.daemon
    with opened(browser, daemon.url) as board:
        tabs = [board.context.new_page() for _ in range(7)]
        for tab in tabs:
            tab.goto(f"{daemon.url}/nodes/archive")
        text_within(board, ".node", "Main archive", CHANGES_WITHIN)
        estate.peer.down()
        incident_of(daemon, "archive")
        text_within(board, ".incident h3", "Main archive refuses connections", CHANGES_WITHIN)
        for tab in tabs:
            tab.bring_to_front()
            text_within(tab, "#p-incidents", "Main archive refuses connections", CHANGES_WITHIN)
        estate.peer.up()
        wait_for_state(daemon, "up")
        board.bring_to_front()
        board.locator(".incident h3", has_text="Main archive").first.wait_for(state="detached", timeout=20_000)


@pytest.mark.parametrize(("script", "node"), [(True, "one"), (False, "two")], ids=["script", "no script"])
def test_it_is_acknowledged_on_a_phone(browser: Browser, estate: Estate, script: bool, node: str) -> None:
    address = f"{estate.daemon.url}/incidents/{incident_of(estate.daemon, node)}"
    with opened(browser, address, PHONE, script=script) as page:
        button = page.get_by_role("button", name="Acknowledge", exact=True)
        box = button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE["height"], "it is on the first screen"
        assert page.get_by_role("link", name="Call +49 30 1234").get_attribute("href") == "tel:+49301234"
        page.get_by_label("Your name").first.fill("it-duty")
        button.click()
        text_within(page, ".acked", "Acknowledged by it-duty", 20)
        page.get_by_role("button", name="I called the vendor").click()
        text_within(page, ".story .said", "Vendor called", 20)


def test_what_somebody_types_is_not_overwritten(browser: Browser, estate: Estate) -> None:
    address = f"{estate.daemon.url}/incidents/{incident_of(estate.daemon, 'odd')}"
    with opened(browser, address) as page:
        page.get_by_label("Note").first.fill("looking into it")
        page.locator("body").click(position={"x": 5, "y": 5})
        with page.expect_response(lambda answer: "part=1" in answer.url):
            pass
        with page.expect_response(lambda answer: "part=1" in answer.url):
            pass
        assert page.get_by_label("Note").first.input_value() == "looking into it"


@pytest.mark.parametrize("path", ["/", "/nodes/odd", "/checks/odd/tcp", "/wall", "/maintenance", "/monitor"])
@pytest.mark.parametrize("size", [PHONE, SCREENS[0]], ids=["phone", "desk"])
def test_odd_names_neither_run_nor_break_the_page(
    browser: Browser, estate: Estate, path: str, size: ViewportSize
) -> None:
    incident_of(estate.daemon, "odd")
    with opened(browser, estate.daemon.url + path, size) as page:
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("size", SCREENS, ids=["1920", "1280"])
def test_the_wall_fits_on_one_screen_with_everything_down(browser: Browser, tmp_path: Path, size: ViewportSize) -> None:
    impact = "impact: 'Images cannot be seen in the emergency department; use the downtime viewer on every floor'"
    nodes = "".join(
        f"  node-{n}: {{title: 'System number {n}', host: 127.0.0.1, site: site-{n % 12}, {impact}, "
        f"checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        for n in range(24)
    )
    listen = free_port()
    with RunningDaemon(write_estate(tmp_path, listen, nodes, defaults=TIMING), listen) as daemon:
        wait_until(lambda: len(daemon.get("/api/v1/incidents?open=true")) >= 20, "incidents")
        with opened(browser, f"{daemon.url}/wall", size) as page:
            text_within(page, ".wall-more", "more", CHANGES_WITHIN)
            low = page.evaluate(LOWEST)
            assert low <= size["height"]
            cut = page.evaluate("(e => e.scrollHeight - e.clientHeight)(document.querySelector('.wall-troubles'))")
            assert cut <= 1


def test_the_wall_says_that_the_monitor_is_frozen(browser: Browser, estate: Estate) -> None:
    daemon = estate.daemon
    with opened(browser, f"{daemon.url}/wall", SCREENS[0]) as page:
        text_within(page, "#age", "Data", CHANGES_WITHIN)
        assert not page.locator("#stale").is_visible()
        begin = page.locator("#clock").inner_text()
        page.wait_for_function("shown => document.getElementById('clock').textContent !== shown", arg=begin)
        daemon.stand_still()
        try:
            text_within(page, "#stale", "No data since", COVERED_WITHIN)
            stopped = page.locator("#clock").text_content()
            page.wait_for_timeout(2500)
            assert page.locator("#clock").text_content() == stopped, "no clock goes on over data that stand still"
            box = page.locator("#stale").bounding_box()
            assert box is not None
            assert (box["width"], box["height"]) == (1920, 1080), "it covers the whole screen"
        finally:
            daemon.go_on()
        page.locator("#stale").wait_for(state="hidden", timeout=20_000)


def test_the_wall_says_that_the_monitor_is_gone(browser: Browser, tmp_path: Path) -> None:
    with Switchable() as peer:
        node = (
            f"  archive: {{host: 127.0.0.1, dicom: {{port: {peer.port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"
        )
        listen = free_port()
        with RunningDaemon(write_estate(tmp_path, listen, node, defaults=TIMING), listen) as daemon:
            wait_for_state(daemon, "up")
            with opened(browser, f"{daemon.url}/wall") as page:
                text_within(page, ".wall-well", "No trouble is known", CHANGES_WITHIN)
                daemon.stop()
                began = time.monotonic()
                text_within(page, "#stale", "No data since", COVERED_WITHIN)
                assert time.monotonic() - began < COVERED_WITHIN
