"""Warnings where critical incidents reach people in one way only."""

from __future__ import annotations

from pathlib import Path

from tests.support.estates import loaded

NODES = """nodes:
  archive: {host: 10.0.0.1, dicom: {port: 104, ae_title: ARCHIVE}, checks: {dicom_echo: {severity: SEVERITY}, ping: }}
"""
ONE = '  hook: {type: webhook, url: "https://hooks.example.org/a"OF_HOOK}\n'
TWO = '  second: {type: webhook, url: "https://HOST/b"}\n'


def told(
    folder: Path, routes: str, *, host: str = "hooks.example.org", of_hook: str = "", severity: str = "critical"
) -> list[str]:
    monitor = "monitor: {name: east, external_url: 'https://monitor.example.org'}\nchannels:\n"
    channels = ONE.replace("OF_HOOK", of_hook) + TWO.replace("HOST", host)
    text = f"{monitor}{channels}{routes}{NODES.replace('SEVERITY', severity)}"
    return [f"{one.line}: {one.path}: {one.message}" for one in loaded(folder, text).warnings]


def test_one_channel_without_a_fallback_is_one_way(tmp_path: Path) -> None:
    (warning,) = told(tmp_path, "default_route: {channels: [hook]}\n")
    add = "add a second channel, or fallback: {channel: …, after: 2m} to channel hook"
    assert warning == f"5: default_route.channels: {add}: critical incidents of this route have one way only"


def test_channels_that_share_a_host_are_one_way(tmp_path: Path) -> None:
    add = "add a channel that leads to another host: hook, second share one"
    expected = [f"5: default_route.channels: {add}, and when it is down no critical incident pages anybody"]
    assert told(tmp_path, "default_route: {channels: [hook, second]}\n") == expected
    with_fallback = ", fallback: {channel: second}"
    assert told(tmp_path, "default_route: {channels: [hook]}\n", of_hook=with_fallback) == expected
    assert told(tmp_path, "default_route: {channels: [hook]}\n", of_hook=with_fallback, host="10.0.0.9") == []


def test_another_host_an_escalation_and_what_is_not_critical_are_fine(tmp_path: Path) -> None:
    assert told(tmp_path, "default_route: {channels: [hook, second]}\n", host="10.0.0.9") == []
    escalated = "default_route: {channels: [hook], escalate: [{after: 15m, channels: [second]}]}\n"
    assert told(tmp_path, escalated, host="10.0.0.9") == []
    assert told(tmp_path, "default_route: {channels: [hook]}\n", severity="warning") == []
    assert told(tmp_path, "default_route: {channels: []}\n") == []


def test_the_route_that_critical_checks_go_by_is_named(tmp_path: Path) -> None:
    routes = """routes:
  - {match: {severity: critical}, channels: [hook], continue: true}
  - {match: {role: modality}, channels: [second]}
  - match: {node: archive}
    channels: [hook]
default_route: {channels: [hook, second]}
"""
    (warning,) = told(tmp_path, routes, host="10.0.0.9")
    assert warning.startswith("9: routes[2].channels: add a second channel")
