"""docs/configuration.md explains every key, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from pacs_monitor.config import members, rota, sections
from pacs_monitor.config.shapes import shapes
from pacs_monitor.fields import Match
from tests.support.estates import messages

TEXT = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
WRITTEN: list[str] = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.S)
ROTAS = [example for example in WRITTEN if example.startswith("# rota.yaml")]
EXAMPLES = [example for example in WRITTEN if example not in ROTAS]
MODELS: set[type[BaseModel]] = {
    model
    for module in (members, rota, sections)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__
} | {Match}


def name(model: type[BaseModel]) -> str:
    return model.__name__


IN_ORDER = sorted(MODELS, key=name)


@pytest.mark.parametrize("model", IN_ORDER, ids=name)
def test_every_key_is_explained(model: type[BaseModel]) -> None:
    missing = [
        key for key in shapes(model) if f"`{key}`" not in TEXT and not re.search(rf"^## .*\b{key}\b", TEXT, re.M)
    ]
    assert missing == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str, tmp_path: Path) -> None:
    (tmp_path / "rota.yaml").write_text(*ROTAS)
    head = "" if example.startswith("monitor:") else "monitor: {name: east}\n"
    assert messages(tmp_path, head + example) == []
