"""What docs/systems.md says of a system is so, and what it shows can be copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pacs_monitor import config
from pacs_monitor.systems import kinds, kinds_reporting

PAGE = (Path(__file__).parents[2] / "docs" / "systems.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROWS = {
    row[0].strip("` "): row[1:]
    for row in (line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| `"))
}
ENVIRON = dict.fromkeys(re.findall(r"\$\{(\w+)\}", PAGE), "a-secret-word")


def test_every_row_is_about_a_system() -> None:
    assert ROWS.keys() <= kinds().keys()


@pytest.mark.parametrize(("column", "what"), list(enumerate(["volumes", "queues", "feeds", "host", "interfaces"])))
def test_a_row_says_what_the_system_tells(column: int, what: str) -> None:
    said = {kind for kind, row in ROWS.items() if row[column].strip() == "yes"}
    assert said == ROWS.keys() & kinds_reporting(what)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: next(iter(yaml.safe_load(text)["nodes"])))
def test_an_example_can_be_copied(example: str, tmp_path: Path) -> None:
    estate = {"monitor": {"name": "copied", "database": "sqlite:///x.db"}, "default_route": {"channels": []}}
    parsed = yaml.safe_load(example)
    file = tmp_path / "monitor.yaml"
    file.write_text(yaml.safe_dump(estate | parsed | {"monitor": estate["monitor"] | parsed.get("monitor", {})}))
    assert config.load(file, ENVIRON).checks
