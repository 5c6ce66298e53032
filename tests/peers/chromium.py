"""Debian's Chromium, as people's browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser; each of its contexts is a person's own."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("there is no chromium: run scripts/install-test-peers")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


def draw(browser: Browser, url: str, picture: Path, size: tuple[int, int], *, dark: bool = False) -> None:
    """One picture of a page, as much of it as a window of this size shows."""
    window = ViewportSize(width=size[0], height=size[1])
    page = browser.new_page(viewport=window, color_scheme="dark" if dark else "light")
    page.goto(url)
    page.screenshot(path=picture)
    page.close()
