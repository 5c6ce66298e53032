"""Types that the settings of every kind share: durations, sizes, secrets, AE titles, matches.

Settings are pydantic models; a value arrives as the text that stands in the file, and its field reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import no_info_plain_validator_function

from pacs_monitor import patterns
from pacs_monitor.calendars import Hours, WeeklyTimes
from pacs_monitor.model import Presence, Severity, Tls
from pacs_monitor.paths import existing_file, file_path, folder_path, local_path, sort_of
from pacs_monitor.patterns import BLANKS, one_or_more, text, trimmed

LONGEST = 3653 * 86400.0
"""Seconds, ten years: longer durations are mistakes, and times that far ahead cannot be computed."""
LARGEST = 10**18
"""Bytes: an exabyte."""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and lone surrogates, which stand for bytes that are not text."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: dict[str, int] = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGTP", 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTP", 1)},
}


def parse_duration(value: object) -> float:
    """`500ms`, `10s`, `5m`, `2h`, `7d` in seconds, ten years at most."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value
    elif str(value).strip(BLANKS) == "0":
        return 0.0
    elif found := re.fullmatch(patterns.DURATION, str(value).strip(BLANKS)):
        seconds = float(found[1]) * _SECONDS[found[2]]
    else:
        raise ValueError(f"{value!r} is not a duration; write 500ms, 10s, 5m, 2h or 7d")
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"{value!r} is longer than ten years; write 3650d at most")
    return float(seconds)


def parse_size(value: object) -> int:
    """`512MB`, `20GiB` in bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = re.fullmatch(patterns.SIZE, str(value).strip(BLANKS))
    if not found:
        raise ValueError(f"{value!r} is not a size; write 512MB or 20GiB")
    size = float(found[1]) * _BYTES[found[2]]
    if size > LARGEST:
        raise ValueError(f"{value!r} is larger than any disk; write 1000PB at most")
    return round(size)


def parse_percent(value: object) -> float:
    """`90%` as a ratio from 0 to 1."""
    if isinstance(value, float):
        return value
    found = re.fullmatch(patterns.PERCENT, str(value).strip(BLANKS))
    if not found:
        raise ValueError(f"{value!r} is not a percentage from 0% to 100%; write 90%")
    return round(float(found[1]) / 100, 12)


def parse_day(value: object) -> object:
    """`2026-12-24`, and nothing else: numbers would be taken for seconds since 1970."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        if re.fullmatch(patterns.DAY, value.strip(BLANKS)):
            return date.fromisoformat(value.strip(BLANKS))
    raise ValueError(f"{value!r} is not a date; write 2026-12-24")


def parse_moment(value: object) -> object:
    """`2026-12-24 02:00`, by RFC 3339 with or without seconds, zone and even time, and nothing else."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        if re.fullmatch(patterns.MOMENT, value.strip(BLANKS)):
            return datetime.fromisoformat(value.strip(BLANKS))
    raise ValueError(f"{value!r} is not a time; write 2026-12-24 02:00")


def check_ae_title(value: str) -> str:
    """An AE title by PS3.5 6.2 (VR AE): 1 to 16 characters of the default repertoire, no backslash, not only spaces."""
    title = value.strip(" ")
    if not 1 <= len(title) <= 16:
        raise ValueError(f"{value!r} is not an AE title: it has {len(title)} characters, 1 to 16 are allowed")
    if not all(" " <= c <= "~" and c != "\\" for c in title):
        raise ValueError(f"{value!r} is not an AE title: only printable ASCII without a backslash is allowed")
    return title


NO_LINKS = "none"
"""In the place of an address that links begin with: there are none."""


def _web_address(value: str) -> str:
    if not re.fullmatch(patterns.WEB_ADDRESS, value) or UNPRINTABLE.search(value):
        raise ValueError("is not a web address; write https://host.example.org")
    return value.rstrip("/")


def check_host(value: str) -> str:
    """A name or an address that can be looked up (RFC 1035 2.3.4, RFC 5890): without blanks, path or account."""
    try:
        if not re.search(r"[\s/\\@$]", value) and not UNPRINTABLE.search(value):
            value.encode("idna")
            return value
    except UnicodeError:
        pass
    raise ValueError(f"{value!r} is not a host; write a name or an address alone: pacs.example.org or 10.0.0.31")


def check_line(value: SecretStr) -> SecretStr:
    """What is sent as it stands, within a line: nothing of it may be a line break or another control character."""
    if UNPRINTABLE.search(value.get_secret_value()):
        raise ValueError("contains a line break or another control character; write the secret alone, on one line")
    return value


def check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error.msg}") from None
    return value


def check_header_value(value: SecretStr) -> SecretStr:
    """The value of a header, by RFC 9110 5.5 in what everybody understands: printable ASCII, blanks only within."""
    if not re.fullmatch(patterns.HEADER_VALUE, value.get_secret_value()):
        raise ValueError(
            "cannot be used in a header (RFC 9110 5.5); write printable ASCII on one line, without spaces at either end"
        )
    return value


def check_header_names(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """The names of headers are tokens (RFC 9110 5.6.2)."""
    for name in headers:
        if not re.fullmatch(patterns.HEADER_NAME, name):
            raise ValueError(f"{name!r} is not the name of a header (RFC 9110 5.1); write one such as X-Api-Key")
    return headers


def secret(pattern: str) -> patterns.Schema:
    """The JSON Schema of a secret that is written so."""
    return {**text(pattern), "format": "password", "writeOnly": True}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"anyOf": [trimmed(f"{patterns.DURATION}|0", "10s", "5m", "2h"), {"const": 0}]}),
]
"""Seconds; 0 needs no unit."""
Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema(trimmed(patterns.SIZE, "512MB", "20GiB"))]
"""Bytes."""
Percent = Annotated[float, BeforeValidator(parse_percent), WithJsonSchema(trimmed(patterns.PERCENT, "90%"))]
"""A ratio from 0 to 1."""
Day = Annotated[date, BeforeValidator(parse_day), WithJsonSchema(trimmed(patterns.DAY, "2026-12-24"))]
Moment = Annotated[
    datetime, BeforeValidator(parse_moment), WithJsonSchema(trimmed(patterns.MOMENT, "2026-12-24 02:00"))
]
"""A time, of the monitor's zone unless it says another."""
Number = Annotated[int, Field(ge=1, le=10**9)]
"""A count that may be very large."""
NumberOrNone = Annotated[int, Field(ge=0, le=10**9)]
"""The same, where 0 is meaningful too."""
Port = Annotated[int, Field(ge=1, le=65535)]
AETitle = Annotated[str, AfterValidator(check_ae_title), WithJsonSchema(text(patterns.AE_TITLE))]
RegularExpression = Annotated[str, AfterValidator(check_pattern)]
LocalPath = Annotated[str, AfterValidator(local_path)]
FolderPath = Annotated[str, AfterValidator(folder_path)]
FilePath = Annotated[str, AfterValidator(file_path)]
ExistingFile = Annotated[str, AfterValidator(existing_file)]
WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    WithJsonSchema(text(patterns.WEB_ADDRESS, "https://host.example.org")),
]
LinkAddress = Annotated[
    str,
    AfterValidator(lambda value: value if value == NO_LINKS else _web_address(value)),
    WithJsonSchema(text(f"{patterns.WEB_ADDRESS}|{NO_LINKS}", "https://host.example.org", NO_LINKS)),
]
"""A web address, or `none`."""
Host = Annotated[str, AfterValidator(check_host), WithJsonSchema(text(patterns.HOST))]
Secret = SecretStr
"""May be given as KEY_file: path instead of KEY; never printed."""
SecretLine = Annotated[SecretStr, AfterValidator(check_line), WithJsonSchema(secret(patterns.LINE))]
"""The same, without control characters."""
Headers = Annotated[
    Mapping[
        str,
        Annotated[SecretStr, AfterValidator(check_header_value), WithJsonSchema(secret(patterns.HEADER_VALUE))],
    ],
    AfterValidator(check_header_names),
    Field(json_schema_extra={"propertyNames": text(patterns.HEADER_NAME)}),
]
"""Request headers, by name."""
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list), WithJsonSchema(one_or_more({"type": "string"}))]
"""One text or a list of them."""


ServiceHours = Annotated[
    Hours,
    GetPydanticSchema(lambda _type, _handler: no_info_plain_validator_function(lambda value: Hours.parse(str(value)))),
    WithJsonSchema(text(patterns.HOURS, "Mon-Fri 06:00-20:00", "24x7")),
]
"""`Mon-Fri 06:00-20:00`, several with commas, or `24x7`; in the monitor's time zone."""


Times = Annotated[
    WeeklyTimes,
    GetPydanticSchema(
        lambda _type, _handler: no_info_plain_validator_function(lambda value: WeeklyTimes.parse(str(value)))
    ),
    WithJsonSchema(text(patterns.TIMES, "07:00", "Mon-Fri 07:00")),
]
"""`07:00`, `Mon-Fri 07:00`, several with commas; in the monitor's time zone."""


class _NamesNode:
    """Marks a setting that names other nodes: they must exist, the run takes their seats, `ctx.nodes` holds them."""


NodeName = Annotated[str, _NamesNode()]
NodeNames = Annotated[Texts, _NamesNode()]


def nodes_named(settings: BaseModel) -> Mapping[str, tuple[str, ...]]:
    """The other nodes that settings name, by the key that names them."""
    values = {name: getattr(settings, name) for name in _naming(type(settings))}
    return {name: tuple(value) if isinstance(value, tuple) else (value,) for name, value in values.items() if value}


@cache
def _naming(model: type[BaseModel]) -> tuple[str, ...]:
    """The settings of a class that name nodes, found once: each check of a large estate is asked for its own."""
    return tuple(name for name, field in model.model_fields.items() if _names(field))


def _names(field: FieldInfo) -> bool:
    inner = (extra for part in get_args(field.annotation) for extra in getattr(part, "__metadata__", ()))
    return any(isinstance(extra, _NamesNode) for extra in (*field.metadata, *inner))


def _check_program(command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if command and info.context and "/" in command[0] and sort_of(local_path(command[0], info)) == "folder":
        raise ValueError(f"{command[0]!r} is a folder; write the path of a program in it")
    return command


class _Command:
    """Marks a setting that is a program and its arguments, which may hold secrets: they are not shown."""


Command = Annotated[Texts, Field(min_length=1), AfterValidator(_check_program), _Command()]


def is_command(field: FieldInfo) -> bool:
    """Whether a field is a program and its arguments."""
    return any(isinstance(extra, _Command) for extra in field.metadata)


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class TlsSettings(Settings):
    """TLS towards a node."""

    ca: ExistingFile | None = None
    """PEM file of the CAs to trust; the system's by default."""
    cert: ExistingFile | None = None
    """PEM file of our client certificate."""
    key: ExistingFile | None = None
    """PEM file of its private key."""
    server_name: Host | None = None
    """The name that the node's certificate must contain, if not its host."""


def tls_of(settings: TlsSettings | None) -> Tls | None:
    """TLS as the rooms below configuration know it."""
    return Tls(settings.ca, settings.cert, settings.key, settings.server_name) if settings else None


def _words_or_globs(words: Iterable[str]) -> patterns.Schema:
    return one_or_more({"anyOf": [{"enum": [*words]}, text(r".*[*?\[].*")]})


class Match(Settings):
    """Which checks something is meant for: each key a text, a list (any of) or a glob; all must hold."""

    model_config = ConfigDict(
        json_schema_extra={
            "patternProperties": {
                r"^labels\.": {"description": "A label of the node.", **one_or_more({"type": "string"})}
            }
        }
    )

    node: Texts = ()
    """Names of nodes."""
    check: Texts = ()
    """Names of checks."""
    probe: Texts = ()
    """Kinds of probes."""
    site: Texts = ()
    """Sites of nodes."""
    role: Texts = ()
    """Roles of nodes."""
    severity: Annotated[Texts, WithJsonSchema(_words_or_globs(Severity))] = ()
    """critical, warning or info."""
    presence: Annotated[Texts, WithJsonSchema(_words_or_globs(Presence))] = ()
    """always or intermittent."""
    labels: Mapping[str, Texts] = {}
    """Also written `labels.NAME: value`."""

    @model_validator(mode="before")
    @classmethod
    def _fold_labels(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        dotted = {key: value for key, value in data.items() if key.startswith("labels.")}
        if not dotted:
            return data
        plain = {key: value for key, value in data.items() if key not in dotted}
        labels = plain.get("labels", {})
        if not isinstance(labels, Mapping):
            return plain  # it is refused for that
        return plain | {"labels": {**labels, **{key.removeprefix("labels."): v for key, v in dotted.items()}}}

    def holds(self, facts: Mapping[str, str], labels: Mapping[str, str]) -> bool:
        """Whether every key given here matches; `facts` has the keys node, check, probe, site, role, …"""
        for key in ("node", "check", "probe", "site", "role", "severity", "presence"):
            wanted: tuple[str, ...] = getattr(self, key)
            if wanted and not any(fnmatchcase(facts.get(key, ""), pattern) for pattern in wanted):
                return False
        return all(
            any(fnmatchcase(labels.get(name, ""), pattern) for pattern in wanted)
            for name, wanted in self.labels.items()
        )
