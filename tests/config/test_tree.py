"""Values are text until their field reads them; variables come in after parsing."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pacs_monitor import config
from pacs_monitor.config import ConfigError
from tests.support.estates import HEAD, loaded, messages


def test_values_keep_the_text_that_is_written(tmp_path: Path) -> None:
    text = HEAD + "nodes:\n  a: {host: 010, title: NO, role: 15:30, impact: 1e3, labels: {vendor: on, version: 1.10}}\n"
    node = loaded(tmp_path, text).nodes["a"]
    assert (node.host, node.title, node.role, node.impact) == ("010", "NO", "15:30", "1e3")
    assert node.labels == {"vendor": "on", "version": "1.10"}


def test_an_ae_title_of_digits_keeps_its_zero(tmp_path: Path) -> None:
    node = loaded(tmp_path, HEAD + "nodes:\n  a: {dicom: {port: 0104, ae_title: 0123}}\n").nodes["a"]
    assert node.dicom is not None
    assert (node.dicom.ae_title, node.dicom.port) == ("0123", 104)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${HOST}", "pacs"),
        ("${NONE:-10.0.0.1}", "10.0.0.1"),
        ("${HOST:-10.0.0.1}", "pacs"),
        ("${EMPTY:-10.0.0.1}", "10.0.0.1"),
        ("${HOST}.example.org", "pacs.example.org"),
        ("$${HOST}", "${HOST}"),
        ("a$b", "a$b"),
        ("${YAML}", "{a: [b"),
    ],
)
def test_variables_come_in_after_parsing(tmp_path: Path, written: str, read: str) -> None:
    environ = {"HOST": "pacs", "EMPTY": "", "YAML": "{a: [b"}
    node = loaded(tmp_path, f'{HEAD}nodes:\n  a: {{title: "{written}"}}\n', **environ).nodes["a"]
    assert read == node.title


def test_anchors_and_aliases_are_read(tmp_path: Path) -> None:
    text = HEAD + "nodes:\n  a: {dicom: &d {port: 104, ae_title: A}}\n  b: {dicom: *d}\n"
    nodes = loaded(tmp_path, text).nodes
    assert nodes["a"].dicom == nodes["b"].dicom


def test_a_key_without_value_is_an_empty_block_where_one_is_expected(tmp_path: Path) -> None:
    estate = loaded(tmp_path, HEAD + "nodes:\n  a:\nroutes:\nchannels: ~\nsites: null\n")
    assert list(estate.nodes) == ["a"]


def test_what_the_environment_holds_never_prints(tmp_path: Path) -> None:
    text = HEAD + 'nodes:\n  a: {dicom: {port: "${PORT}", ae_title: "${PORT}"}, presence: "${PORT}"}\n'
    said = messages(tmp_path, text, PORT="hunter2-hunter2-hunter2")
    assert len(said) == 3
    assert not any("hunter2" in message for message in said)


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml:1: cannot be read: No such file or directory"):
        config.load(tmp_path / "none.yaml", {})


KEYS = st.sampled_from(
    ["monitor", "nodes", "checks", "name", "host", "dicom", "channels", "type", "url", "<<", "", "a"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | VALUES.map(str) | st.dictionaries(KEYS, VALUES, max_size=5).map(str))
@example("[" * 100_000)
@example("a: &a [*a]")
@example("? {a: b}\n: c")
@example("--- !!python/object:os.system x")
@example("monitor: {name: \x00}")
def test_no_text_does_worse_than_a_config_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "monitor.yaml")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        with contextlib.suppress(ConfigError):
            config.load(file, {})
