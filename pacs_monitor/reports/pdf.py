"""The HTML report as PDF: by WeasyPrint, else by a browser of the Chromium family that is there, without network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from pacs_monitor.model import PacsMonitorError
from pacs_monitor.threads import started

WITHIN = 600.0
"""Seconds that printing may take."""
LOADED_WITHIN = 120.0
"""Seconds that loading WeasyPrint may take on a busy machine."""
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
LARGE = 1_500_000
"""Characters of a page (the annex of some 200 nodes) beyond which WeasyPrint would take many minutes."""
WEASYPRINT_NAME = "WeasyPrint"
WEASYPRINT = (sys.executable, "-P", str(Path(__file__).with_name("weasy.py")))
"""By its file, so that nothing else of this package is loaded."""
HEARD_WITHIN = 5.0
"""Seconds in which the last of what a program said is read."""
Told = Callable[[str], None]
"""Hears what printing is at."""


class PrintingError(PacsMonitorError):
    """No PDF could be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Printer:
    """What makes a PDF of an HTML file."""

    name: str
    command: Callable[[str, Path, Path], list[str]]
    """Of a folder for its use, the page, and the PDF."""


def printer(environ: Mapping[str, str] = os.environ) -> Printer:
    """The one that is there; raises PrintingError."""
    lacking = _lacking_weasyprint()
    if not lacking:
        return Printer(WEASYPRINT_NAME, lambda _folder, source, target: [*WEASYPRINT, str(source), str(target)])
    return browser(environ, lacking)


def browser(environ: Mapping[str, str] = os.environ, lacking: str = "") -> Printer:
    """A browser that is there; raises PrintingError."""
    found = next(filter(None, (shutil.which(name, path=environ.get("PATH", "")) for name in NAMES)), None)
    found = found or next((path for path in ELSEWHERE if Path(path).exists()), None)
    if found is None:
        raise PrintingError(
            "install pacs-monitor[pdf], or Chromium, Chrome or Edge, for --format pdf; or write --format html and "
            f"print it: no such browser is in PATH{f', and {lacking}' if lacking else ''}"
        )
    return Printer(found, lambda folder, source, target: _browsing(found, folder, source, target))


def printed(page: str, by: Printer, within: float = WITHIN, told: Told = lambda _step: None) -> bytes:
    """The page as PDF, a large one by a browser if there is one; raises PrintingError."""
    if len(page) > LARGE and by.name == WEASYPRINT_NAME:
        with suppress(PrintingError):
            by = browser()
    with tempfile.TemporaryDirectory(prefix="pacs-monitor-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        _run(by, by.command(folder, source, target), within, told)
        try:
            content = target.read_bytes()
        except OSError:
            content = b""
    if not content.startswith(b"%PDF-"):
        raise PrintingError(f"write --format html and print it: {by.name} made no PDF")
    return content


def _lacking_weasyprint() -> str:
    """Why WeasyPrint cannot be used; "" where it can."""
    if find_spec("weasyprint") is None:
        return "WeasyPrint is not installed"
    try:
        subprocess.run(WEASYPRINT, check=True, capture_output=True, text=True, timeout=LOADED_WITHIN)  # noqa: S603 - ourselves
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip() or "WeasyPrint cannot be loaded"
    except (OSError, subprocess.TimeoutExpired):
        return "WeasyPrint cannot be started"
    return ""


def _browsing(program: str, folder: str, source: Path, target: Path) -> list[str]:
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
        "--generate-pdf-document-outline",
        f"--print-to-pdf={target}",
        source.as_uri(),
    ]


def _run(by: Printer, command: list[str], within: float, told: Told) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - a printer
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        )
    except OSError as error:
        raise PrintingError(f"{by.name} cannot be started: {error.strerror}; write --format html") from None
    hearing = started(lambda: _hear(process.stderr or (), told), "printing")
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        raise PrintingError(f"write --format html and print it: {by.name} took longer than {within:.0f} s") from None
    finally:
        _end(process)
        with suppress(TimeoutError):
            hearing.result(HEARD_WITHIN)
            process.stderr and process.stderr.close()


def _hear(lines: Iterable[str], told: Told) -> None:
    with suppress(OSError, ValueError):  # closed meanwhile
        for line in lines:
            if found := re.search(r"Page (\d+)$", line.strip()):
                told(f"page {found[1]}")
            elif line.startswith("Step 6"):
                told("writing the PDF")


def _end(process: subprocess.Popen[str]) -> None:
    """With its helpers, whatever happened."""
    if process.poll() is None:
        with suppress(psutil.Error):
            for helper in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    helper.kill()
        process.kill()
        process.wait()
