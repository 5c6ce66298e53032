"""How values are written: one regular expression for each type, by which the parser reads and editors check.

They keep to what Python and ECMA 262 (that of JSON Schema) read alike: no named groups, no look-behind, `[0-9]` for
digits. Where a pattern cannot say everything (the longest duration, a day that a month has), it takes what the parser
might take: an editor never refuses what `check-config` accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
BLANKS = " \t\r\n"
"""They may stand around values that have a unit."""
DURATION = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)"
PACE = (
    r"0*[1-9][0-9]{2,}(?:\.[0-9]+)?ms"
    r"|0*[1-9][0-9]*(?:\.[0-9]+)?s|0+\.[1-9][0-9]*s"
    r"|(?:0*[1-9][0-9]*(?:\.[0-9]+)?|0+\.0*[1-9][0-9]*)[mhd]"
)
"""Durations of at least 0.1 s."""
SIZE = r"([0-9]+(?:\.[0-9]+)?) ?([kMGTP]?B|[KMGTP]iB)"
PERCENT = r"(0*(?:100(?:\.0*)?|[0-9]{1,2}(?:\.[0-9]*)?|\.[0-9]+)) ?%"
"""From 0 to 100."""
AE_TITLE = r" *[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])? *"
"""PS3.5 6.2 (VR AE): 1 to 16 characters of printable ASCII, no backslash, blanks at its ends without meaning."""
DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
MOMENT = DAY + r"(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?"
NAME = r"[^\x00-/:-@\[-^`{-\x7f][^\x00-,/:-@\[-^`{-\x7f]*"
"""Letters of any script, digits and `_`, and further on also `-` and `.`; nothing else of ASCII."""
WEB_ADDRESS = r"https?://[^\s/]\S*"
GLOB = r".*[*?\[].*"
HOST = r"[^\s/\\@$\x00-\x1f\x7f]*"
HEADER_VALUE = r"(?:[!-~](?:[ \t!-~]*[!-~])?)?"
"""RFC 9110 5.5, in what everybody understands."""
HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A token by RFC 9110 5.6.2."""
LINE = r"[^\x00-\x1f\x7f-\x9f]*"
"""No line break, and no other control character."""
CALENDAR_FILE = rf"{LINE}\.ics"
TOKEN = r"[A-Za-z0-9._~+/-]+=*"  # noqa: S105 - RFC 6750 2.1
HOST_AND_PORT = (
    r"(?:[^:]+|\[.*):0*"
    r"(?:[0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
NETWORK = r"[0-9A-Fa-f:.]+(?:%[^/%]+)?(?:/[0-9.]+)?"
RECURRENCE = r"FREQ=[A-Z]+(?:;[A-Z]+=[^;\s]+)*"


def _list_of(value: str) -> str:
    """A field of crontab(5): values and ranges, with steps."""
    one = rf"(?:\*|(?:{value})(?:-(?:{value}))?)(?:/[0-9]+)?"
    return f"{one}(?:,{one})*"


_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY = map(
    _list_of,
    (
        "0*[0-5]?[0-9]",
        "0*(?:1?[0-9]|2[0-3])",
        "0*(?:[12]?[0-9]|3[01])|last",
        "0*1?[0-9]|[A-Za-z]{3}",
        "[0-7]|[A-Za-z]{3}",
    ),
)
CRON = rf"\s*{_MINUTE}\s+{_HOUR}\s+{_DAY}\s+{_MONTH}\s+{_WEEKDAY}\s*"
DATABASE = r"sqlite:///[\s\S]+|postgresql\+psycopg://[\s\S]*"
TIME_ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*"
VARIABLE = r"\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}"
"""What stands for a value that is known only when the file is read; `$$` is a dollar sign."""
TEXT = rf"(?:[^$]|\$(?![{{$])|{VARIABLE})*"
"""Any text, with its variables."""
WHOLE_NUMBER = r"\s*(?:0*[+-])?[0-9]+(?:_[0-9]+)*(?:\.0+)?\s*"
"""Zeros may even come before the sign: pydantic drops them."""
NUMBER = r"\s*[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?\s*"
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00"
_DAYS_OF_WEEK = f"{_DAYS}(?:-{_DAYS})?(?: {_DAYS}(?:-{_DAYS})?)*"
SPAN_OF_HOURS = rf"({_DAYS_OF_WEEK}) ({CLOCK})-({CLOCK})"
TIME_OF_WEEK = rf"(?:({_DAYS_OF_WEEK}) )?((?:[01]?[0-9]|2[0-3]):[0-5][0-9])"
TIMES = rf"\s*{TIME_OF_WEEK}\s*(?:,\s*{TIME_OF_WEEK}\s*)*"
"""`07:00`, `Mon-Fri 07:00`, several with commas."""
HOURS = rf"\s*24x7\s*|\s*{SPAN_OF_HOURS}\s*(?:,\s*{SPAN_OF_HOURS}\s*)*"


def _whatever_the_case(word: str) -> str:
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else letter for letter in word)


SWITCH = "|".join(map(_whatever_the_case, ("on", "off", "yes", "no", "true", "false", "y", "n", "t", "f", "1", "0")))


def text(pattern: str, *examples: str) -> Schema:
    """The JSON Schema of a text that is written so; `errorMessage` is what yaml-language-server says otherwise."""
    hints = {"examples": [*examples], "errorMessage": f"write it as {' or '.join(examples)}"} if examples else {}
    return {"type": "string", "pattern": f"^(?:{pattern})$", **hints}


def trimmed(pattern: str, *examples: str) -> Schema:
    """The same, where blanks may stand around it."""
    return text(f"[{BLANKS}]*(?:{pattern})[{BLANKS}]*", *examples)


def one_or_more(item: Mapping[str, Any], least: int = 0) -> Schema:
    """The JSON Schema of one value or a list of them."""
    return {"anyOf": [{**item}, {"type": "array", "items": {**item}} | ({"minItems": least} if least else {})]}


def one_of(*keys: str) -> Schema:
    """Exactly one of some keys must be given."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def at_least_one_of(*groups: tuple[str, ...]) -> Schema:
    """All keys of at least one group must be given."""
    return {"anyOf": [{"required": [*keys]} for keys in groups]}


def together(key: str, value: str, other: str, its_value: str | None = None) -> Schema:
    """A key has a value if, and only if, another one is given (and has one)."""
    here: Schema = {"properties": {key: {"const": value}}, "required": [key]}
    there: Schema = {"required": [other]}
    if its_value is not None:
        there["properties"] = {other: {"const": its_value}}
    return {"allOf": [{"if": here, "then": there}, {"if": there, "then": here}]}
