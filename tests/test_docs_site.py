"""The documentation as a site: built strictly, whole, and opened from a folder without a network."""

from __future__ import annotations

import re
import runpy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.estates import messages

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "build-docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LOADS = re.compile(r"<(?:script|img|iframe|source|embed|object|link)\b[^>]*?\b(?:src|href|data)=\"?([^\"\s>]+)")
STYLED = re.compile(r"url\(\s*[\"']?((?:https?:)?//[^)]+)|@import[^;]*")

faults: Callable[[Path], Iterator[str]] = runpy.run_path(str(SCRIPT))["faults"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    built = subprocess.run([SCRIPT, folder], capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "No issues found" in built.stdout + built.stderr
    return folder


def of(page: Path) -> str:
    """Where a page of the repository is in the site."""
    name = str(page.relative_to(ROOT).with_suffix(".html"))
    return re.sub(r"(^|/)README\.html$", r"\1index.html", name)


def test_every_page_of_the_docs_is_in_the_navigation(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    led_to = set(re.findall(r'<a href="(?:\./)?([^"#:]+)" class="md-nav__link', front))
    assert {of(page) for page in PAGES} - led_to - {"index.html"} == set()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    read = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    loaded = {(page.name, url) for page, text in read.items() for url in LOADS.findall(text)}
    assert len(loaded) > len(read), "each page loads at least its own style"
    assert {(page, url) for page, url in loaded if re.match(r"(https?:)?//", url)} == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert STYLED.findall(styles) == []


def test_the_search_needs_no_server(site: Path) -> None:
    """A browser lets no page of a folder fetch a file, so the index comes as a script."""
    assert "dicom_worklist" in (site / "search.js").read_text(encoding="utf-8")
    assert "iframe-worker.js" in (site / "docs" / "metrics.html").read_text(encoding="utf-8")


def test_no_secrets_beside_the_pages_are_carried_into_the_site(site: Path) -> None:
    assert {path.name for path in (site / "deploy").iterdir()} == {"proxy"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ('<h2 id="there"></h2><a href="#there">', []),
        ('<a href="other.html#there"><a href="https://example.org/">', []),
        ('<a href="nowhere.html">', ["index.html: nothing is at nowhere.html"]),
        ('<a href="folder/">', ["index.html: nothing is at folder/"]),
        ('<a href="other.html#gone">', ["index.html: no heading is at other.html#gone"]),
        ('<script src="https://example.org/a.js">', ["index.html: loads https://example.org/a.js"]),
        ('<link rel="stylesheet" href="//example.org/a.css">', ["index.html: loads //example.org/a.css"]),
        ('<img src="gone.png">', ["index.html: nothing is at gone.png"]),
    ],
)
def test_what_would_not_work_in_a_folder_is_named(tmp_path: Path, body: str, wrong: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.html").write_text('<p id="there">')
    (tmp_path / "index.html").write_text(body)
    assert list(faults(tmp_path)) == wrong


def test_every_decision_is_in_their_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_the_configuration_of_the_quick_start_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "quick-start.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert messages(tmp_path, example) == []
