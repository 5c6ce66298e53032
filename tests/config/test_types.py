"""The type of each setting: what the parser accepts, an editor accepts, and both refuse what is plainly wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import ValidationError, create_model

from pacs_monitor import config, fields
from pacs_monitor.config import values
from pacs_monitor.config.lenient import lenient
from pacs_monitor.fields import Settings
from pacs_monitor.model import Paging, Severity
from tests.config.editor import scalar

TYPES: dict[str, Any] = {
    "AETitle": fields.AETitle,
    "Day": fields.Day,
    "Duration": fields.Duration,
    "Host": fields.Host,
    "Moment": fields.Moment,
    "NumberOrNone": fields.NumberOrNone,
    "Percent": fields.Percent,
    "Port": fields.Port,
    "SecretLine": fields.SecretLine,
    "ServiceHours": fields.ServiceHours,
    "Size": fields.Size,
    "Texts": fields.Texts,
    "WebAddress": fields.WebAddress,
    "BearerToken": values.BearerToken,
    "Cron": values.Cron,
    "Database": values.Database,
    "Exceptional": values.Exceptional,
    "HostPort": values.HostPort,
    "Name": values.Name,
    "Networks": values.Networks,
    "Pace": values.Pace,
    "Recurrence": values.Recurrence,
    "TimeZone": values.TimeZone,
    "Severity": Severity,
    "Paging": Paging,
    "Literal": Literal["none", "find", "on"],
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
}
GOOD = {
    "AETitle": ["A", "ARCHIVE", " ARCHIVE ", "0123", "WITH BLANK", "SIXTEEN_LETTERS1", "true"],
    "Day": ["2026-12-24", "2028-02-29"],
    "Duration": ["0", "0s", "500ms", "1.5h", " 10s ", "7d"],
    "Host": ["pacs.example.org", "10.0.0.1", "::1", "rönt.example.org", "12"],
    "Moment": ["2026-12-24 02:00", "2026-12-24T02:00:30Z", "2026-12-24", "2026-12-24 02:00+01:00"],
    "Percent": ["90%", "0%", "100%", "99.95 %", "100.0%", ".5%"],
    "Port": ["1", "104", "65535", "+104", "1_000"],
    "ServiceHours": ["24x7", "Mon-Fri 06:00-20:00", "Mon Wed 8:00-24:00, Sat 22:00-02:00"],
    "Size": ["0B", "512MB", "20GiB", "1.5 TB"],
    "Texts": ["a", "12", "on"],
    "WebAddress": ["http://h", "https://h:8443/path?a=b"],
    "BearerToken": ["abc-._~+/==", "12345"],
    "Cron": ["0 3 * * *", "*/5 8-17 * * 1-5", "30 2 1,15 jan-mar sun", "0 0 last * *"],
    "Database": ["sqlite:///a.db", "postgresql+psycopg://u:p@h:5432/n"],
    "Exceptional": ["2026-12-24", "2026-12-24..2027-01-01", " 2028-02-29 "],
    "HostPort": ["127.0.0.1:9741", "[::1]:0", "localhost:65535"],
    "Name": ["a", "Röntgen-1", "_x.y", "4"],
    "Networks": ["10.0.0.1", "10.0.0.0/24", "fe80::/10", "fe80::1%eth0", "fe80::1%eth 0"],
    "Pace": ["100ms", "0.1s", "1m", "0.002m", "10.5s"],
    "Recurrence": ["FREQ=MONTHLY;BYDAY=2SU"],
    "TimeZone": ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"],
    "bool": ["on", "Off", "YES", "true", "0", "n"],
    "float": ["1", "1.5", "-1e3", ".5", "5."],
}
BAD = {
    "AETitle": ["", "    ", "SEVENTEEN_LETTERS", "A\\B", "Ä", "A\nB"],
    "Day": ["24.12.2026", "20261224", "2026-13-01", "2026-1-1", "0"],
    "Duration": ["10", "10 s", "5 minutes", "-1s", "1e3s", "", "1w", "soon", "٣s"],
    "Host": ["a b", "h/path", "u@h", "http://h", "${X"],
    "Moment": ["next Sunday", "20261224", "2026-12-24 25:00", "02:00"],
    "Percent": ["90", "0.9", "101%", "-1%", "nan%", "1e1%", "%"],
    "Port": ["0", "65536", "http", "1.5", "0x50", ""],
    "ServiceHours": ["always", "Mon-Fri", "Mon 25:00-26:00", "Monday 08:00-12:00"],
    "Size": ["20", "20 gigs", "20gib", "-1GB", "20KB"],
    "WebAddress": ["h", "ftp://h", "https://", "https:// h"],
    "BearerToken": ["a b", "a=b", ""],
    "Cron": ["99 * * * *", "0 3 * *", "0 24 * * *", "@daily", "0 0 last0 * *", "0 0 * jan5 *", "0 3 * * 8"],
    "Database": ["mysql://h", "pacs.db", "sqlite://a.db"],
    "Exceptional": ["24.12.", "holidays", "2026-12-24..", "2026-12-24 .. 2026-12-25", "0\nholidays.ics"],
    "HostPort": ["127.0.0.1", "9741", "h:65536", "::1:9741", ":9741"],
    "Name": ["a/b", "", "-a", "a b", "a:b"],
    "Networks": ["h.example.org", "10.0.0.0/24/8"],
    "Pace": ["0", "0s", "99ms", "0.05s", "0m", "10"],
    "Recurrence": ["monthly", "FREQ=monthly"],
    "TimeZone": ["Europe/Berlim", "CEST+1 ", "berlin"],
    "Severity": ["urgent", "Critical", ""],
    "Literal": ["False", "fnd"],
    "bool": ["maybe", "2", "-1", ""],
    "int": ["many", "1.5", "1e3", ""],
    "float": ["many", "1,5", "0x1", ""],
}
PIECES = "0123456789.:-+_ %eEsmhdkKMGTPiB/[]*,=ABab\\\n\tü"


@cache
def block(name: str) -> type[Settings]:
    return create_model(name, __base__=Settings, value=(TYPES[name], ...))


@cache
def strict(name: str) -> Any:
    schema = block(name).model_json_schema()
    return {**schema["properties"]["value"], "$defs": schema.get("$defs", {})}


@cache
def editor(name: str) -> Draft7Validator:
    defs = {key: lenient(part) for key, part in strict(name)["$defs"].items()}
    return Draft7Validator({**lenient(strict(name)), "$defs": defs})


def parsed(name: str, text: str) -> Any:
    return block(name).model_validate({"value": text}).value  # type: ignore[attr-defined]  # made here


def parses(name: str, text: str) -> bool:
    try:
        parsed(name, text)
    except ValidationError:
        return False
    return True


def passes(name: str, text: str) -> bool:
    """In quotes and, where it is one, as what YAML makes of a plain scalar."""
    plain = scalar(text)
    return editor(name).is_valid(text) and (plain is None or editor(name).is_valid(plain))


def patterns_in(part: Any) -> Iterator[str]:
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == "pattern" and isinstance(value, str):
            yield value
        else:
            yield from patterns_in(value)


def texts(name: str) -> st.SearchStrategy[str]:
    """Well-formed values, those with a part changed, and any text."""
    known = st.sampled_from([*GOOD.get(name, ["0"]), *BAD.get(name, [""])])
    bits = st.text(PIECES, max_size=3)
    changed = st.tuples(known, bits, bits, st.integers(0, 20)).map(
        lambda drawn: drawn[0][: drawn[3]] + drawn[1] + drawn[0][drawn[3] :] + drawn[2]
    )
    return st.one_of(changed, st.text(PIECES, max_size=12), st.text(max_size=12))


def agree(name: str, text: str) -> bool:
    """Of texts with a variable, which are replaced before they are parsed, nothing is said here."""
    return "${" in text or passes(name, text) or not parses(name, text)


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_an_editor_never_refuses_what_the_parser_accepts(name: str, data: st.DataObject) -> None:
    assert agree(name, data.draw(texts(name)))


@pytest.mark.proof
@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@settings(max_examples=2000, deadline=None)
def test_an_editor_never_refuses_what_the_parser_accepts_at_length(name: str, data: st.DataObject) -> None:
    formed = [st.from_regex(pattern) for pattern in patterns_in(strict(name))]
    assert agree(name, data.draw(st.one_of(texts(name), *formed)))


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_both_accept(name: str, text: str) -> None:
    assert parses(name, text)
    assert passes(name, text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_both_refuse(name: str, text: str) -> None:
    assert not parses(name, text)
    assert not passes(name, text)


def test_a_date_without_dashes_is_no_number_of_seconds() -> None:
    """`20261224` was taken for a moment of 1970, so that a window had ended long ago."""
    assert parsed("Day", "2026-12-24") == date(2026, 12, 24)
    assert parsed("Moment", "2026-12-24 02:00") == datetime(2026, 12, 24, 2)  # noqa: DTZ001
    assert not parses("Moment", "20261224")
    assert not parses("Day", "1735689600")


def test_patterns_are_read_alike_by_python_and_by_editors() -> None:
    """What ECMA 262 does not know, or reads otherwise, stands in none."""
    for pattern in patterns_in(config.schema()):
        assert not any(other in pattern for other in ("(?P", "(?<", "\\A", "\\Z", "\\d", "\\w", "(?i", "(?#"))
