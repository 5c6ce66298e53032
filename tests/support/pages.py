"""Pages looked at by others: the Nu Html Checker (validator.w3.org) for HTML and CSS, axe-core for accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
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
    return faults({"page": html}, folder)["page"]


def faults(pages: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """What it says of each of many pages, in one run of it, which is much cheaper than one for each."""
    java = shutil.which("java")
    if java is None:
        pytest.fail(f"there is no java: {INSTALL}")
    files = {f"{number}.html": name for number, name in enumerate(pages)}
    for file, name in files.items():
        (folder / file).write_text(pages[name], encoding="utf-8")
    command = [java, *QUICK, "-jar", str(_counterpart("vnu-jar/build/dist/vnu.jar")), "--format", "json"]
    command += [str(folder / file) for file in files]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN)
    found: dict[str, list[str]] = {name: [] for name in pages}
    for one in json.loads(said.stderr)["messages"]:
        if one["type"] != "info" or one.get("subType") == "warning":
            name = files[one["url"].rpartition("/")[2]]
            found[name].append(f"line {one.get('lastLine', 0)}: {one['message']}")
    return found


def barriers(page: Page, impacts: tuple[str, ...] = SERIOUS, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds that keeps people from reading a page, each with the elements that it is about.

    By `rules` alone where some are named.
    """
    page.evaluate(_counterpart("axe-core/axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found: list[dict[str, Any]] = page.evaluate("async (by) => (await axe.run(document, by)).violations", options)
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found
        if one["impact"] in impacts
    ]
