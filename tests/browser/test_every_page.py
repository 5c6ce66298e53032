"""All pages, in both languages, light and dark: valid, without barriers, by keyboard alone, and without colour."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import requests
from PIL import Image, ImageChops
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from pacs_monitor.web.pages.signs import SIGNS
from tests.peers.chromium import chromium
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import write_estate
from tests.support.pages import barriers, faults
from tests.support.timing import UP_WITHIN, wait_until

Scheme = Literal["light", "dark"]
LOCALES = {"en": "en-GB", "de": "de-DE"}
TOKEN = "right-right-right-right-right-right"
DESK = ViewportSize(width=1280, height=900)
TIMING = "interval: 500ms, retry_interval: 200ms, timeout: 5s, failures: 2, recoveries: 1, page_after: 0s"
AGREED = (
    "objectives:\n  - {name: PACS, service: reading, availability: 99.9%, per: quarter, degraded: up, "
    "maintenance: exclude_downtime, contract: SLA 4.2, counts: attributable}\n"
)
PICTURES_DIFFER = 10
"""Pixels of a sign as it is on a page, without colour."""
ALL_SIGNS = (*SIGNS, "maintenance")
CLASSES = ("up", "degraded", "down", "unreachable", "absent", "maintenance", "unknown")
"""Of the seconds of a day."""


class House(NamedTuple):
    """A daemon over an estate in which everything that pages show is there, another without nodes, and a browser."""

    daemon: RunningDaemon
    empty: RunningDaemon
    browser: Browser
    paths: dict[str, str]

    def api(self, path: str, words: dict[str, Any]) -> Any:
        answer = requests.post(self.daemon.url + path, json=words, headers=SIGNED, timeout=20)
        answer.raise_for_status()
        return answer.json()


SIGNED = {"Authorization": f"Bearer {TOKEN}"}


def estate(folder: Path, port: int, listen: int) -> Path:
    support = "support: {phone: '+49 30 1234', contract: '4711', hours: 24x7}"
    nodes = (
        f"  archive: {{title: Main archive, host: 127.0.0.1, site: east, role: archive, labels: {{vendor: acme}}, "
        f"impact: no priors, {support}, dicom: {{port: {port}, ae_title: PEER}}, "
        f"checks: {{dicom_echo: {{severity: critical}}, port: {{probe: tcp, port: {port}}}}}}}\n"
        f"  ct: {{title: CT 2, host: 127.0.0.1, site: east, role: modality, impact: no new images, {support}, "
        f"depends_on: [archive], downtime_procedure: use CT 1, "
        f"checks: {{tcp: {{port: {free_port()}, severity: critical}}}}}}\n"
        f"  us: {{title: Ultrasound, host: 127.0.0.1, site: west, role: modality, "
        f"checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        "  printer: {host: 127.0.0.1, site: west}\n"
    )
    nodes += "".join(
        f"  lost-{n}: {{title: Lost {n}, host: 127.0.0.1, site: north, impact: no images, {support}, "
        f"downtime_procedure: use paper, checks: {{tcp: {{port: {free_port()}}}}}}}\n"
        for n in range(3)
    )
    file = write_estate(folder, listen, nodes, defaults=TIMING)
    auth = f"monitor:\n  auth: {{tokens: [{{name: it-duty, role: operator, token: {TOKEN}}}]}}\n"
    more = "services:\n  reading: {all: [archive/dicom_echo, ct/tcp], impact: no reading}\n" + AGREED
    more += "sites:\n  east: {title: East campus}\n  west: {title: West campus}\n  north: {title: North campus}\n"
    file.write_text(file.read_text().replace("monitor:\n", auth) + more)
    return file


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    listen, idle = free_port(), free_port()
    bare = write_estate(tmp_path_factory.mktemp("empty"), idle, "  {}\n")
    with Switchable() as peer, RunningDaemon(bare, idle) as empty, chromium() as browser:
        file = estate(tmp_path_factory.mktemp("house"), peer.port, listen)
        with RunningDaemon(file, listen) as daemon:
            made = House(daemon, empty, browser, {})
            made.paths.update(furnished(made))
            yield made


def furnished(house: House) -> dict[str, str]:
    """Have something of everything there; the paths of all pages by a name of each."""
    opened: dict[str, str] = {}

    def all_are_open() -> bool:
        rows = requests.get(f"{house.daemon.url}/api/v1/incidents?open=true", headers=SIGNED, timeout=20).json()
        opened.update({row["members"][0]: row["id"] for row in rows if row["kind"] == "node"})
        opened.update({row["kind"]: row["id"] for row in rows})
        return {"ct/tcp", "us/tcp", "group"} <= opened.keys()

    wait_until(all_are_open, "incidents", UP_WITHIN)
    house.api(f"/api/v1/incidents/{opened['us/tcp']}/ack", {"why": "vendor called", "for": "8h", "ticket": "INC 7"})
    note = {"text": "Images from CT 2 are delayed", "public": True, "next_update": "tomorrow 07:00"}
    house.api(f"/api/v1/incidents/{opened['ct/tcp']}/note", note)
    house.api("/api/v1/pause", {"match": {"check": "port"}, "for": "2h", "why": "new switch"})
    house.api("/api/v1/maintenance", {"match": {"node": "archive"}, "name": "update", "for": "2h"})
    house.api(
        "/api/v1/maintenance", {"match": {"node": "ct"}, "name": "detector", "start": "tomorrow 02:00", "for": "2h"}
    )
    words = {"node": "us", "from": "Mon 03:10", "to": "Mon 03:45", "evidence": "the log of the archive"}
    declared = house.api("/api/v1/incidents", words)["id"]
    names = ("maintenance", "reports", "monitor", "wall", "nodes/archive", "nodes/ct", "nodes/printer", "nodes/none")
    paths = {"board": "/", "filtered": "/?state=down", **{name: f"/{name}" for name in names}}
    paths |= {"check": "/checks/archive/dicom_echo", "failing": "/checks/ct/tcp"}
    return paths | {
        "incident": f"/incidents/{opened['ct/tcp']}",
        "acknowledged": f"/incidents/{opened['us/tcp']}",
        "group": f"/incidents/{opened['group']}",
        "declared": f"/incidents/{declared}",
        "no incident": "/incidents/none",
    }


@contextmanager
def signed_in(house: House, language: str) -> Iterator[BrowserContext]:
    """A person with a browser of this language."""
    context = house.browser.new_context(locale=LOCALES[language], viewport=DESK)
    page = context.new_page()
    page.goto(f"{house.daemon.url}/sign-in")
    page.locator("input[name=token]").fill(TOKEN)
    page.locator("main button").click()
    page.locator("#p-counts").wait_for()
    page.close()
    yield context
    context.close()


def addresses(house: House) -> dict[str, str]:
    """Of all pages that one sees who is signed in."""
    pages = {name: house.daemon.url + path for name, path in house.paths.items()}
    return pages | {"empty": house.empty.url + "/", "empty wall": f"{house.empty.url}/wall"}


@pytest.mark.parametrize("language", LOCALES)
def test_every_page_is_valid_html(house: House, language: str, tmp_path: Path) -> None:
    with signed_in(house, language) as context:
        sources = {
            name: context.request.get(address, headers={"Accept": "text/html", "Accept-Language": language}).text()
            for name, address in addresses(house).items()
        }
    with house.browser.new_context(locale=LOCALES[language]) as stranger:
        form = stranger.request.get(f"{house.daemon.url}/sign-in", headers={"Accept-Language": language})
        sources["sign-in"] = form.text()
    assert [name for name, source in sources.items() if f'<html lang="{language}"' not in source] == []
    wrong = {name: found for name, found in faults(sources, tmp_path).items() if found}
    assert wrong == {}, wrong


@pytest.mark.parametrize("language", LOCALES)
def test_nothing_keeps_people_from_reading_any_page(house: House, language: str) -> None:
    """All rules by day in English and by night in German, contrast by day and night in both."""
    found: dict[str, list[str]] = {}
    with signed_in(house, language) as context, house.browser.new_context(locale=LOCALES[language]) as stranger:
        page, outside = context.new_page(), stranger.new_page()
        outside.goto(f"{house.daemon.url}/sign-in")
        found["sign-in"] = barriers_by_day_and_night(outside, language)
        for name, address in addresses(house).items():
            page.goto(address)
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            found[name] = barriers_by_day_and_night(page, language)
    assert {name: said for name, said in found.items() if said} == {}


def barriers_by_day_and_night(page: Page, language: str) -> list[str]:
    said = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        whole = (scheme == "light") == (language == "en")
        said += [f"{scheme}: {one}" for one in barriers(page, rules=() if whole else ("color-contrast",))]
    return said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_from_reading_a_page_that_is_old(house: House, scheme: Scheme) -> None:
    """Without the pattern behind it, over which axe-core judges no text."""
    found = {}
    with signed_in(house, "en") as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.route("**/*.js", lambda route: route.abort())  # it would find the page fresh
        for name, address in addresses(house).items():
            page.goto(address)
            page.evaluate(STALE)
            found[name] = barriers(page, rules=("color-contrast",))
    assert {name: said for name, said in found.items() if said} == {}


STALE = """() => { document.documentElement.classList.add("is-stale");
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  const main = document.querySelector("main"); main.style.backgroundImage = "none"; }"""
REACHABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
UNREACHED = """(what) => [...document.querySelectorAll(what)]
  .filter(one => one.checkVisibility() && !one.dataset.reached).map(one => one.outerHTML.slice(0, 120))"""
REACHED = """() => { const one = document.activeElement; if (!one || one === document.body) return "";
  const seen = one.dataset.reached, ring = getComputedStyle(one).outlineStyle; one.dataset.reached = "yes";
  return seen ? "again" : ring === "none" ? "unseen: " + one.outerHTML.slice(0, 120) : "reached"; }"""
MOST_STOPS = 400


@pytest.mark.parametrize("name", ["board", "incident", "nodes/ct", "check", "maintenance", "reports", "monitor"])
def test_everything_is_reached_by_keyboard_and_seen_when_it_is(house: House, name: str) -> None:
    with signed_in(house, "en") as context:
        page = context.new_page()
        page.route("**/*part=1*", lambda route: route.abort())  # a page that changes would lose the marks
        page.goto(house.daemon.url + house.paths[name])
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        stops = []
        for _stop in range(MOST_STOPS):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(REACHED))
            if stops[-1] in ("", "again"):
                break
        assert [stop for stop in stops if stop.startswith("unseen")] == []
        assert page.evaluate(UNREACHED, REACHABLE) == []


def test_an_incident_is_acknowledged_by_keyboard_alone(house: House) -> None:
    with signed_in(house, "de") as context:
        page = context.new_page()
        page.goto(house.daemon.url + house.paths["incident"])
        for _stop in range(MOST_STOPS):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "why":
                break
        page.keyboard.type("wird untersucht")
        page.keyboard.press("Enter")
        page.locator(".acked", has_text="Quittiert von it-duty").wait_for(timeout=20_000)
        page.locator(".notice", has_text="Die Störung ist quittiert.").wait_for()


def differ(one: bytes, other: bytes) -> int:
    """Pixels that are clearly lighter or darker."""
    first, second = (Image.open(io.BytesIO(picture)).convert("L") for picture in (one, other))
    assert first.size == second.size
    return sum(ImageChops.difference(first, second).point(lambda value: value > 48 and 255).histogram()[255:])


def greys(house: House, shown: dict[str, str], scheme: Scheme) -> dict[str, bytes]:
    """Pictures of parts of a page without colour."""
    with signed_in(house, "en") as context:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.goto(house.daemon.url)
        parts = "".join(f"<p id='try-{name}'>{svg}</p>" for name, svg in shown.items())
        page.evaluate(
            "(svg) => { document.body.innerHTML = document.querySelector('.sprite').outerHTML + svg; }", parts
        )
        page.evaluate("document.querySelectorAll('p').forEach(one => { one.style.filter = 'grayscale(1)'; })")
        page.evaluate("document.querySelectorAll('p svg').forEach(one => { one.style.display = 'block'; })")
        page.evaluate("document.querySelectorAll('.sign').forEach(one => { one.style.color = 'GrayText'; })")
        return {name: page.locator(f"#try-{name} svg").screenshot() for name in shown}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_two_signs_look_alike_without_colour(house: House, scheme: Scheme) -> None:
    """As large as on a page, all of one grey."""
    shown = {key: f'<svg class="sign {key}"><use href="#s-{key}"/></svg>' for key in ALL_SIGNS}
    pictures = greys(house, shown, scheme)
    for one, other in combinations(pictures, 2):
        assert differ(pictures[one], pictures[other]) >= PICTURES_DIFFER, f"{one} and {other}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_two_parts_of_a_day_look_alike_without_colour(house: House, scheme: Scheme) -> None:
    shown = {
        of: f'<svg class="strip" viewBox="0 0 630 36" preserveAspectRatio="none"><rect class="of-{of}" width="630" '
        'height="36"/></svg>'
        for of in CLASSES
    }
    pictures = greys(house, shown, scheme)
    for one, other in combinations(pictures, 2):
        assert differ(pictures[one], pictures[other]) >= 1000 * PICTURES_DIFFER, f"{one} and {other}"
