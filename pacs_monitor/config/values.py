"""Types of values that only the sections of monitor.yaml have: listen addresses, names, hours, databases."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema

from pacs_monitor import calendars, cron
from pacs_monitor.fields import Duration, Texts, local_path

SHORTEST = 0.1
"""Seconds: nothing is asked more often, whatever the configuration says."""
_NAME = re.compile(r"\w[\w.-]*")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg://"


def _pace(seconds: float) -> float:
    if seconds < SHORTEST:
        raise ValueError(f"is shorter than {SHORTEST:g} s; nothing is asked more often")
    return seconds


def parse_address(value: object) -> object:
    """`127.0.0.1:9741` or `[::1]:9741` as host and port; port 0, to listen on, takes a free one."""
    if not isinstance(value, str):
        return value
    host, colon, port = value.strip().rpartition(":")
    numbered = re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= 65535
    if not (colon and host and numbered) or (":" in host and host[0] != "["):
        raise ValueError(f"{value!r} is not an address with a port; write 127.0.0.1:9741 or [::1]:9741")
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
            f"{value!r} is not a name; use letters, digits, '_', '-' and '.', and begin with no '-' or '.'"
        )
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"{value!r} is not a time zone; write one of the IANA names, such as Europe/Berlin") from None
    return value


def _database(value: str, info: ValidationInfo) -> str:
    """A relative path of SQLite starts at the configuration's folder. The URL may hold a password: it never prints."""
    if value.startswith(_SQLITE) and len(value) > len(_SQLITE):
        return _SQLITE + local_path(value.removeprefix(_SQLITE), info)
    if value.startswith(_POSTGRESQL) and _has_a_port(value):
        return value
    raise ValueError(f"is no database; write {_SQLITE}FILE or {_POSTGRESQL}USER@HOST/NAME")


def _has_a_port(url: str) -> bool:
    """Whether the port of a URL, if one is written, is a number."""
    with suppress(ValueError):
        return urlsplit(url).port != 0
    return False


def _bearer(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("is no bearer token (RFC 6750 2.1); write letters, digits and -._~+/ alone, = only at the end")
    return value


def check_hours(value: str) -> str:
    """Weekly hours, checked for their form."""
    calendars.Hours.parse(value)
    return value


def _exception(value: str) -> str:
    if not value.endswith(".ics"):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither a date (2026-12-24) nor an .ics file") from None
    return value


def _rrule(value: str) -> str:
    if not re.fullmatch(r"FREQ=[A-Z]+(?:;[A-Z]+=[^;\s]+)*", value):
        raise ValueError(f"{value!r} is not a recurrence (RFC 5545 3.3.10); write FREQ=MONTHLY;BYDAY=2SU")
    return value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"{value!r} is no address; write 10.0.0.31 or 10.0.0.0/24") from None
    return values


def _cron(value: str) -> str:
    try:
        cron.trigger(value, "UTC")
    except ValueError:
        message = f"{value!r} is not a calendar line; write minute, hour, day, month and weekday: 0 3 * * *"
        raise ValueError(message) from None
    return value


Pace = Annotated[Duration, AfterValidator(_pace)]
"""A duration in seconds, not shorter than SHORTEST."""
HostPort = Annotated[
    tuple[str, int],
    BeforeValidator(parse_address),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9741", "[::1]:9741"]}),
]
Name = Annotated[str, AfterValidator(check_name)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
BearerToken = Annotated[SecretStr, AfterValidator(_bearer)]
Database = Annotated[str, AfterValidator(_database), Field(repr=False)]
Hours = Annotated[str, AfterValidator(check_hours)]
Exceptional = Annotated[str, AfterValidator(_exception)]
Recurrence = Annotated[str, AfterValidator(_rrule)]
Cron = Annotated[str, AfterValidator(_cron)]
Networks = Annotated[Texts, Field(min_length=1), AfterValidator(_networks)]
"""Numeric addresses, or networks by their prefix."""
Count = Annotated[int, Field(ge=1, le=1000)]
