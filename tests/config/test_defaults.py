"""The defaults of every check stand in one table; what editors and the manual say of them is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pacs_monitor.config.format import duration
from pacs_monitor.config.members import Defaults
from pacs_monitor.config.resolve import DEFAULTS, TIMING

MANUAL = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", sorted(DEFAULTS.model_fields_set - TIMING - {"timeout"}))
def test_a_default_is_what_the_schema_and_the_manual_say(key: str) -> None:
    value = getattr(DEFAULTS, key)
    said = duration(value) if isinstance(value, float) else str(value)
    assert f"default {said}" in (Defaults.model_fields[key].description or "")
    assert re.search(rf"^\| `{key}` \|.*\| `?{said}`? \|$", MANUAL, re.MULTILINE)
