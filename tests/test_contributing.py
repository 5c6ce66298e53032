"""What CONTRIBUTING.md says a new probe, channel, system or reason touches is all that it touches."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from pacs_monitor import channels, probes, systems
from pacs_monitor.model import Reason

ROOT = Path(__file__).parents[1]
TABLE = {
    row.split()[1]: set(re.findall(r"`([\w./-]+/[\w./-]+|[A-Z]+\.md)`", row))
    for row in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    if row.startswith(("| probe", "| channel", "| system", "| reason"))
}
KINDS = {"probe": probes.kinds(), "channel": channels.kinds(), "system": systems.kinds()}
READ = [
    path
    for folder in ("pacs_monitor", "docs", "tests", "scripts", "rules", "dashboards", "benchmarks", ".")
    for path in ((ROOT / folder).rglob("*") if folder != "." else ROOT.glob("*"))
    if path.is_file() and path.suffix in {".py", ".md", ".yaml", ".toml", ".expected", ""}
]

TOYS = {
    "probes": '''"""Is a toy there?"""
from pacs_monitor.fields import Settings
from pacs_monitor.model import Layer, Needs, Outcome, Probe

class ToySettings(Settings):
    colour: str = "red"
    """Its colour."""

class Toy(Probe):
    kind = "toy_probe"
    settings = ToySettings
    layer = Layer.SERVICE
    needs = Needs()

    async def run(self, node, settings, ctx):
        return Outcome.ok()
''',
    "channels": '''"""Writes to a toy."""
from typing import ClassVar
from pacs_monitor.fields import Settings

class ToySettings(Settings):
    colour: str = "red"
    """Its colour."""

class Toy:
    kind: ClassVar = "toy_channel"
    settings: ClassVar = ToySettings
    owns_escalation: ClassVar = False
    takes_answers: ClassVar = False

    def __init__(self, name, settings):
        self.name = name

    def deliver(self, notification, timeout):
        return "thanks"
''',
    "systems": '''"""A product that is a toy."""
from typing import ClassVar
from pacs_monitor.fields import Settings

class ToySettings(Settings):
    colour: str = "red"
    """Its colour."""

class Toy:
    kind: ClassVar = "toy_system"
    settings: ClassVar = ToySettings

    def __init__(self, settings):
        self.settings = settings

    async def volumes(self, ctx, passage):
        return []
''',
}
ESTATE = """
monitor: {name: toys, database: "sqlite:///toys.db"}
nodes:
  archive:
    host: 127.0.0.1
    toy_system: {colour: blue}
    checks:
      toy: {probe: toy_probe, colour: green}
      disk: {source: toy_system, warn: 85%}
channels:
  hook: {type: toy_channel, colour: yellow}
default_route: {channels: [hook]}
"""
SCRIPT = """
import json, runpy
from pathlib import Path
import pacs_monitor
from pacs_monitor import config, probes
assert Path(pacs_monitor.__file__).is_relative_to(Path.cwd())
estate = config.load(Path("monitor.yaml"), {})
assert {str(check) for check in estate.checks} == {"archive/toy", "archive/disk"}, estate.checks
schema = json.dumps(config.schema())
assert all(f'"{kind}"' in schema for kind in ("toy_probe", "toy_channel", "toy_system"))
page = runpy.run_path("scripts/write-probe-pages")["page"](probes.kinds()["toy_probe"])
assert "Is a toy there?" in page and "| `colour` |" in page, page
from pacs_monitor.cli import app
for command, kind in (("probes", "toy_probe"), ("channels", "toy_channel"), ("systems", "toy_system")):
    app([command, kind], standalone_mode=False)
"""


def test_a_toy_probe_channel_and_system_need_one_file_each(tmp_path: Path) -> None:
    for folder in ("pacs_monitor", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for package, text in TOYS.items():
        (tmp_path / "pacs_monitor" / package / f"toy_{package.removesuffix('s')}.py").write_text(text)
    (tmp_path / "monitor.yaml").write_text(ESTATE)
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("Its colour.") == 3, ended.stdout


@pytest.mark.parametrize("what", ["probe", "channel", "system", "reason"])
def test_every_file_in_the_table_is_there_for_every_kind(what: str) -> None:
    for kind in KINDS.get(what, {"": None}):
        missing = [path for path in TABLE[what] if not (ROOT / path.replace("KIND", kind)).exists()]
        assert missing == [], kind


@pytest.mark.parametrize(
    ("what", "names"), [("probe", probes.kinds()), ("system", systems.kinds()), ("reason", {r.value for r in Reason})]
)
def test_no_file_beside_those_in_the_table_lists_them_all(what: str, names: Collection[str]) -> None:
    listing = {
        str(path.relative_to(ROOT))
        for path in READ
        if set(names) <= set(re.findall(r"\w+", path.read_text(encoding="utf-8", errors="replace").lower()))
    }
    assert listing <= TABLE[what]
