"""The list of commands: it is what the commands themselves say, and a command imports only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pacs_monitor.cli import app, command
from pacs_monitor.cli.commands import COMMANDS

ESTATE = """
monitor: {name: light, database: "sqlite:///light.db", listen: "127.0.0.1:1"}
nodes: {archive: {host: 127.0.0.1, checks: {tcp: {port: 104}}}}
"""
RUN = """
import sys
from contextlib import suppress
from pacs_monitor.cli import app
with suppress(SystemExit):
    app(sys.argv[1:])
heavy = {"alembic", "apscheduler", "fastapi", "pydicom", "pynetdicom", "sqlalchemy", "uvicorn"}
print("imported:", *sorted(heavy & sys.modules.keys()))
"""


@pytest.mark.parametrize("line", ["--help", "status --help", "status", "incidents", "reload"])
def test_a_command_that_only_asks_the_daemon_imports_nothing_heavy(tmp_path: Path, line: str) -> None:
    (tmp_path / "monitor.yaml").write_text(ESTATE)
    words = [sys.executable, "-c", RUN, *line.split()]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout.splitlines()[-1].split() == ["imported:"], ended.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_shows_what_the_command_says_of_itself(name: str) -> None:
    assert " ".join(command(name).help.partition("\n\n")[0].split()) == COMMANDS[name][1]


def test_every_command_is_in_the_list() -> None:
    for name in COMMANDS:
        command(name)
    named = {found.name or found.callback.__name__ for found in app.registered_commands if found.callback}
    groups = {group.name for group in app.registered_groups}
    assert named | groups == set(COMMANDS)
