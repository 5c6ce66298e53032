"""Small configurations, written as text."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor import config
from pacs_monitor.config import ConfigError, Estate
from tests.config.editor import complaints

HEAD = "monitor: {name: east}\ndefault_route: {channels: []}\n"
ARCHIVE = """nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks:
      dicom_echo:
"""


def loaded(folder: Path, text: str, **environ: str) -> Estate:
    """The estate of a text."""
    file = folder / "monitor.yaml"
    file.write_text(text, encoding="utf-8")
    estate = config.load(file, environ)
    assert complaints(text) == [], "an editor accepts what loads"
    return estate


def messages(folder: Path, text: str, **environ: str) -> list[str]:
    """The problems of a text: `line: path: message`."""
    try:
        loaded(folder, text, **environ)
    except ConfigError as error:
        return [str(problem).removeprefix(f"{folder / 'monitor.yaml'}:") for problem in error.problems]
    return []
