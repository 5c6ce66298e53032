"""What needs a package that is not there is told when the file is read, and not by the first run at night."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.estates import HEAD, loaded, messages

PSYCOPG = "needs a package that is not installed here: pip install 'pacs-monitor[postgres]'"
SNMP = "needs a package that is not installed here: pip install 'pacs-monitor[snmp]'"
SWITCH = """nodes:
  switch:
    host: 10.0.0.2
    snmp: {community: public}
    checks:
      snmp_interface:
"""


def test_snmp_without_its_extra_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysnmp", None)
    assert messages(tmp_path, HEAD + SWITCH) == [f"6: nodes.switch.snmp: {SNMP}"]


def test_with_its_extra_it_loads(tmp_path: Path) -> None:
    loaded(tmp_path, HEAD + SWITCH)


@pytest.mark.parametrize(
    ("node", "where"),
    [
        ("checks: {database: {url: 'postgresql+psycopg://h/n'}}", "nodes.db.checks.database"),
        ("checks: {db: {probe: database, url: 'postgresql+psycopg://h/n'}}", "nodes.db.checks.db"),
        ("sql: {url: 'postgresql+psycopg://h/n', queues: {a: {length: select 1}}}", "nodes.db.sql"),
    ],
)
def test_a_database_without_its_driver_is_an_error(
    node: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert messages(tmp_path, f"{HEAD}nodes:\n  db: {{{node}}}\n") == [f"4: {where}: {PSYCOPG}"]


def test_so_is_our_own_database_without_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    text = "monitor:\n  name: east\n  database: postgresql+psycopg://h/n\ndefault_route: {channels: []}\n"
    assert messages(tmp_path, text) == [f"3: monitor.database: {PSYCOPG}"]


@pytest.mark.parametrize(("dialect", "package"), [("oracle+oracledb", "oracledb"), ("nothing+such", "such")])
def test_the_message_names_the_driver_of_any_database(dialect: str, package: str, tmp_path: Path) -> None:
    [said] = messages(tmp_path, f"{HEAD}nodes: {{db: {{checks: {{database: {{url: '{dialect}://h/n'}}}}}}}}\n")
    assert f"pip install '{package}'" in said


def test_a_channel_that_needs_apprise_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pacs_monitor.channels.apprise.find_spec", lambda _name: None)
    text = "monitor: {name: x}\nchannels:\n  chat: {type: apprise, url: 'json://x'}\nnodes: {}\n"
    message = "needs a package that is not installed here: pip install 'pacs-monitor[apprise]'"
    assert messages(tmp_path, text) == [f"3: channels.chat.type: {message}"]
