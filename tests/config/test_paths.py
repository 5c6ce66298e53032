"""A path that leads to the wrong sort of thing is told when the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.estates import HEAD, loaded, messages

NODE = f"{HEAD}nodes:\n  nas:\n    host: 10.0.0.2\n"
A_FILE = "'a.txt' is a file; write the folder that it is in"
A_FOLDER = "'folder' is a folder; write the path of a file in it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("checks: {file_age: {path: folder}}", "write which files in it count, as {folder}/folder/*: "),
        ("checks: {file_age: {path: folder/}}", "write which files in it count, as {folder}/folder/*: "),
        ("checks: {hl7_feed: {source: folder, folder: a.txt, within: 1h}}", A_FILE),
        ("checks: {expiry: {cert: folder}}", A_FOLDER),
        ("spool: {folders: {out: {path: a.txt}}}", A_FILE),
        ("spool: {folders: {out: {path: folder, quarantine: a.txt}}}", A_FILE),
        ("checks: {exec: {command: [./folder]}}", "'./folder' is a folder; write the path of a program in it"),
        ("orthanc: {url: 'http://h', password_file: folder}", "folder cannot be read: Is a directory"),
        ("orthanc: {url: 'https://h', tls: {ca: folder}}", A_FOLDER),
        ("checks: {dicom_store: {file: folder, cleanup: retention, enabled_by: us, port: 1, ae_title: A}}", A_FOLDER),
        ("checks: {hl7_heartbeat: {message: folder, enabled_by: us, port: 1}}", A_FOLDER),
    ],
)
def test_the_wrong_sort_of_thing_is_an_error(block: str, said: str, folder: Path) -> None:
    [message] = messages(folder, f"{NODE}    {block}\n")
    assert said.format(folder=folder) in message


def test_a_database_is_no_folder(folder: Path) -> None:
    [message] = messages(folder, HEAD.replace("east", "east, database: sqlite:///folder"))
    assert A_FOLDER in message


@pytest.mark.parametrize(
    "block",
    [
        "checks: {file_age: {path: folder/*}}",
        "checks: {file_age: {path: a.txt}}",
        "checks: {file_age: {path: not-yet/*.dump}}",
        "checks: {hl7_feed: {source: folder, folder: not-yet, within: 1h}}",
        "checks: {expiry: {cert: not-yet.pem}}",
        "spool: {folders: {out: {path: not-yet}}}",
        "checks: {exec: {command: [check_disk, folder]}}",
    ],
)
def test_what_is_not_there_yet_may_come(block: str, folder: Path) -> None:
    loaded(folder, f"{NODE}    {block}\n")
