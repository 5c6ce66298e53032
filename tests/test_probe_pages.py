"""Each probe kind has its page, written from its file."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pacs_monitor.probes import kinds

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "probes"
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "write-probe-pages"))


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_page_of_a_kind_is_written_from_its_file(kind: str) -> None:
    page = FOLDER / f"{kind}.md"
    assert page.exists(), "run scripts/write-probe-pages"
    assert page.read_text(encoding="utf-8") == SCRIPT["page"](kinds()[kind]), "run scripts/write-probe-pages"


def test_there_is_no_page_without_a_kind() -> None:
    assert {page.stem for page in FOLDER.glob("*.md")} <= {"README", *kinds()}


def test_the_list_names_every_kind() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert listed == SCRIPT["index"](), "run scripts/write-probe-pages"
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", listed, re.MULTILINE) == sorted(kinds())


def test_pages_name_every_setting_and_every_metric() -> None:
    for kind, probe in kinds().items():
        text = SCRIPT["page"](probe)
        keys = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        assert keys == {*probe.settings.model_fields, *(f"pacs_{measure.name}" for measure in probe.measures)}, kind


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("expiry", {"expiring"}),
        ("disk", {"out_of_resources", "over_limit", "missing"}),
        ("dicom_worklist", {"slow", "too_few", "not_dicom", "not_configured"}),
        ("http", {"slow", "bad_content", "certificate_expiring"}),
    ],
)
def test_pages_name_the_reasons_that_their_probe_gives_itself(kind: str, reasons: set[str]) -> None:
    text = SCRIPT["reasons"](kinds()[kind])
    named = set(re.findall(r"^\| \[`(\w+)`\]", text, re.MULTILINE))
    assert reasons <= named
    assert not {"nak_ar", "store_cap"} & named


def test_pages_lead_to_sections_of_the_runbook_that_are_there() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)}
    wanted = {
        anchor for probe in kinds().values() for anchor in re.findall(r"operations\.md#([\w-]+)", SCRIPT["page"](probe))
    }
    assert wanted <= anchors
