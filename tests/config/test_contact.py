"""What can be read of the section `monitor` while the file has errors: enough to talk to the running daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.config import ConfigError, Contact, read_contact

HEAD = """monitor:
  name: east
  timezone: Europe/Berlin
  listen: 127.0.0.1:9999
  # people
  auth:
    tokens: [{name: us, role: operator, token: right-right-right-right-right-right}]
"""


def contact(folder: Path, text: str, **environ: str) -> tuple[Contact, frozenset[str]]:
    file = folder / "monitor.yaml"
    file.write_text(text)
    return read_contact(file, environ)


@pytest.mark.parametrize(
    "rest",
    [
        "nodes: {archive: {chekcs: {}}}\n",
        "nodse: {}\n",
        "nodes:\n  archive: {host: [}\n",
        "nodes:\n\tarchive:\n",
        "nodes: ${MISSING}\n",
        "monitor: {name: again}\n",
        "nodes: *unknown\n",
        "---\n",
        "nodes: 'never closed\n",
        "  typo: 1\n",
        "  external_url: nowhere\n  dicom_listener: {listen: 1}\n",
    ],
)
def test_whatever_is_wrong_elsewhere_the_daemon_can_be_found(tmp_path: Path, rest: str) -> None:
    found, unread = contact(tmp_path, HEAD + rest)
    assert (found.name, found.timezone, found.listen) == ("east", "Europe/Berlin", ("127.0.0.1", 9999))
    assert found.auth is not None
    assert found.database == f"sqlite:///{tmp_path}/pacs-monitor.db"
    assert unread == frozenset()


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        (HEAD.replace("127.0.0.1:9999", "nowhere"), {"listen"}),
        (HEAD.replace("right-right-right-right-right-right", "'${TOKEN}'"), {"auth"}),
        (HEAD.replace("operator", "boss"), {"auth"}),
        (HEAD.replace("Europe/Berlin", "Berlin"), {"timezone"}),
        (HEAD + "  database: mysql://x\n", {"database"}),
        (HEAD + "  database_file: gone\n", {"database"}),
        (HEAD + "  tls: {cert: gone.pem, key: gone.pem}\n", {"tls"}),
        (HEAD.replace("9999", "${PORT}"), {"listen"}),
    ],
)
def test_what_cannot_be_read_is_named_and_is_not_guessed(tmp_path: Path, text: str, unread: set[str]) -> None:
    assert contact(tmp_path, text)[1] == unread


@pytest.mark.parametrize(
    "text", ["", "nodes: {}\n", "monitor: east\n", "monitor:\n\tname: x\n", "monitor: {name: [}\n"]
)
def test_without_the_section_nothing_is_known(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        contact(tmp_path, text)
