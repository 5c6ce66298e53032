"""What is wrong with a configuration, and where: every problem at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from pacs_monitor.model import PacsMonitorError

Path = tuple[str | int, ...]
"""The way from the root of the configuration to a value."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, or not acted on yet."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {where}{self.message}"


class ConfigError(PacsMonitorError):
    """A configuration that cannot be used; `problems` are sorted by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(os.linesep.join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """`routes[0].channels`, as people write a path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
