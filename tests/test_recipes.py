"""Every example that people copy loads as it stands: the recipes, and the one of each probe's page."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import indent

import pytest

from pacs_monitor.probes import kinds
from tests.support.estates import messages

YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
DOCS = Path(__file__).parents[1] / "docs"
RECIPES = [
    recipe
    for page in ("recipes.md", "test-stores.md")
    for recipe in YAML.findall((DOCS / page).read_text(encoding="utf-8"))
]
PAGES = {
    kind: "".join(YAML.findall(inspect.getdoc(inspect.getmodule(type(probe))) or "")) for kind, probe in kinds().items()
}
NODE = (
    "monitor: {name: east}\nnodes:\n  vna: {host: 10.0.0.21, dicom: {port: 104, ae_title: VNA}}\n"
    "  node:\n    host: 10.0.0.20\n    dicom: {port: 104, ae_title: A}\n    hl7: {port: 2575}\n"
    "    orthanc: {url: 'http://10.0.0.20:8042'}\n"
)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_loads(recipe: str, tmp_path: Path) -> None:
    head = "" if recipe.startswith("monitor:") else "monitor: {name: east}\n"
    assert messages(tmp_path, head + recipe) == []


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_the_example_of_a_probe_is_a_check_of_its_kind(kind: str, tmp_path: Path) -> None:
    (tmp_path / "heartbeat.hl7").write_text("MSH|^~\\&|||||{timestamp}||NMD^N02|{control_id}|P|2.5\r")
    assert messages(tmp_path, f"{NODE}    checks:\n{indent(PAGES[kind], '      ')}") == []
    assert re.search(rf"^{kind}:|probe: {kind}\b", PAGES[kind], re.MULTILINE)
