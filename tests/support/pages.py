"""Pages looked at by others: the Nu Html Checker (validator.w3.org) for HTML and CSS, axe-core for accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

INSTALL = "run scripts/install-test-peers"
WITHIN = 120.0
"""Seconds for the checker, which is a Java program."""
QUICK = ("-Xss8m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Of Java: its best compiler costs more than it saves in seconds, and needs less stack than the other."""
SERIOUS = ("serious", "critical")


@cache
def _modules() -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail(f"there is no npm: {INSTALL}")
    found = subprocess.run([npm, "root", "--global"], check=True, capture_output=True, text=True, timeout=WITHIN)
    return Path(found.stdout.strip())


def _counterpart(path: str) -> Path:
    found = _modules() / path
    if not found.exists():
        pytest.fail(f"there is no {found}: {INSTALL}")
    return found


def invalid(html: str, folder: Path) -> list[str]:
    """What the Nu Html Checker says is wrong with a page."""
    java = shutil.which("java")
    if java is None:
        pytest.fail(f"there is no java: {INSTALL}")
    page = folder / "page.html"
    page.write_text(html, encoding="utf-8")
    command = [java, *QUICK, "-jar", str(_counterpart("vnu-jar/build/dist/vnu.jar")), "--format", "json", str(page)]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN)
    messages = json.loads(said.stderr)["messages"]
    return [
        f"line {one.get('lastLine', 0)}: {one['message']}"
        for one in messages
        if one["type"] != "info" or one.get("subType") == "warning"
    ]


def barriers(page: Page, impacts: tuple[str, ...] = SERIOUS) -> list[str]:
    """What axe-core finds that keeps people from reading a page, each with the elements that it is about."""
    page.evaluate(_counterpart("axe-core/axe.min.js").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run(document)).violations")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found
        if one["impact"] in impacts
    ]
