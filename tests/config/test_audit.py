"""`monitor.audit` and `monitor.retention`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.estates import ARCHIVE, HEAD, loaded, messages


def monitor(keys: str) -> str:
    return HEAD.replace("name: east", f"name: east, {keys}") + ARCHIVE


def test_names_of_people_stay_for_400_days_unless_it_is_said(tmp_path: Path) -> None:
    assert loaded(tmp_path, HEAD + ARCHIVE).monitor.retention.people == 400 * 86_400
    assert loaded(tmp_path, monitor("retention: {people: 30d}")).monitor.retention.people == 30 * 86_400
    assert loaded(tmp_path, monitor("retention: {rollups: 3650d}")).monitor.retention.rollups == 3650 * 86_400
    assert loaded(tmp_path, HEAD + ARCHIVE).monitor.audit is None


@pytest.mark.parametrize(
    "audit",
    ["{syslog: 'siem.example.org:6514', tls: {}}", "{syslog: '10.0.0.9:601'}", "{syslog: 'a:514', transport: udp}"],
)
def test_a_receiver_is_named_with_how_it_is_reached(tmp_path: Path, audit: str) -> None:
    assert loaded(tmp_path, monitor(f"audit: {audit}")).monitor.audit is not None


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("audit: {}", "the key 'syslog' is missing"),
        ("audit: {syslog: siem.example.org}", "is not an address with a port"),
        ("audit: {syslog: 'siem.example.org:0'}", "nobody listens on port 0"),
        ("audit: {syslog: 'a:6514', tls: {}, transport: udp}", "TLS needs TCP"),
        ("audit: {syslog: 'a:6514', tls: {ca: nowhere.pem}}", "nowhere.pem"),
        ("retention: {people: 23h}", "is shorter than a day; write 1d or more"),
        ("retention: {people: 0}", "is shorter than a day"),
        ("retention: {persons: 400d}", "unknown key 'persons'; known here: failures, people, rollups"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, keys: str, told: str) -> None:
    (message,) = messages(tmp_path, monitor(keys))
    assert message.startswith("1: monitor.")
    assert told in message
