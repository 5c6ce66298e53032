"""`pacs-monitor …`: the command line.

Exit codes: 0 fine (ok and warn), 1 bad news (fail, unknown, a wrong configuration), 2 misuse.
"""

from __future__ import annotations

from pacs_monitor.cli.common import app, command

__all__ = ["app", "command", "main"]


def main() -> None:
    app()
