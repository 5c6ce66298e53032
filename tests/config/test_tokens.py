"""Which tokens may report for which checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.estates import loaded, messages

TEXT = """monitor:
  name: east
  auth: {{tokens: [{{name: backup, role: {role}, token: sesame{checks}}}]}}
default_route: {{channels: []}}
nodes:
  backup: {{host: 10.0.0.1, checks: {{nightly: {{probe: push, within: 1d}}}}}}
"""


@pytest.mark.parametrize(
    ("role", "checks", "said"),
    [
        ("reporter", "[backup/nightly]", []),
        ("reporter", "'backup/*'", []),
        ("reporter", "[backup/nigthly]", ["unknown check 'backup/nigthly'; did you mean 'backup/nightly'?"]),
        ("viewer", "[backup/nightly]", ["checks is only for the role reporter; the role viewer covers all checks"]),
    ],
)
def test_a_reporter_names_checks_that_exist_and_nobody_else_does(
    tmp_path: Path, role: str, checks: str, said: list[str]
) -> None:
    found = messages(tmp_path, TEXT.format(role=role, checks=f", checks: {checks}"))
    assert [message.partition(": ")[2].partition(": ")[2] for message in found] == said


def test_a_reporter_that_names_none_is_warned_of(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, TEXT.format(role="reporter", checks="")).warnings
    assert warning.path == "monitor.auth.tokens[0]"
    assert warning.message.startswith("limit it to its own checks")
