"""Pages in the language of who looks: which one is chosen, and that each keeps to it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacs_monitor import language
from pacs_monitor.config import load
from pacs_monitor.daemon import Daemon
from pacs_monitor.model import Flag, Reason
from pacs_monitor.web.pages import render
from pacs_monitor.web.pages.languages import said, said_of_many, wished
from tests.messages.test_languages import PLACEHOLDER, SCRIPT, forms
from tests.support.asking import asking
from tests.support.estates import write_estate
from tests.web.conftest import Served
from tests.web.test_pages import AS_BROWSER, incident_of, page

GERMAN = {"accept-language": "de-DE,de;q=0.9,en;q=0.8"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-de", "de"),
        ("fr, de;q=0.4, en;q=0.3", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("en;q=0.2, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=much", "en"),
        (";;,,q=1" * 999, "en"),
    ],
)
def test_a_browser_is_heard(header: str, language: str) -> None:
    assert wished(header) == language


def test_a_sentence_keeps_markup_of_templates_and_escapes_all_else() -> None:
    bold = said("{text}", text="<b>")

    assert str(said("{a} & {b}", a="<i>", b=bold)) == "&lt;i&gt; &amp; &lt;b&gt;"
    assert str(said_of_many("{count} {a}", "{count} {a}s", 1200, a="<i>")) == "1,200 &lt;i&gt;s"


async def test_each_browser_has_its_own_language(served: Served) -> None:
    english, german = await page(served, "/"), await page(served, "/", **GERMAN)

    assert '<html lang="en">' in english.text
    assert "Needs attention" in english.text
    assert '<html lang="de">' in german.text
    assert "Handlungsbedarf" in german.text
    assert "Needs attention" not in german.text
    assert (english.headers["content-language"], german.headers["content-language"]) == ("en", "de")
    for answer in (english, german):
        assert "Accept-Language" in answer.headers["vary"]


async def test_the_part_that_changes_is_another_one_in_another_language(served: Served) -> None:
    for path in ("/nodes/none?part=1", "/wall?part=1"):
        english = (await page(served, path)).headers["etag"]
        german = await page(served, path, **GERMAN, **{"if-none-match": english})
        assert german.status_code != 304
        assert german.headers["etag"] != english


async def test_times_and_numbers_are_written_as_in_german(served: Served) -> None:
    await incident_of(served)
    text = (await page(served, "/", **GERMAN)).text

    assert re.search(r'<time [^>]*title="(Mo|Di|Mi|Do|Fr|Sa|So) \d\d\.\d\d\.\d{4} \d\d:\d\d Uhr', text)
    assert re.search(r"lehnt Verbindungen auf Port \d+ ab", text)


async def test_a_filter_finds_a_state_by_its_word_in_either_language(served: Served) -> None:
    await incident_of(served)
    for word in ("down", "ausgefallen"):
        assert "nodes/archive" in (await page(served, f"/?q={word}", **GERMAN)).text


async def test_what_is_configured_wins(tmp_path: Path) -> None:
    for configured in ("de", "en"):
        file = write_estate(tmp_path, 0, "  {}\n")
        file.write_text(file.read_text().replace("monitor:\n", f"monitor:\n  language: {configured}\n"))
        daemon = await Daemon.open(load(file))
        await daemon.start()
        async with asking("http://{}:{}".format(*daemon.address)) as client:
            for wanted in ("en", "de"):
                answer = await client.get("/", headers=AS_BROWSER | {"accept-language": wanted})
                assert f'<html lang="{configured}">' in answer.text
        await daemon.stop()


@pytest.fixture
def only_placeholders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """German says nothing but the placeholders: whatever else is said was not translated."""
    catalog = SCRIPT["marked"]()
    try:
        for message in catalog:
            if message.id:
                only = [
                    " ".join(["", *(f"{{{name}}}" for name in PLACEHOLDER.findall(form)), ""])
                    for form in forms(message.id)
                ]
                message.string = tuple(only) if isinstance(message.id, tuple | list) else only[0]
        folder = tmp_path / "locale"
        file = folder / "de" / "LC_MESSAGES" / f"{language.DOMAIN}.mo"
        file.parent.mkdir(parents=True)
        catalog.locale = "de"
        file.write_bytes(SCRIPT["as_mo"](catalog))
        monkeypatch.setattr(language, "LOCALE", folder)
        yield
    finally:
        SCRIPT["marked"].cache_clear()


KNOWN = {"proof", "archive", "east", "dicom_echo", "port", "pacs_monitor", "UTC", "min", "s", "d", "h", "ms"}
KNOWN |= {
    "it-duty",
    "looking",
    "patching",
    "none",
    "JSON",
    "CSV",
    "HTML",
    "zip",
    "objectives",
    "DICOM",
    "PEER",
    "PACSMON",
}
KNOWN |= {"Sun", "ct-", "node", *Reason, *Flag}
KNOWN |= {"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So", "Uhr"}
"""Names of this estate, and units."""


def words_of(text: str) -> set[str]:
    """What a person reads of a page, or has read out: without names, numbers and code."""
    text = re.sub(
        r"\{span\}|\{at\}|<code>.*?</code>|<script.*?</script>|<!doctype[^>]*>|<tbody data-settings>.*?</tbody>"
        "|[0-9a-f]{12}",
        " ",
        text,
        flags=re.S,
    )
    told = re.findall(r'\s(?:aria-label|title|placeholder|data-said-\w+)="([^"]*)"', text)
    seen = " ".join([*told, re.sub(r"<[^>]*>", " ", text)])
    return {word for word in re.findall(r"(?<![\w-])[^\W\d][\w-]+", html.unescape(seen)) if word not in KNOWN}


@pytest.mark.usefixtures("only_placeholders")
async def test_no_page_has_words_that_were_not_translated(served: Served) -> None:
    async def left(path: str) -> set[str]:
        return words_of((await page(served, path, **GERMAN)).text)

    found = dict[str, set[str]]()
    paths = ["/", "/wall", "/nodes/archive", "/checks/archive/dicom_echo", "/maintenance", "/reports", "/monitor"]
    for path in [*paths, "/nodes/none", "/checks/archive/none", "/incidents/none"]:
        found[path] = await left(path)
    identity = await incident_of(served)
    words = {"why": "looking", "by": "it-duty", "for": "1h"}
    assert (await served.client.post(f"/api/v1/incidents/{identity}/ack", json=words)).is_success
    assert (await served.client.post("/api/v1/pause", json={**words, "match": {"check": "port"}})).is_success
    window = {**words, "name": "patching", "match": {"node": "archive"}}
    assert (await served.client.post("/api/v1/maintenance", json=window)).is_success
    for path in [*paths, f"/incidents/{identity}"]:
        found[f"{path} later"] = await left(path) - {identity}
    assert {path: words for path, words in found.items() if words} == {}


def test_what_a_template_gives_to_a_filter_is_said_in_each_language() -> None:
    """Jinja would work it out once, when it compiles, in the language of whoever opens the page first."""
    template = render.environment().from_string('{{ ("2h",) | lengths | first | last }}, {{ 90 | duration }}')
    told = []
    for one in ("en", "de", "en"):
        with language.speaking(one):
            told.append(template.render())
    assert told == ["2 hours, 1 min 30 s", "2 Stunden, 1 min 30 s", "2 hours, 1 min 30 s"]
