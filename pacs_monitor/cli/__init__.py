"""`pacs-monitor …`: the command line.

Exit codes: 0 fine (ok and warn), 1 bad news (fail, unknown, a wrong configuration), 2 misuse.
"""

from __future__ import annotations

from pacs_monitor.cli import catalogue, configuration, oncall, probing, reporting, running  # noqa: F401 - registered
from pacs_monitor.cli.common import app

__all__ = ["app", "main"]


def main() -> None:
    app()
