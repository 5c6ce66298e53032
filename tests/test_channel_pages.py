"""Each kind of channel has its page, written from its file."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pacs_monitor.channels import kinds

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "channels"
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "write-channel-pages"))
RUN = "run scripts/write-channel-pages"


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_page_of_a_kind_is_written_from_its_file(kind: str) -> None:
    page = FOLDER / f"{kind}.md"
    assert page.exists(), RUN
    text = page.read_text(encoding="utf-8")
    assert text == SCRIPT["page"](kinds()[kind]), RUN
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= {*kinds()[kind].settings.model_fields}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_page_begins_with_an_example_to_copy(kind: str) -> None:
    text = (FOLDER / f"{kind}.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert any(f"type: {kind}" in example for example in examples)


def test_there_is_no_page_without_a_kind() -> None:
    assert {page.stem for page in FOLDER.glob("*.md")} == {"README", *kinds()}


def test_the_list_names_every_kind() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == SCRIPT["index"](), RUN
