"""No number in a configuration is so large, or so little a number, that the daemon could not reckon with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from pacs_monitor import channels, config, probes, systems
from pacs_monitor.config import ConfigError
from pacs_monitor.config.sections import Sections
from pacs_monitor.fields import LONGEST, Settings, parse_duration, parse_percent, parse_size

DIGITS = "9" * 400
ABSURD = [DIGITS, f"-{DIGITS}", "inf", "-inf", "nan", "1e999"]
ABSURD += [f"{DIGITS}{unit}" for unit in ("d", "ms", "GiB", "%")]


def every_settings(base: type[BaseModel] = Settings) -> Iterator[type[BaseModel]]:
    for one in base.__subclasses__():
        if one.__module__.startswith("pacs_monitor."):
            yield one
        yield from every_settings(one)


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from numbers_in(one)


@pytest.mark.parametrize("text", ABSURD, ids=lambda text: text[:5] + text[-3:])
def test_no_setting_of_any_kind_takes_a_number_beyond_reason(text: str) -> None:
    assert all((probes.kinds(), channels.kinds(), systems.kinds(), Sections)), "all settings are imported"
    asked = 0
    for settings in every_settings():
        for name, field in settings.model_fields.items():
            annotation: Any = field.annotation if not field.metadata else _with(field.annotation, field.metadata)
            try:
                taken = TypeAdapter(annotation, config=settings.model_config).validate_python(text)
            except (ValidationError, TypeError, PydanticUserError):  # a block has settings of its own
                continue
            asked += 1
            for number in numbers_in(taken):
                assert -1e300 < number < 1e300, f"{settings.__name__}.{name}"
    assert asked > 20, "texts take any text"


def _with(annotation: Any, metadata: list[Any]) -> Any:
    from typing import Annotated

    return Annotated[(annotation, *metadata)]


@pytest.mark.parametrize("text", ABSURD)
def test_what_reads_numbers_says_that_they_are_wrong(text: str) -> None:
    for parse in (parse_duration, parse_size, parse_percent):
        with pytest.raises(ValueError):
            parse(text)


def test_ten_years_are_the_longest_duration() -> None:
    assert parse_duration("3653d") == LONGEST
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration("3654d")
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration(int(DIGITS))


def test_a_page_after_of_400_digits_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text(f"""
monitor: {{name: east, listen: "127.0.0.1:{"9" * 5000}"}}
defaults: {{page_after: {DIGITS}d, failures: {"9" * 5000}}}
nodes: {{archive: {{host: 127.0.0.1, checks: {{tcp: {{port: {DIGITS}}}}}}}}}
""")
    with pytest.raises(ConfigError) as caught:
        config.load(file, {})
    assert len(caught.value.problems) == 4
    assert all(len(str(problem)) < 300 for problem in caught.value.problems), caught.value
