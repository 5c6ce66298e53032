"""`history export|import|backup|move` as people type them: what they print, and what they refuse."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from pathlib import Path

import pytest

from pacs_monitor import config as configuration
from pacs_monitor.history import History, HistoryReader, Revision
from tests.peers.ports import free_port
from tests.support.clock import SettableClock
from tests.support.commands import command, invoke
from tests.support.estates import write_estate

NODES = "  archive: {host: 127.0.0.1, dicom: {port: 104, ae_title: A}, checks: {dicom_echo: }}\n"


@pytest.fixture
def config(tmp_path: Path, clock: SettableClock) -> Path:
    """A configuration whose database has a record."""
    file = write_estate(tmp_path, free_port(), NODES)
    History.open(f"sqlite:///{tmp_path}/proof.db", "proof", clock).close()
    return file


def elsewhere(folder: Path, name: str) -> Path:
    """The same configuration over another database."""
    (folder / name).mkdir()
    return write_estate(folder / name, free_port(), NODES)


def test_what_is_exported_can_be_imported_and_neither_overwrites(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    said = invoke("history", "export", file, config=config)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"exported to {file}: ")
    assert file.stat().st_mode & 0o777 == 0o600
    again = invoke("history", "export", file, config=config)
    assert (again.returncode, "name another file" in again.stderr) == (1, True)
    other = elsewhere(tmp_path, "other")
    imported = invoke("history", "import", file, config=other)
    assert imported.returncode == 0, imported.stderr
    assert "written by pacs-monitor" in imported.stdout
    HistoryReader.open(f"sqlite:///{tmp_path}/other/proof.db", "proof").close()
    again = invoke("history", "import", file, config=other)
    assert (again.returncode, "name a new database" in again.stderr) == (1, True)
    missing = invoke("history", "import", tmp_path / "nowhere.jsonl", config=other)
    assert (missing.returncode, "No such file" in missing.stderr) == (1, True)


def test_an_export_to_the_output_is_lines_and_nothing_else(config: Path) -> None:
    said = command("history", "export", "-", config=config)
    assert (said.returncode, said.stderr) == (0, "")
    first, *_, last = [json.loads(line) for line in said.stdout.splitlines()]
    assert (first["monitors"], set(last)) == (["proof"], {"end", "sha256"})


def test_a_backup_says_where_it_is(config: Path, tmp_path: Path) -> None:
    said = invoke("history", "backup", tmp_path / "copy.db", config=config)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"backed up to {tmp_path}/copy.db: ")


def test_what_cannot_be_moved_ends_with_what_to_do(config: Path) -> None:
    for to, told in (
        ("sqlite:////tmp/other.db", "is moved with mv"),
        ("postgresql+psycopg://ada:hush@127.0.0.1:1/pacs", "check that the server is running"),
        ("nonsense", "this is not a URL"),
    ):
        said = invoke("history", "move", "--to", to, config=config)
        assert said.returncode == 1
        assert told in said.stderr
        assert "hush" not in said.stdout + said.stderr


def test_no_secret_of_the_configuration_is_in_an_export(tmp_path: Path, clock: SettableClock) -> None:
    file = write_estate(tmp_path, free_port(), NODES, pager="https://x.example/hook-5eCr3t", secret="whsec_5eCr3t")
    estate = configuration.load(file)
    history = History.open(estate.monitor.database, "proof", clock)
    revision = Revision(estate.revision, "ada", "", configuration.canonical(estate))
    asyncio.run(history.adopt(estate.checks, revision))
    history.close()
    assert invoke("history", "export", tmp_path / "all.jsonl", config=file).returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    (content,) = [line["row"]["content"]["base64"] for line in lines if line.get("table") == "revisions"]
    assert b"pager" in zlib.decompress(base64.b64decode(content))
    assert b"5eCr3t" not in zlib.decompress(base64.b64decode(content)) + (tmp_path / "all.jsonl").read_bytes()


def test_each_teaches_itself() -> None:
    for words in ((), ("export",), ("import",), ("backup",), ("move",)):
        said = invoke("history", *words, "--help")
        assert said.returncode == 0
        assert len(said.stdout.splitlines()) > 10


def test_a_backup_is_checked_and_restored(config: Path, tmp_path: Path) -> None:
    checked = invoke("history", "check", config=config)
    assert (checked.returncode, checked.stdout) == (0, "the history has the schema of this version\n")
    invoke("history", "backup", tmp_path / "copy.db", config=config)
    said = invoke("history", "restore", tmp_path / "copy.db", config=config)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(
        f"restored {tmp_path}/copy.db; what was there is kept as {tmp_path}/proof.db.replaced-"
    )
    (tmp_path / "proof.db").unlink()
    gone = invoke("history", "check", config=config)
    assert (gone.returncode, "proof.db does not exist" in gone.stderr) == (1, True)
