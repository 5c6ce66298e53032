"""Configurations for the proofs, written as an administrator would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


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
