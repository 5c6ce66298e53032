"""What an editor makes of a file: YAML 1.2 with its core schema, as yaml-language-server reads it, by draft-07."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jsonschema import Draft7Validator

from pacs_monitor import config
from pacs_monitor.config.tree import Branch, Items, Tree, parse_yaml


@cache
def validator() -> Draft7Validator:
    return Draft7Validator(config.schema())


def complaints(text: str) -> list[str]:
    """`path: message` of everything that an editor underlines."""
    return complaints_of(typed(parse_yaml(text, "monitor.yaml", {}, [])))


def complaints_of(value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(value)]


def typed(tree: Tree) -> Any:
    """YAML 1.2, chapter 10.3: what a plain scalar is by its form; whatever is quoted is a text."""
    if isinstance(tree, Branch):
        return {key: typed(child) for key, child in tree.entries.items()}
    if isinstance(tree, Items):
        return [typed(item) for item in tree.items]
    return scalar(tree.written) if tree.plain else tree.written


def scalar(written: str) -> Any:
    if written in ("", "~", "null", "Null", "NULL"):
        return None
    if written in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return written.lower() == "true"
    for form, base in ((r"[-+]?[0-9]+", 10), (r"0o[0-7]+", 8), (r"0x[0-9a-fA-F]+", 16)):
        if re.fullmatch(form, written):
            return int(written.replace("0o", "") if base == 8 else written, base)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", written):
        return float(written)
    return written
