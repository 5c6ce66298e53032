"""Secrets come from the file or from KEY_file, and print nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pacs_monitor import config
from pacs_monitor.config.explain import HIDDEN, shown
from tests.support.estates import ARCHIVE, loaded, messages

SECRET = "hunter2-hunter2"
TEXT = f"""monitor:
  name: east
  database: postgresql+psycopg://pacs:{SECRET}@db.example.org/pacs
  auth: {{tokens: [{{name: wall, role: viewer, token: {SECRET}}}, {{name: oncall, role: operator, token_file: t}}]}}
  heartbeat: {{url: "https://dead-man.example.org/{SECRET}"}}
default_route: {{channels: [hook]}}
channels:
  hook: {{type: webhook, url: "https://hooks.example.org/{SECRET}", secret: {SECRET}, headers: {{X-Key: {SECRET}}}}}
{ARCHIVE}"""


def test_a_secret_may_stand_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("from-the-file==\n")
    auth = loaded(tmp_path, TEXT).monitor.auth
    assert auth is not None
    assert [token.token.get_secret_value() for token in auth.tokens] == [SECRET, "from-the-file=="]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_holds_no_secret_and_is_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "t")
    (said,) = messages(tmp_path, TEXT)
    assert said == "4: monitor.auth.tokens[1].token_file: t cannot be read: it is not a regular file"


@pytest.mark.parametrize("token", ["''", "' sesame'", "ses ame", "sésame", "'${UNSET:-}'", "=="])
def test_a_token_that_no_header_can_carry_or_that_an_empty_one_would_match_is_refused(
    tmp_path: Path, token: str
) -> None:
    faulty = TEXT.replace(f"token: {SECRET}", f"token: {token}")
    (tmp_path / "t").write_text("t")
    (said,) = messages(tmp_path, faulty)
    assert said.startswith("4: monitor.auth.tokens[0].token: is not a bearer token (RFC 6750 2.1)")
    assert "sam" not in said


@pytest.mark.parametrize("database", [f"u:p@h:{SECRET}/x", f"u:p@h:123x{SECRET}"])
def test_a_database_whose_port_is_none_is_told_without_its_password(tmp_path: Path, database: str) -> None:
    faulty = TEXT.replace(f"pacs:{SECRET}@db.example.org/pacs", database)
    (tmp_path / "t").write_text("t")
    (said,) = messages(tmp_path, faulty)
    assert (
        said
        == "3: monitor.database: is not a database URL; write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    )


def test_no_secret_prints_in_the_estate_its_explanation_or_its_differences(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(SECRET)
    estate = loaded(tmp_path, TEXT)
    other = loaded(tmp_path, TEXT.replace(f"secret: {SECRET}", "secret: changed-secret"))
    said = [
        repr(estate),
        str(estate),
        *map(str, config.explain(estate, "archive")),
        *config.diff(estate, other).lines(),
    ]
    assert not any(SECRET in text for text in said)
    assert config.diff(estate, other).lines() == ["channels.hook changed"]


def test_no_secret_prints_in_problems(tmp_path: Path) -> None:
    faulty = (
        TEXT.replace("role: viewer", f"role: viewer, tokn: {SECRET}")
        .replace("postgresql+psycopg", "postgres")
        .replace('url: "https://hooks', 'url: "hooks')
        .replace('url: "https://dead', 'interval: soon, url: "https://dead')
    )
    said = messages(tmp_path, faulty)
    assert len(said) == 5, said
    assert not any(SECRET in message for message in said)


def test_no_secret_stands_in_the_schema() -> None:
    """The schema tells which keys are secret, and no value of any."""
    definitions = config.schema()["definitions"].values()
    keys = [key for one in definitions for key in one.get("properties", {}).values() if key.get("writeOnly")]
    assert len(keys) > 20
    assert [key for key in keys if "default" in key or "examples" in key] == []


def test_a_password_in_a_url_is_hidden() -> None:
    assert f"https://{HIDDEN}@example.org/x" == shown("https://me:hunter2@example.org/x")


def test_arguments_of_a_command_are_hidden_and_so_are_queries(tmp_path: Path) -> None:
    estate = loaded(
        tmp_path,
        f"""monitor: {{name: east}}
default_route: {{channels: []}}
nodes:
  archive:
    checks:
      plugin: {{probe: exec, command: [/usr/lib/check_it, -p, {SECRET}], environment: {{KEY: {SECRET}}}}}
      page: {{probe: http, url: "https://10.0.0.1", path: "/x?key={SECRET}&more={SECRET}", headers: {{X-K: {SECRET}}}}}
""",
    )
    rows = {(row.check, row.key): row.value for row in config.explain(estate, "archive")}
    assert SECRET not in repr(rows)
    assert rows["plugin", "command"] == f"/usr/lib/check_it, {HIDDEN}, {HIDDEN}"
    assert rows["page", "path"] == f"/x?{HIDDEN}&{HIDDEN}"


@pytest.mark.parametrize(
    "faulty",
    [
        'hl7_listener: {from: ["${SECRET}"], receiving_application: A, receiving_facility: B}',
        'hl7_listener: {from: [10.0.0.1, "x${SECRET}"], receiving_application: A, receiving_facility: B}',
        'allow: ["${SECRET}"]',
        'allow: "${SECRET}"',
        'timezone: "${SECRET}"',
        'listen: "${SECRET}"',
        'ae_title: "${SECRET}-${SECRET}"',
        'auth: {tokens: [{name: a, role: reporter, token: b, checks: ["${SECRET}"]}]}',
    ],
)
def test_no_value_of_the_environment_prints_in_problems(tmp_path: Path, faulty: str) -> None:
    said = messages(tmp_path, f"monitor:\n  name: east\n  {faulty}\n{ARCHIVE}", SECRET=SECRET)
    assert said
    assert not any(SECRET in message for message in said), said
    assert any("${SECRET}" in message for message in said), said


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ('routes: [{channels: ["${SECRET}"]}]', "channel"),
        ('routes: [{match: {node: ["${SECRET}"]}, channels: []}]', "node"),
        ('services: {s: {all: ["${SECRET}"]}}', "check"),
        ('nodes: {n: {depends_on: ["${SECRET}"]}}', "node"),
        ('nodes: {n: {checks: {c: {probe: http, url: "http://h", status: ["${SECRET}"]}}}}', "status"),
        ('nodes: {n: {checks: {c: {probe: "${SECRET}"}}}}', "probe"),
        ('calendars: {c: {hours: "Mon ${SECRET}"}}', "hours"),
    ],
)
def test_nor_does_it_in_other_sections(tmp_path: Path, more: str, what: str) -> None:
    said = messages(tmp_path, f"monitor: {{name: east}}\n{more}\n", SECRET=f"{SECRET},other-{SECRET}")
    assert any(what in message for message in said), said
    assert not any("hunter2" in message for message in said), said
