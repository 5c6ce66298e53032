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
    assert {page.stem for page in FOLDER.glob("*.md")} <= kinds().keys()


@pytest.mark.parametrize(
    ("seconds", "written"), [(0.0, "0s"), (0.5, "500ms"), (90.0, "90s"), (300.0, "5m"), (7200.0, "2h"), (86400.0, "1d")]
)
def test_durations_stand_there_as_one_writes_them(seconds: float, written: str) -> None:
    assert SCRIPT["duration"](seconds) == written


def test_pages_name_every_setting_and_every_metric() -> None:
    for kind, probe in kinds().items():
        text = SCRIPT["page"](probe)
        keys = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        assert keys == {*probe.settings.model_fields, *(f"pacs_{measure.name}" for measure in probe.measures)}, kind
