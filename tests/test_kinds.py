"""A kind is found by listing its package, and imported when somebody asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pacs_monitor import channels, probes, systems
from pacs_monitor.kinds import discover

ESTATE = """
monitor: {name: few, database: "sqlite:///few.db"}
nodes:
  archive:
    host: 127.0.0.1
    node_exporter: {url: "http://127.0.0.1:9/metrics"}
    checks: {tcp: {port: 104}, disk: {source: node_exporter, warn: 85%}}
channels: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}
default_route: {channels: [hook]}
"""
LOAD = """
import sys
from pathlib import Path
from pacs_monitor import config, channels, probes, systems
config.load(Path("monitor.yaml"), {})
kinds = [(room.__name__, name) for room in (channels, probes, systems) for name in room.kinds()]
print(*(name for room, name in kinds if f"{room}.{name}" in sys.modules))
"""


def test_a_configuration_imports_only_the_kinds_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "monitor.yaml").write_text(ESTATE)
    ended = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout.split() == ["webhook", "disk", "tcp", "node_exporter"]


@pytest.mark.parametrize("room", [channels, probes, systems])
def test_every_kind_has_the_name_of_its_module(room: object) -> None:
    kinds = room.kinds()  # type: ignore[attr-defined]
    assert {name: kind.kind for name, kind in kinds.items()} == {name: name for name in kinds}


def test_a_module_without_a_kind_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "__init__.py").touch()
    (tmp_path / "toys" / "car.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TypeError, match=r"add to toys\.car a class with kind = 'car'"):
        discover("toys")["car"]
