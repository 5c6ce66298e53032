"""Configurations as an administrator would write them: for a daemon that runs, or only to be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pacs_monitor import config
from pacs_monitor.config import ConfigError, Estate
from tests.config.editor import complaints


def write_estate(
    folder: Path,
    listen: int,
    nodes: str,
    *,
    pager: str | None = None,
    secret: str = "",
    paging: str = "on",
    allow: Sequence[str] = (),
    database: str | None = None,
    defaults: str = "interval: 1s, retry_interval: 500ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s",
) -> Path:
    """A monitor.yaml in `folder`: `nodes` is the YAML of the nodes section, indented by two."""
    channels = f"channels: {{pager: {{type: webhook, url: '{pager}', secret: '{secret}'}}}}\n" if pager else ""
    route = "default_route: {channels: [pager]}\n" if pager else ""
    file = folder / "monitor.yaml"
    file.write_text(
        "monitor:\n"
        "  name: proof\n"
        "  ae_title: PACSMON\n"
        f"  database: {database or f'sqlite:///{folder}/proof.db'}\n"
        f"  listen: 127.0.0.1:{listen}\n"
        f"  paging: {paging}\n"
        f"  allow: [{', '.join(allow)}]\n"
        f"defaults: {{{defaults}}}\n"
        f"{channels}{route}"
        f"nodes:\n{nodes}"
    )
    return file


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
