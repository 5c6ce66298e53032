"""What a reload changes."""

from __future__ import annotations

from pathlib import Path

from pacs_monitor import config
from pacs_monitor.config.diff import AT_START
from pacs_monitor.config.sections import MonitorSettings
from tests.support.estates import ARCHIVE, HEAD, loaded


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    one, two = loaded(tmp_path, HEAD + ARCHIVE), loaded(tmp_path, HEAD + ARCHIVE)
    assert config.diff(one, two).lines() == []
    assert one.revision == two.revision
    assert one.checks == two.checks


def test_checks_come_go_and_change(tmp_path: Path) -> None:
    old = loaded(tmp_path, HEAD + ARCHIVE + "      tcp: {port: 22}\n      web: {probe: tcp, port: 80}\n")
    new = loaded(tmp_path, HEAD + ARCHIVE + "      tcp: {port: 23}\n      ssh: {probe: tcp, port: 22}\n")
    assert config.diff(old, new).lines() == ["+ archive/ssh", "- archive/web", "~ archive/tcp"]
    assert old.revision != new.revision


def test_what_else_changes_is_told_without_values(tmp_path: Path) -> None:
    hook = "channels: {hook: {type: webhook, url: 'https://h.example.org/secret'}}\n"
    old = loaded(tmp_path, HEAD + ARCHIVE)
    new = loaded(tmp_path, HEAD.replace("east", "west, paging: shadow").replace("[]", "[hook]") + hook + ARCHIVE)
    assert config.diff(old, new).lines() == [
        "~ archive/dicom_echo",
        "monitor.paging changed",
        "channels.hook added",
        "default_route changed",
        "needs a restart: monitor.name",
    ]


def test_our_ae_title_is_a_matter_of_the_checks_that_call_by_it(tmp_path: Path) -> None:
    old = loaded(tmp_path, HEAD + ARCHIVE)
    new = loaded(tmp_path, HEAD.replace("east", "east, ae_title: OTHER") + ARCHIVE)
    assert config.diff(old, new).lines() == ["~ archive/dicom_echo", "monitor.ae_title changed"]


def test_every_key_of_monitor_is_taken_over_or_named(tmp_path: Path) -> None:
    """Whoever adds a key decides which; tests/test_reload.py shows it with a real daemon."""
    taken_over = {"timezone", "ae_title", "external_url", "paging", "allow", "site", "auth", "dicom_listener"}
    taken_over |= {"hl7_listener", "heartbeat", "audit", "retention", "language", "wall"}
    assert taken_over | {*AT_START} == set(MonitorSettings.model_fields)


def test_what_needs_a_restart_stays_as_it_is_and_is_named_again(tmp_path: Path) -> None:
    old = loaded(tmp_path, HEAD + ARCHIVE)
    new = loaded(tmp_path, HEAD.replace("east", "west, timezone: Europe/Berlin") + ARCHIVE)
    running = config.in_force(old, new)
    assert (running.monitor.name, running.monitor.timezone) == ("east", "Europe/Berlin")
    assert config.diff(running, new).lines() == ["needs a restart: monitor.name"]
