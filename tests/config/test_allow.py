"""Whatever runs commands of the configuration runs only where `monitor.allow` names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.config import Estate, load
from pacs_monitor.model import CheckId
from tests.support.estates import messages


def loaded(folder: Path, allow: str) -> Estate:
    file = folder / "monitor.yaml"
    file.write_text(
        f"monitor: {{name: east, allow: {allow}}}\n"
        "nodes:\n  switch:\n    host: 10.0.0.2\n    checks:\n"
        "      plugin: {probe: exec, command: [/bin/true]}\n      ssh: {probe: tcp, port: 22}\n"
    )
    return load(file, {})


def test_a_command_that_is_not_allowed_is_warned_of_and_does_not_run(tmp_path: Path) -> None:
    estate = loaded(tmp_path, "[]")
    said = [warning.message for warning in estate.warnings if warning.line == 6]
    assert not estate.checks[CheckId("switch", "plugin")].allowed
    assert estate.checks[CheckId("switch", "ssh")].allowed
    assert len(said) == 1
    assert "you add 'switch/plugin' to monitor.allow" in said[0]


def test_an_allowed_command_runs(tmp_path: Path) -> None:
    estate = loaded(tmp_path, "[switch/plugin]")
    assert estate.checks[CheckId("switch", "plugin")].allowed
    assert [warning for warning in estate.warnings if warning.line == 6] == []


@pytest.mark.parametrize("allow", ["[]", "[channels/other]"])
def test_a_channel_that_runs_a_program_must_be_allowed(tmp_path: Path, allow: str) -> None:
    channels = "channels:\n  dect: {type: exec, command: [/bin/true]}\n  other: {type: exec, command: [/bin/true]}\n"
    said = messages(tmp_path, f"monitor: {{name: x, allow: {allow}}}\n{channels}nodes: {{}}\n")
    message = "add 'channels/dect' to monitor.allow: it runs a program with the monitor's rights"
    assert said[0] == f"3: channels.dect.type: {message}"
    allowed = "monitor: {name: x, allow: [channels/dect, channels/other]}\n"
    assert messages(tmp_path, f"{allowed}{channels}nodes: {{}}\n") == []
