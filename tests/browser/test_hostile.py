"""Names, labels, answers of peers and words of people that are meant to run, to deceive, or to break the layout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import icalendar
import pytest
import requests
from playwright.sync_api import Browser

from tests.browser.test_pages import PHONE, SCREENS, TIMING, opened
from tests.peers.chromium import chromium
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.support.estates import write_estate
from tests.support.timing import wait_until

RUNS = "</title></script></textarea>-->\"'><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>"
"""Out of whatever it may stand in."""
TURNS = "\u202eright to left\u2067\u200b\u200d\ufeff\u2060 \u05e9\u05dc\u05d5\u05dd"
LONG = "W" * 5000 + " long" * 1000
HOSTILE = f"{RUNS}{TURNS}{{{{ 7*7 }}}}{LONG}"
SAID = f"{RUNS}{'W' * 300}"
"""What people may type."""
HEIGHT, LONGEST_PAGE = "document.documentElement.scrollHeight", 25_000
"""Pixels, on a phone."""
NODE, CHECK = "n" * 200, "c" * 200
WORDS = {"by": "x' OR <b>1</b>", "why": SAID}
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
LOWEST = "Math.max(...[...document.querySelectorAll('main *')].map(one => one.getBoundingClientRect().bottom))"
FOREIGN = "document.querySelectorAll('img, main script, main iframe, [onerror], [onload]').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def estate(folder: Path, listen: int) -> Path:
    """All that a configuration can say, said by somebody who means harm."""
    answers = [sys.executable, "-c", f"print({HOSTILE[:4000]!r}); raise SystemExit(2)"]
    node = {
        "title": HOSTILE,
        "role": HOSTILE,
        "site": "east",
        "host": "127.0.0.1",
        "labels": {"vendor": HOSTILE, "room": SAID},
        "impact": HOSTILE,
        "support": {"phone": f"+49 30 1234 {SAID}", "contract": HOSTILE, "hours": "24x7"},
        "checks": {CHECK: {"probe": "tcp", "port": free_port()}, "plugin": {"probe": "exec", "command": answers}},
    }
    file = write_estate(folder, listen, f"  {NODE}: {json.dumps(node)}\n", defaults=TIMING, allow=[f"{NODE}/plugin"])
    more = {
        "sites": {"east": {"title": HOSTILE}},
        "services": {"reading": {"all": [f"{NODE}/{CHECK}"], "impact": HOSTILE}},
        "objectives": [
            {"name": HOSTILE, "service": "reading", "availability": "99.9%", "counts": "felt", "contract": HOSTILE}
        ],
    }
    written = "".join(f"{section}: {json.dumps(value)}\n" for section, value in more.items())
    file.write_text(f"{file.read_text(encoding='utf-8')}{written}", encoding="utf-8")
    return file


class Attacked:
    """A daemon over it, with an incident that people have spoken of, and maintenance."""

    def __init__(self, daemon: RunningDaemon) -> None:
        self.daemon = daemon
        self.incident = ""

    def speak(self) -> None:
        wait_until(lambda: bool(self.daemon.get("/api/v1/incidents?open=true")), "an incident")
        wait_until(lambda: self.daemon.check(NODE, "plugin")["state"] == "down", "the plugin's answer")
        self.incident = self.daemon.get("/api/v1/incidents?open=true")[0]["id"]
        here = f"/api/v1/incidents/{self.incident}"
        self._say(f"{here}/note", {"by": WORDS["by"], "text": SAID, "public": True})
        self._say(f"{here}/ack", {**WORDS, "for": "2h"})
        plan = {**WORDS, "name": RUNS[:80], "for": "2h", "start": "tomorrow 02:00"}
        self._say("/api/v1/maintenance", {**plan, "match": {"node": "n*"}})

    def _say(self, path: str, body: Mapping[str, Any]) -> None:
        answer = requests.post(f"{self.daemon.url}{path}", json=body, timeout=20)
        assert answer.ok, answer.text

    @property
    def pages(self) -> list[str]:
        of_node = [f"/nodes/{NODE}", f"/checks/{NODE}/{CHECK}", f"/checks/{NODE}/plugin", "/nodes/none/<script>"]
        return ["/", "/wall", f"/incidents/{self.incident}", *of_node, "/maintenance", "/reports", "/monitor"]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    listen = free_port()
    with RunningDaemon(estate(tmp_path_factory.mktemp("hostile"), listen), listen) as daemon:
        found = Attacked(daemon)
        found.speak()
        yield found


@pytest.mark.parametrize("size", [PHONE, SCREENS[1]], ids=["phone", "desk"])
def test_no_text_runs_turns_what_follows_or_breaks_the_layout(browser: Browser, attacked: Attacked, size: Any) -> None:
    url, broken = attacked.daemon.url, list[str]()
    with opened(browser, f"{url}/", size) as page:
        for path in attacked.pages:
            page.goto(f"{url}{path}")
            if not page.evaluate(FITS):
                broken.append(f"{path} scrolls sideways")
            if page.evaluate(FOREIGN):
                broken.append(f"{path} has an element that nobody wrote")
            if any(turn in page.content() for turn in "\u202e\u2067"):
                broken.append(f"{path} turns its text")
            if page.evaluate(HEIGHT) > LONGEST_PAGE:
                broken.append(f"{path} is as long as what somebody says: {page.evaluate(HEIGHT)}")
            if path == "/wall" and size is not PHONE and page.evaluate(LOWEST) > size["height"]:
                broken.append("the wall does not fit")
    assert broken == []


def test_feeds_are_well_formed(attacked: Attacked) -> None:
    url = attacked.daemon.url
    feed = ElementTree.fromstring(requests.get(f"{url}/feed.atom", timeout=20).content)
    assert any("<script>" in (element.text or "") for element in feed.iter())
    body = requests.get(f"{url}/maintenance.ics", timeout=20).content
    (event,) = icalendar.Calendar.from_ical(body.decode()).walk("VEVENT")
    assert str(event["summary"]) == f"Maintenance: {RUNS[:80]}"
    assert max(map(len, body.splitlines())) <= 75
