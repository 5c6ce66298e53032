"""A folder of bad configurations, one fault each, and the exact messages that they give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pacs_monitor import channels, config, probes, systems
from pacs_monitor.config import ConfigError

FOLDER = Path(__file__).parent / "bad"
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_gives_exactly_the_expected_messages(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(file, {})
    actual = [str(problem).replace(f"{FOLDER}/", "") for problem in caught.value.problems]
    assert _expected(file) == actual


def test_there_are_many_and_one_of_them_has_ten_faults() -> None:
    counts = {file.stem: len(_expected(file)) for file in FILES}
    assert len(counts) >= 34
    assert counts.pop("ten_faults") == 10
    assert {1} == set(counts.values())


def _expected(file: Path) -> list[str]:
    text = file.with_suffix(".expected").read_text(encoding="utf-8")
    kinds: dict[str, Mapping[str, object]] = {
        "probes": probes.kinds(),
        "channels": channels.kinds(),
        "systems": systems.kinds(),
    }
    for word, known in kinds.items():
        text = text.replace(f"{{{word}}}", ", ".join(sorted(known)) or "none")
    return text.splitlines()
