"""Secrets come from the file or from KEY_file, and print nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pacs_monitor import config
from pacs_monitor.config.explain import HIDDEN, shown
from tests.config.support import ARCHIVE, loaded, messages

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


@pytest.mark.parametrize("token", ["''", "' sesame'", "ses ame", "sésame", "'${UNSET:-}'", "=="])
def test_a_token_that_no_header_can_carry_or_that_an_empty_one_would_match_is_refused(
    tmp_path: Path, token: str
) -> None:
    faulty = TEXT.replace(f"token: {SECRET}", f"token: {token}")
    (tmp_path / "t").write_text("t")
    (said,) = messages(tmp_path, faulty)
    assert said.startswith("4: monitor.auth.tokens[0].token: is no bearer token (RFC 6750 2.1)")
    assert "sam" not in said


@pytest.mark.parametrize("database", [f"u:p@h:{SECRET}/x", f"u:p@h:123x{SECRET}"])
def test_a_database_whose_port_is_none_is_told_without_its_password(tmp_path: Path, database: str) -> None:
    faulty = TEXT.replace(f"pacs:{SECRET}@db.example.org/pacs", database)
    (tmp_path / "t").write_text("t")
    (said,) = messages(tmp_path, faulty)
    assert said == "3: monitor.database: is no database; write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


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
    keys = re.findall(r'"(?:password|secret|token)": (\{[^{}]*\})', json.dumps(config.schema()))
    assert keys
    assert {json.loads(key).get("default") or "" for key in keys} == {""}


def test_a_password_in_a_url_is_hidden() -> None:
    assert f"https://{HIDDEN}@example.org/x" == shown("https://me:hunter2@example.org/x")
