"""The installer for Windows. No PowerShell is run: its script is parsed, and what it says and calls is looked at.

`bundle.py`, which it runs for all that is not of Windows, is run with Windows faked: this process takes itself for one
there, and what it calls of Windows (`python.exe`, `cmd`, `icacls`) are fakes that do the same by what Linux has.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from pacs_monitor.history import History
from tests.deploy import bundles
from tests.deploy.bundles import ROOT
from tests.support.clock import SettableClock
from tests.support.estates import write_estate

SCRIPT = ROOT / "deploy" / "windows" / "install.ps1"
PAGE = ROOT / "docs" / "windows.md"
KNOWN = {
    "ConvertFrom-Json", "Get-ChildItem", "Get-CimInstance", "Get-Command", "Get-Content", "Get-FileHash", "Get-Item",
    "Join-Path", "New-Item", "Resolve-Path", "Select-Object", "Set-StrictMode", "Sort-Object", "Split-Path",
    "Test-Path", "Where-Object", "Write-Output",
}  # fmt: skip
"""Cmdlets that Windows PowerShell 5.1 has."""


def parsed(text: str) -> Node:
    root = Parser(Language(tree_sitter_powershell.language())).parse(text.encode()).root_node
    wrong = [
        f"line {node.start_point.row + 1}: {_text(node)}" for node in every(root) if node.is_error or node.is_missing
    ]
    assert not wrong, wrong
    return root


def every(node: Node) -> list[Node]:
    return [node, *(found for child in node.children for found in every(child))]


def of_kind(node: Node, kind: str) -> list[Node]:
    return [found for found in every(node) if found.type == kind]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


@pytest.fixture(scope="module")
def script() -> Node:
    return parsed(SCRIPT.read_text())


def functions(script: Node) -> dict[str, Node]:
    return {_text(of_kind(node, "function_name")[0]): node for node in of_kind(script, "function_statement")}


def calls(node: Node) -> list[str]:
    """Commands, in their order; not what `&` runs."""
    return [_text(found) for found in of_kind(node, "command_name") if re.match(r"[A-Z]\w+-\w+$", _text(found))]


def test_a_grammar_of_powershell_understands_it_and_finds_what_is_wrong(script: Node) -> None:
    assert len(functions(script)) > 10
    assert SCRIPT.read_text().isascii(), "PowerShell 5.1 reads a script by the code page of the machine"
    with pytest.raises(AssertionError, match="line"):
        parsed(SCRIPT.read_text().replace("} catch {", "catch {", 1))


def test_it_calls_its_own_functions_and_what_every_windows_has(script: Node) -> None:
    called = set(calls(script))
    assert called - functions(script).keys() <= KNOWN, called - functions(script).keys() - KNOWN
    assert functions(script).keys() <= called, "each of them is used"


def test_nothing_of_a_bundle_is_run_before_all_of_it_was_compared_with_the_manifest(script: Node) -> None:
    verbs = {}
    for clause in of_kind(script, "switch_clause"):
        verbs[_text(clause.children[0]).strip("'")] = calls(clause)
    assert verbs.keys() == {"verify", "install", "service", "upgrade", "rollback"}
    assert verbs["verify"] == ["Assert-Verified"]
    assert verbs["install"] == ["Assert-Verified", "Invoke-Bundle"]
    assert verbs["upgrade"][0] == "Assert-Verified"
    for verb in ("service", "upgrade", "rollback"):
        assert verbs[verb].index("Assert-Stopped") < len(verbs[verb]) - 1
    checks = {"Get-Expected", "Get-Digest", "Join-Path", "Test-Path", "Get-ChildItem", "Sort-Object", "Write-Output"}
    assert set(calls(functions(script)["Assert-Verified"])) <= checks, "it runs nothing"


def test_permissions_are_taken_away_only_in_a_folder_of_our_own(script: Node) -> None:
    takes_away = [name for name, body in functions(script).items() if "/inheritance:r" in _text(body)]
    assert takes_away == ["Protect-Folder"]
    for clause in of_kind(script, "switch_clause"):
        if "Protect-Folder" in calls(clause):
            assert calls(clause).index("Assert-OwnFolder") < calls(clause).index("Protect-Folder")
    assert "Assert-OwnFolder" in calls(script)


def test_it_hands_on_what_bundle_py_and_the_service_take(script: Node) -> None:
    text = SCRIPT.read_text()
    understood = subprocess.run(
        [sys.executable, ROOT / "deploy" / "bundle" / "bundle.py", "upgrade", "--help"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    understood += subprocess.run(
        [sys.executable, "-m", "pacs_monitor", "service", "install", "--help"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    options = set(re.findall(r"'(--[a-z-]+)'", text))
    assert {"--config", "--into", "--environment", "--account"} <= options
    for option in options:
        assert option in understood


def test_it_says_what_the_installer_for_linux_says() -> None:
    ours = (ROOT / "deploy" / "bundle" / "bundle.py").read_text()
    for sentence in (
        "get the bundle anew: line ",
        "get the bundle anew, and install nothing of this one:",
        "compare this with what whoever built the bundle says",
        ": is not in ",
        ": differs",
        ": is missing",
    ):
        assert sentence in ours
        assert sentence in SCRIPT.read_text()


def test_every_script_of_the_page_is_understood_and_has_verbs_and_options_that_are_there(script: Node) -> None:
    page = PAGE.read_text()
    blocks = re.findall(r"(?s)```powershell\n(.*?)```", page)
    assert len(blocks) > 3
    for block in blocks:
        parsed(block)
    options = set(re.findall(r"-([A-Z][A-Za-z]+)\b", " ".join(re.findall(r"install\.ps1[^\n`]*", page))))
    parameters = {_text(found)[1:] for found in of_kind(of_kind(script, "param_block")[0], "variable")}
    assert options - {"File", "NoProfile", "ExecutionPolicy"} <= parameters
    assert set(re.findall(r"install\.ps1'? ([a-z]+)", page)) == {"verify", "install", "service", "upgrade", "rollback"}


PYTHON_EXE = """#!/bin/sh
# A fake of python.exe: a virtual environment of Linux, with the names that Windows has.
"{python}" "$@" || exit
if [ "$1 $2" = "-m venv" ]; then
    for folder; do :; done
    ln -s bin "$folder/Scripts"
    ln -s python "$folder/bin/python.exe"
    ln -s pacs-monitor "$folder/bin/pacs-monitor.exe"
fi
"""
CMD = """#!/bin/sh
# A fake of cmd: mklink /J alone, and the junction is a symbolic link.
[ "$1 $2 $3 $4" = "/d /c mklink /J" ] && ln -s "$6" "$5"
"""
ICACLS = """#!/bin/sh
# A fake of icacls: it notes what it is asked for.
echo "$@" >>"{folder}/icacls"
"""
AS_ON_WINDOWS = """
import os, platform, runpy, sys
sys.platform, sys.executable = "win32", sys.argv.pop(1)
platform.machine = lambda: "AMD64"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.timeout(900)
def test_bundle_py_installs_upgrades_and_rolls_back_where_sys_platform_says_windows(
    tmp_path: Path, clock: SettableClock
) -> None:
    system = tmp_path / "System32"
    system.mkdir()
    for name, content in (
        ("python.exe", PYTHON_EXE.format(python=bundles.interpreter(None))),
        ("cmd.exe", CMD),
        ("icacls.exe", ICACLS.format(folder=tmp_path)),
    ):
        (system / name).write_text(content)
        (system / name).chmod(0o755)
    programs = tmp_path / "Program Files"
    link = programs / "pacs-monitor"
    environ = {"PATH": "/usr/bin:/bin", "SYSTEMROOT": str(tmp_path), "COMSPEC": str(system / "cmd.exe")}
    environ["PROGRAMFILES"] = str(programs)

    def ran(bundle: Path, *words: object) -> subprocess.CompletedProcess[str]:
        line = [
            bundles.interpreter(None),
            "-I",
            "-c",
            AS_ON_WINDOWS,
            str(system / "python.exe"),
            str(bundle / "bundle.py"),
        ]
        return subprocess.run(
            [*line, *map(str, words)], check=False, capture_output=True, text=True, timeout=600, env=environ
        )

    def done(bundle: Path, *words: object) -> str:
        said = ran(bundle, *words)
        assert said.returncode == 0, said.stderr
        return said.stdout

    old = bundles.of_this_environment(tmp_path / "old", "0.1.0")
    new = bundles.of_a_later_version(old, tmp_path / "new", "0.2.0")
    for bundle in (old, new):
        (bundle / "install.ps1").write_text(SCRIPT.read_text())
        about = json.loads((bundle / "bundle.json").read_text())
        bundles.described(bundle, about["version"], platform="win_amd64")
        bundles.sealed(bundle)
    for_linux = ran(bundles.small(tmp_path / "linux"), "install")
    assert (for_linux.returncode, "get the bundle for this machine" in for_linux.stderr) == (1, True)

    said = done(old, "install")
    assert f"pacs-monitor 0.1.0 is installed: {link / 'Scripts' / 'pacs-monitor.exe'}" in said
    assert (link / "install.ps1").exists(), "to roll back without the bundle"
    estate = write_estate(tmp_path, 9741, "  archive: {host: 127.0.0.1, checks: {tcp: {port: 9}}}\n")
    History.open(f"sqlite:///{tmp_path}/proof.db", "proof", clock).close()
    assert "The record was backed up to" in done(new, "upgrade", "--config", estate)
    assert link.resolve().name == "pacs-monitor-0.2.0"
    backups = programs / "pacs-monitor-backups"
    protected = f"{backups} /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F\n"
    assert (tmp_path / "icacls").read_text() == protected
    assert "The record is kept as it is" in done(link, "rollback", "--config", estate)
    assert link.resolve().name == "pacs-monitor-0.1.0"
    assert not (programs / "pacs-monitor.new").exists()
