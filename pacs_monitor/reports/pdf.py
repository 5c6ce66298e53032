"""The HTML report as PDF, printed by a browser of the Chromium family that is there, without network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from pacs_monitor.model import PacsMonitorError

WITHIN = 60.0
"""Seconds that printing may take."""
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "chrome",
    "msedge",
)
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)


class PrintingError(PacsMonitorError):
    """No PDF could be made; the message says what to do."""


def browser(environ: Mapping[str, str] = os.environ) -> str:
    """The program that prints; raises PrintingError."""
    found = next(filter(None, (shutil.which(name, path=environ.get("PATH", "")) for name in NAMES)), None)
    found = found or next((path for path in ELSEWHERE if Path(path).exists()), None)
    if found is None:
        raise PrintingError(
            "install Chromium, Chrome or Edge for --format pdf, or write --format html and print it: no such browser "
            "is in PATH"
        )
    return found


def printed(page: str, program: str, within: float = WITHIN) -> bytes:
    """The page as PDF; raises PrintingError."""
    with tempfile.TemporaryDirectory(prefix="pacs-monitor-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        _run(_command(program, folder, source, target), within)
        try:
            content = target.read_bytes()
        except OSError:
            content = b""
    if not content.startswith(b"%PDF-"):
        raise PrintingError(f"write --format html and print it: {program} made no PDF")
    return content


def _command(program: str, folder: str, source: Path, target: Path) -> list[str]:
    alone = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
    return [
        program,
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        *alone,
        f"--user-data-dir={folder}/profile",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--no-pdf-header-footer",
        f"--print-to-pdf={target}",
        source.as_uri(),
    ]


def _run(command: list[str], within: float) -> None:
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - a browser
    except OSError as error:
        raise PrintingError(f"{command[0]} cannot be started: {error.strerror}; write --format html") from None
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        raise PrintingError(f"write --format html and print it: {command[0]} took longer than {within:.0f} s") from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With its helpers, whatever happened."""
    if process.poll() is None:
        with suppress(psutil.Error):
            for helper in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    helper.kill()
        process.kill()
        process.wait()
