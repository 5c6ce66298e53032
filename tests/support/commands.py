"""`pacs-monitor …`: as people type it, in a process of its own, or, since starting one takes seconds, in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from pacs_monitor.cli import app

WIDE = {"COLUMNS": "200", "NO_COLOR": "1"}


def command(*words: object, config: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: for exit codes, streams and the start itself."""
    line = [sys.executable, "-m", "pacs_monitor", *_line(words, config)]
    return subprocess.run(line, check=False, capture_output=True, text=True, env=os.environ | WIDE | environment)


def invoke(*words: object, config: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """In this process: for what a command asks, prints and returns. Outside an event loop."""
    line = _line(words, config)
    done = CliRunner(env=WIDE | environment).invoke(app, line, catch_exceptions=False)
    return subprocess.CompletedProcess(line, done.exit_code, done.stdout, done.stderr)


def _line(words: tuple[object, ...], config: Path | None) -> list[str]:
    return [*map(str, words), *(["--config", str(config)] if config else [])]
