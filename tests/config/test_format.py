"""Values as people write them, and as the fields read them back."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from pacs_monitor.config.format import choices, default, duration, percent, size
from pacs_monitor.fields import (
    Duration,
    Percent,
    Secret,
    Settings,
    Size,
    Texts,
    TlsSettings,
    parse_duration,
    parse_percent,
    parse_size,
)
from pacs_monitor.model import Phase


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.5, "500ms"), (90.0, "90s"), (300.0, "5m"), (7200.0, "2h"), (86400.0, "1d")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.integers(0, 10**11))
def test_what_is_written_reads_back_the_same(number: int) -> None:
    assert parse_duration(duration(number / 1000)) == pytest.approx(number / 1000)
    assert parse_size(size(number)) == number
    assert parse_percent(percent(number / 10**11)) == pytest.approx(number / 10**11, abs=1e-6)


class Inner(Settings):
    name: str = "ZZTEST"
    other: str = ""


class Example(Settings):
    needed: int
    nothing: int | None = None
    password: Secret = Secret("")
    wait: Duration | None = 900.0
    warn: Percent = 0.8
    room: Size = 1024**2
    share: float = 4.0
    on: bool = True
    one: Texts = ("2xx",)
    two: Texts = ("AA", "CA")
    many: tuple[int, ...] = (1, 2, 3, 4, 5)
    block: Inner = Inner()
    tls: TlsSettings = TlsSettings()
    keys: dict[str, str] = Field(default_factory=lambda: {"StudyDate": "today"})
    verify: Literal["none", "find"] | None = "find"
    level: Phase = Phase.TLS


def test_defaults_stand_as_one_would_write_them() -> None:
    assert {name: default(field) for name, field in Example.model_fields.items()} == {
        "needed": "",
        "nothing": "",
        "password": "",
        "wait": "15m",
        "warn": "80%",
        "room": "1MiB",
        "share": "4",
        "on": "on",
        "one": "2xx",
        "two": "[AA, CA]",
        "many": "5 of them",
        "block": "{name: ZZTEST}",
        "tls": "",
        "keys": "{StudyDate: today}",
        "verify": "find",
        "level": "tls",
    }


def test_choices_are_those_of_the_type() -> None:
    fields = Example.model_fields
    assert choices(fields["verify"]) == ("none", "find")
    assert choices(fields["level"]) == tuple(Phase)
    assert choices(fields["one"]) == ()
