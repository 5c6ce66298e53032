"""Another YAML file that people write, read as the configuration is: every problem at once, each at its line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from pacs_monitor.config.load import content_of, text_of
from pacs_monitor.config.problems import ConfigError, Problem, dotted
from pacs_monitor.config.problems import Path as Way
from pacs_monitor.config.tree import Tree, at, parse_yaml
from pacs_monitor.config.validate import Validator

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """What a file says, and where."""

    settings: M
    tree: Tree

    def problem(self, path: Way, message: str) -> Problem:
        """Something that is wrong with the value at a path."""
        mark = at(self.tree, path).mark
        return Problem(mark.file, mark.line, dotted(path), message)


def read_document(model: type[M], file: Path, environ: Mapping[str, str] = os.environ) -> Document[M]:
    """The settings that a file holds; raises ConfigError with every problem."""
    problems: list[Problem] = []
    used: dict[str, str] = {}
    tree = parse_yaml(text_of(file, content_of(file)), str(file), environ, problems, used)
    validator = Validator(file.absolute().parent, problems, used=used)
    settings = validator.read(model, tree, ())
    if settings is None or problems:
        raise ConfigError(problems)
    return Document(settings, tree)
