"""The JSON Schema for editors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pacs_monitor import config
from pacs_monitor.config.tree import Branch, Items, Tree, grow

ROOT = Path(__file__).parents[2]
SCHEMA = config.schema()


def errors(text: str) -> list[str]:
    value = plain(grow(text, "monitor.yaml", {}, []))
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(value)]


def plain(tree: Tree) -> Any:
    if isinstance(tree, Branch):
        return {key: plain(child) for key, child in tree.entries.items()}
    if isinstance(tree, Items):
        return [plain(item) for item in tree.items]
    return None if tree.nothing else tree.written


def test_is_a_schema_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_has_a_description() -> None:
    assert [path for path, key in properties(SCHEMA, "") if not key.get("description")] == []


def properties(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, list):
        for item in part:
            yield from properties(item, path)
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "properties" and path.rpartition(".")[2] != "if":
                yield from ((f"{path}.{name}", inner) for name, inner in value.items())
            yield from properties(value, f"{path}.{key}")


@pytest.mark.parametrize("file", [ROOT / "monitor.yaml"], ids=lambda file: file.name)
def test_our_own_files_are_valid(file: Path) -> None:
    assert errors(file.read_text(encoding="utf-8")) == []


def test_the_starter_is_valid() -> None:
    assert errors(config.starter()) == []


def test_typed_values_are_valid_too() -> None:
    typed = yaml.safe_load((ROOT / "monitor.yaml").read_text(encoding="utf-8").replace("paging: on", "paging: 'on'"))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(typed)] == []


@pytest.mark.parametrize(
    "node",
    [
        "{hots: x}",
        "{dicom: {port: 104}}",
        "{checks: {tcp: {prot: 22}}}",
        "{checks: {ssh: {probe: tcp}}}",
        "{checks: {ssh: {port: 22}}}",
        "{presence: sometimes}",
    ],
)
def test_faults_show_in_the_editor(node: str) -> None:
    assert errors(f"monitor: {{name: east}}\nnodes: {{a: {node}}}\n")


@pytest.mark.parametrize("secret", ["url: x", "url_file: x"])
def test_a_secret_may_come_from_a_file(secret: str) -> None:
    assert errors(f"monitor: {{name: east}}\nchannels: {{hook: {{type: webhook, {secret}}}}}\n") == []


def test_every_reference_leads_somewhere() -> None:
    referred = set(re.findall(r"#/\$defs/(\w+)", json.dumps(SCHEMA)))
    assert referred - SCHEMA["$defs"].keys() == set()
