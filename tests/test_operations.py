"""The runbook has an entry for whatever a page can name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pacs_monitor.model import Flag, IncidentKind, Reason

RUNBOOK = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()
ENTRIES = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_entry_that_begins_with_whose_fault_it_is(reason: Reason) -> None:
    assert ENTRIES[reason.value].startswith(f"**{reason.blame.value}.** ")


@pytest.mark.parametrize("kind", [kind for kind in IncidentKind if kind is not IncidentKind.NODE])
def test_every_incident_without_a_node_has_an_entry(kind: IncidentKind) -> None:
    assert ENTRIES[kind.value]


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_has_a_line(flag: Flag) -> None:
    assert f"\n| `{flag.value}` | " in RUNBOOK


def test_no_entry_is_about_what_does_not_exist() -> None:
    assert ENTRIES.keys() == {*map(str, Reason), *IncidentKind} - {IncidentKind.NODE}
