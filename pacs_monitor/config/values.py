"""Types of values that only the sections of monitor.yaml have: listen addresses, names, hours, databases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)

from pacs_monitor import patterns
from pacs_monitor.calendars import Closure
from pacs_monitor.config.closed_days import RANGE, parse_exception
from pacs_monitor.fields import Duration, Texts, secret
from pacs_monitor.paths import file_path
from pacs_monitor.patterns import BLANKS, one_or_more, text, trimmed

SHORTEST = 0.1
"""Seconds: nothing is asked more often, whatever the configuration says."""
_NAME = re.compile(r"\w[\w.-]*")
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg://"


def _pace(seconds: float) -> float:
    if seconds < SHORTEST:
        raise ValueError(f"is shorter than {SHORTEST:g} s, the shortest interval")
    return seconds


def parse_address(value: object) -> object:
    """`127.0.0.1:9741` or `[::1]:9741` as host and port; port 0, to listen on, takes a free one."""
    if not isinstance(value, str):
        return value
    address = value.strip(BLANKS)
    if not re.fullmatch(patterns.HOST_AND_PORT, address):
        raise ValueError(f"{value!r} is not an address with a port; write 127.0.0.1:9741 or [::1]:9741")
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach a host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_name(value: str) -> str:
    """Names stand in identities (`node/check`), URLs and metric labels."""
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name; use letters, digits, '_', '-' and '.', and do not begin with '-' or '.'"
        )
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"{value!r} is not a time zone; write one of the IANA names, such as Europe/Berlin") from None
    return value


def _time_zones() -> patterns.Schema:
    """The names of IANA, and other files of the system's database (`posix/…`)."""
    return {"anyOf": [{"enum": sorted(available_timezones())}, text("(?:posix|right)/.*|localtime|posixrules")]}


def _database(value: str, info: ValidationInfo) -> str:
    """A relative path of SQLite starts at the configuration's folder. The URL may hold a password: it never prints."""
    if value.startswith(_SQLITE) and len(value) > len(_SQLITE):
        return _SQLITE + file_path(value.removeprefix(_SQLITE), info)
    if value.startswith(_POSTGRESQL) and _has_a_port(value):
        return value
    raise ValueError(f"is not a database URL; write {_SQLITE}FILE or {_POSTGRESQL}USER@HOST/NAME")


def _has_a_port(url: str) -> bool:
    """Whether the port of a URL, if one is written, is a number."""
    with suppress(ValueError):
        return urlsplit(url).port != 0
    return False


def _bearer(value: SecretStr) -> SecretStr:
    if not re.fullmatch(patterns.TOKEN, value.get_secret_value()):
        raise ValueError(
            "is not a bearer token (RFC 6750 2.1); use only letters, digits and -._~+/, and = only at the end"
        )
    return value


def _rrule(value: str) -> str:
    if not re.fullmatch(patterns.RECURRENCE, value):
        raise ValueError(f"{value!r} is not a recurrence (RFC 5545 3.3.10); write FREQ=MONTHLY;BYDAY=2SU")
    return value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"{value!r} is not an address; write 10.0.0.31 or 10.0.0.0/24") from None
    return values


def _cron(value: str) -> str:
    from pacs_monitor import cron  # noqa: PLC0415 - imports APScheduler, which few configurations need

    try:
        if not re.fullmatch(patterns.CRON, value):  # APScheduler overlooks what follows a name, as in jan5
            raise ValueError
        cron.trigger(value, "UTC")
    except ValueError:
        message = f"{value!r} is not a calendar line; write minute, hour, day, month and weekday: 0 3 * * *"
        raise ValueError(message) from None
    return value


def _parents(value: Any) -> Any:
    """Each entry as the names of which all must be down."""
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(_alternatives(entry) for entry in entries)


def _alternatives(entry: Any) -> tuple[str, ...]:
    if isinstance(entry, str):
        return (entry,)
    names = entry.get("any") if isinstance(entry, Mapping) and set(entry) == {"any"} else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("must be the name of a node, or {any: [core-a, core-b]}")
    return tuple(names)


_ANY_OF = {
    "type": "object",
    "properties": {"any": one_or_more({"type": "string"}, least=1)},
    "required": ["any"],
    "additionalProperties": False,
}
Pace = Annotated[Duration, AfterValidator(_pace), WithJsonSchema(trimmed(patterns.PACE, "10s", "5m", "2h"))]
"""A duration in seconds, not shorter than SHORTEST."""
HostPort = Annotated[
    tuple[str, int],
    BeforeValidator(parse_address),
    WithJsonSchema(trimmed(patterns.HOST_AND_PORT, "127.0.0.1:9741", "[::1]:9741")),
]
Parents = Annotated[
    tuple[tuple[str, ...], ...],
    BeforeValidator(_parents),
    WithJsonSchema(one_or_more({"anyOf": [{"type": "string"}, _ANY_OF]})),
]
"""Network parents; of an entry with `any`, all must be down."""
Name = Annotated[str, AfterValidator(check_name), WithJsonSchema(text(patterns.NAME))]
TimeZone = Annotated[
    str,
    AfterValidator(_timezone),
    GetPydanticSchema(get_pydantic_json_schema=lambda _core, _handler: _time_zones()),
]
BearerToken = Annotated[SecretStr, AfterValidator(_bearer), WithJsonSchema(secret(patterns.TOKEN))]
Database = Annotated[str, AfterValidator(_database), Field(repr=False), WithJsonSchema(secret(patterns.DATABASE))]
_HOLIDAYS = {
    "type": "object",
    "properties": {"country": {"type": "string"}, "region": {"type": "string"}},
    "required": ["country"],
    "additionalProperties": False,
}
Exceptional = Annotated[
    Closure,
    PlainValidator(parse_exception),
    WithJsonSchema({"anyOf": [trimmed(f"{RANGE}|{patterns.CALENDAR_FILE}"), _HOLIDAYS]}),
]
"""Days on which a calendar is closed."""
Recurrence = Annotated[str, AfterValidator(_rrule), WithJsonSchema(text(patterns.RECURRENCE, "FREQ=MONTHLY;BYDAY=2SU"))]
Cron = Annotated[str, AfterValidator(_cron), WithJsonSchema(text(patterns.CRON, "0 3 * * *"))]
Networks = Annotated[
    Texts,
    Field(min_length=1),
    AfterValidator(_networks),
    WithJsonSchema(one_or_more(text(patterns.NETWORK, "10.0.0.31", "10.0.0.0/24"), least=1)),
]
"""Numeric addresses, or networks by their prefix."""
Count = Annotated[int, Field(ge=1, le=1000)]
