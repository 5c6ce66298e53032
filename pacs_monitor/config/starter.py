"""The file that `pacs-monitor init` writes."""

from __future__ import annotations

from importlib.resources import files


def starter() -> str:
    """A commented, valid monitor.yaml in shadow mode."""
    return files(__package__ or "").joinpath("starter.yaml").read_text(encoding="utf-8")
