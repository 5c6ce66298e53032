"""What no header, answer or database could carry is refused when the file is read, and its value is not repeated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pacs_monitor import config
from tests.support.estates import HEAD, loaded, messages

LATIN_1 = os.fsdecode(b"M\xfcnster")
"""As os.environ has a byte that is no UTF-8."""


def web(more: str, host: str = "10.0.0.1") -> str:
    check = f"{{probe: http, url: 'http://pacs.example.org', {more}}}"
    return f"{HEAD}nodes: {{pacs: {{host: {host}, checks: {{web: {check}}}}}}}\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"sesame\n\n", "ends in an empty line"),
        (b"sesame\r\n\r\n", "ends in an empty line"),
        (b"\n\n", "ends in an empty line"),
        (b"", "is empty"),
        (b"\r\n", "is empty"),
        (b"ses\0ame\n", "contains a NUL character"),
        (b"s\0e\0s\0\n\0", "contains a NUL character"),
        (b"s\xe9same\n", "is not UTF-8 text"),
        (b"\xff\xfes\0e\0", "is not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("key", ["token_file: t", "password_file: t, username: u", "headers: {X-Key_file: t}"])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, says: str, key: str) -> None:
    (tmp_path / "t").write_bytes(content)
    (said,) = messages(tmp_path, web(key))
    assert f"_file: t {says}" in said
    assert "same" not in said


@pytest.mark.parametrize("content", [b"sesame", b"sesame\n", b"sesame\r\n", b"\xef\xbb\xbfsesame\r\n"])
def test_one_line_end_and_the_mark_that_editors_leave_are_no_part_of_a_secret(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    (check,) = loaded(tmp_path, web("token_file: t")).checks.values()
    assert check.settings.token.get_secret_value() == "sesame"


@pytest.mark.parametrize("content", [b"ses\name\n", b"ses\rame", b"ses\x01ame", b"ses\x7fame", b"ses\x1bame\n"])
@pytest.mark.parametrize("key", ["token_file: t", "password_file: t, username: u", "headers: {X-Key_file: t}"])
def test_a_control_character_within_a_secret_is_refused(tmp_path: Path, content: bytes, key: str) -> None:
    (tmp_path / "t").write_bytes(content)
    (said,) = messages(tmp_path, web(key))
    assert "_file: " in said
    assert "on one line" in said
    assert "ame;" not in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("token: 'Bearer sesame'", "write the token alone, without Bearer"),
        ("token: 's\u00e9same'", "RFC 9110 5.5"),
        ("username: 'a:b'", "RFC 7617 2"),
        ('username: "a\\tb"', "RFC 7617 2"),
        ("headers: {X-Key: 's\u00e9same'}", "RFC 9110 5.5"),
        ('headers: {X-Key: " sesame"}', "RFC 9110 5.5"),
        ('headers: {X-Key: "ses\\name"}', "RFC 9110 5.5"),
        ("headers: {'X Key': sesame}", "'X Key' is not the name of a header"),
        ("headers: {'X-Key:': sesame}", "'X-Key:' is not the name of a header"),
        ("headers: {'': sesame}", "'' is not the name of a header"),
        ('path: "/a\\tb"', "path"),
        ('path: "/a\\x01b"', "path"),
        ("tls: {server_name: 'pacs example'}", "is not a host"),
        ("tls: {server_name: 'a..b'}", "is not a host"),
        ("tls: {server_name: '.pacs'}", "is not a host"),
    ],
)
def test_what_no_request_could_carry_is_refused(tmp_path: Path, more: str, says: str) -> None:
    text = web(more).replace("http://pacs", "https://pacs")
    (said,) = messages(tmp_path, text)
    assert says in said
    assert "sesame" not in said.replace("alone", "")


@pytest.mark.parametrize(
    "more", ["headers: {X-Key: 'a b\tc', x-empty: ''}", "token: 'a:b|c'", "username: 'J\u00fcrgen'"]
)
def test_what_requests_can_carry_is_taken(tmp_path: Path, more: str) -> None:
    assert loaded(tmp_path, web(more)).checks


@pytest.mark.parametrize(
    "url",
    [
        *["http://pacs .example.org", "http://*.example.org", "http://.example.org", r"http://pacs\x01.example.org"],
        *[r"http://pacs.example.org/\n", r"http://pacs.example.org/a\x00b", "http://[::1", "ftp://pacs.example.org"],
    ],
)
@pytest.mark.parametrize(
    "where",
    [
        'nodes: {{pacs: {{checks: {{web: {{probe: http, url: "{}"}}}}}}}}\n',
        'nodes: {{pacs: {{checks: {{web: {{probe: http, url: "http://pacs", proxy: "{}"}}}}}}}}\n',
        'channels: {{hook: {{type: webhook, url: "{}"}}}}\n',
    ],
)
def test_an_address_that_no_request_can_be_made_to_is_refused(tmp_path: Path, url: str, where: str) -> None:
    assert len(messages(tmp_path, HEAD + where.format(url))) == 1


@pytest.mark.parametrize(
    "host", ["'10.0.0.1 '", '"10.0.0.1\\n"', "'http://pacs'", "'pacs/x'", "'a..b'", f"{'a' * 64}.org"]
)
def test_a_host_that_nobody_can_look_up_is_refused(tmp_path: Path, host: str) -> None:
    (said,) = messages(tmp_path, web("path: /", host))
    assert "is not a host; write a name or an address alone" in said


@pytest.mark.parametrize(
    "host", ["pacs", "PACS_1.example.org.", "'2001:db8::1'", "'fe80::1%eth0'", "b\u00fccher.example"]
)
def test_a_host_that_can_be_looked_up_is_taken(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, web("path: /", host)).nodes


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "nodes: {pacs: {title: 'Archive ${TEXT}'}}\n",
        HEAD + "nodes: {pacs: {site: '${TEXT}', role: '${TEXT:-none}', labels: {town: '${TEXT}'}}}\n",
        HEAD + "nodes: {pacs: {host: '${TEXT}'}}\n",
        HEAD + "channels: {hook: {type: webhook, url: 'https://h/${TEXT}', headers: {X-Key: '${TEXT}'}}}\n",
        web("token: '${TEXT}'"),
        "monitor: {name: '${TEXT}'}\ndefault_route: {channels: []}\n",
    ],
)
def test_a_variable_that_is_no_utf_8_is_refused(tmp_path: Path, text: str) -> None:
    said = messages(tmp_path, text, TEXT=LATIN_1)
    assert {message.rpartition(": ")[2] for message in said} == {
        "the environment variable TEXT is not UTF-8 text; write it as one"
    }
    assert "".join(said).isascii()


@pytest.mark.parametrize("text", ['title: "a\\0b"', 'labels: {town: "a\\0b"}', 'labels: {"a\\0b": town}'])
def test_a_nul_character_is_refused(tmp_path: Path, text: str) -> None:
    (said,) = messages(tmp_path, f"{HEAD}nodes: {{pacs: {{{text}}}}}\n")
    assert "contains a NUL character" in said


def test_a_key_or_a_password_of_several_lines_reaches_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN\nsesame\n-----END\n")
    text = (
        HEAD + "nodes: {pacs: {checks: {x: {probe: exec, command: [/bin/true], environment: {KEY_file: key.pem}}}}}\n"
    )
    (check,) = config.load(_written(tmp_path, text), {}).checks.values()
    assert check.settings.environment["KEY"].get_secret_value() == "-----BEGIN\nsesame\n-----END"


def _written(folder: Path, text: str) -> Path:
    file = folder / "monitor.yaml"
    file.write_text(text)
    return file
