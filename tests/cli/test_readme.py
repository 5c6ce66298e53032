"""README.md as a newcomer follows it, and the commands that documents name."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pacs_monitor.cli import command
from pacs_monitor.cli.commands import COMMANDS
from tests.peers.ports import free_port
from tests.peers.switchable import Switchable
from tests.support.estates import messages

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SETS_UP = ("python3 -m venv", ". venv/bin/activate")
"""What this environment has done already."""


def typed(block: str) -> list[str]:
    return re.findall(r"^\$ (.*)$", block, re.MULTILINE)


def test_the_block_about_a_real_archive_works_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    """Also beside the demo's monitor.yaml, as in a clone."""
    (tmp_path / "monitor.yaml").write_text((ROOT / "monitor.yaml").read_text())
    (block,) = [block for block in BLOCKS if "pacs-monitor init" in block]
    editor = tmp_path / "editor"
    with Switchable() as peer:
        listen = f"  listen: 127.0.0.1:{free_port()}"
        editor.write_text(f"#!/bin/sh\nsed -i -e 's/11112/{peer.port}/' -e 's/^monitor:/&\\n{listen}/' $1\n")
        editor.chmod(0o755)
        lines = [line for line in typed(block) if not line.startswith(SETS_UP)]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        told = {"PATH": path, "EDITOR": str(editor), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            ["env", "--default-signal=INT", "bash", "-ec", "\n".join(lines)],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if not key.startswith("DEMO_")} | told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            assert shell.stdout
            said = ""
            while "archive/dicom_echo: unknown -> up" not in said and (line := shell.stdout.readline()):
                said += line
            os.killpg(shell.pid, signal.SIGINT)
            said += shell.communicate()[0]

    assert shell.returncode == 0, said
    assert "monitor.yaml: no errors; 1 node, 1 check, 0 channels" in said
    assert re.search(r"archive/dicom_echo +ok", said), said
    assert "monitoring 1 check of 1 node, paging shadow" in said
    assert "Traceback" not in said


def test_the_demos_file_pages_nobody_unless_the_demo_runs_it(tmp_path: Path) -> None:
    assert 'paging: "${DEMO_PAGING:-shadow}"' in (ROOT / "monitor.yaml").read_text()


@pytest.mark.parametrize("example", [e for e in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if ":\n" in e])
def test_every_example_of_the_readme_loads(tmp_path: Path, example: str) -> None:
    assert messages(tmp_path, f"monitor: {{name: east}}\n{example}") == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_name_commands_and_options_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name, more in re.findall(r"\bpacs-monitor ([a-z][a-z-]*)([^`\n]*)", text):
        if re.search(rf"`[^`\n]*pacs-monitor {name}|^\$? ?pacs-monitor {name}", text, re.MULTILINE):
            assert name in COMMANDS, f"pacs-monitor {name}"
            of_all = [command(name), *getattr(command(name), "commands", {}).values()]
            there = {option for one in of_all for parameter in one.params for option in parameter.opts}
            assert set(re.findall(r"(?<!\S)(--[a-z][a-z-]*)", more)) <= {*there, "--help"}, f"{name}{more}"
