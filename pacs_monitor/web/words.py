"""What people say to the monitor: the JSON bodies of their writes, and who speaks.

A body of a verb is a class made of these, such as `class Pause(Limited, Matching)`. Whatever is wrong with one is
answered by 422 with sentences (web.refusals).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Annotated, Self

from fastapi import HTTPException, Request
from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from pacs_monitor.fields import Match, Settings, parse_duration
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.web.caller import CALLER, NOBODY
from pacs_monitor.when import parse_future

NO_PATIENTS = "No patient names or IDs."
"""Stands under each text that people type."""
LONGEST_NAME, LONGEST_LINE = 80, 500
"""Characters."""
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors, which choose between the looks of a character."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters, marks and symbols that nobody can see (of Unicode's Default_Ignorable_Code_Point), and the Braille blank."""
MOST_PATTERNS = 50
"""In one `match`: each is compared with every check."""


def printable(value: str) -> str:
    """One line, in composed characters (Unicode NFC), its blanks plain ones.

    Refused are control characters and line breaks, invisible characters, and those that change the direction of the
    text (Unicode UAX #9): by them a name could look like another one, or a line in a log like two. Raises ValueError.
    """
    text = _VARIANTS.sub("", unicodedata.normalize("NFC", value))
    line = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text).strip()
    bad = next((c for c in line if not c.isprintable() or c in _BLANK), None)
    if bad is not None:
        raise ValueError(f"type it anew, on one line: it contains the invisible character U+{ord(bad):04X}")
    return line


_PATIENT = re.compile(r"\w\^\w")
"""Family and given name as DICOM and HL7 write them (PS3.5 6.2, PN; HL7 v2 2A.3, XPN)."""


def without_patient(line: str) -> str:
    """Refuses what is obviously a patient's name; ValueError."""
    if _PATIENT.search(line):
        raise ValueError("leave the patient out: this contains a name as DICOM and HL7 write it (FAMILY^GIVEN)")
    return line


Line = Annotated[
    str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(printable), AfterValidator(without_patient)
]
"""A sentence that people type. No patient names or IDs."""
PersonName = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(printable)]


class Words(Settings):
    """What every word of an operator may say."""

    by: PersonName = ""
    """Who speaks; by default the token's name."""
    why: Line = ""
    """The reason, for colleagues. No patient names or IDs."""


class Limited(Words):
    """Words that hold for a time: `for` or `until`, not both."""

    for_: float | None = Field(None, alias="for", json_schema_extra={"type": "string", "examples": ["8h"]})
    """How long: 30m, 8h, 7d."""
    until: Annotated[str, StringConstraints(max_length=LONGEST_NAME)] | None = None
    """When it ends: 10:45, tomorrow 07:00, Mon 07:00, 2026-12-15 (to the end of that day) or a time by RFC 3339; what
    names no offset is in the monitor's time zone."""

    @field_validator("for_", mode="before")
    @classmethod
    def _duration(cls, value: object) -> float | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a duration; write it as text: 30m, 8h or 7d")
        seconds = parse_duration(value)
        if seconds <= 0:
            raise ValueError(f"{value!r} ends at once; write 30m, 8h or 7d")
        return seconds

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.for_ is not None and self.until is not None:
            raise ValueError("write either 'for' or 'until', not both")
        return self

    def ends(self, now: Micros, zone: tzinfo) -> Micros | None:
        """When it ends, later than now; None when nothing is said of that. HTTPException 422 when it cannot be so."""
        if self.for_ is not None:
            return now + round(self.for_ * SECOND)
        if self.until is None:
            return None
        return moment_of("until", partial(parse_future, self.until, now, zone, day_ends=True))


NOTHING = Words()


def moment_of(key: str, read: Callable[[], Micros]) -> Micros:
    """The time that a text says; HTTPException 422 that names its key where it says none."""
    try:
        return read()
    except ValueError as error:
        raise HTTPException(422, [f"{key}: {error}"]) from None


class Matching(Words):
    """Words that speak of many checks."""

    match: Match | None = None
    """Which checks: keys as of `match` in the configuration."""

    @field_validator("match")
    @classmethod
    def _bounded(cls, value: Match | None) -> Match | None:
        patterns = list(_patterns(value)) if value else []
        if len(patterns) > MOST_PATTERNS:
            raise ValueError(f"write at most {MOST_PATTERNS} patterns, or use a glob; these are {len(patterns)}")
        for pattern in patterns:
            if len(pattern) > LONGEST_NAME or printable(pattern) != pattern:
                raise ValueError(f"write patterns of at most {LONGEST_NAME} printable characters")
        return value


def _patterns(match: Match) -> Iterator[str]:
    for value in match.model_dump().values():
        if isinstance(value, dict):
            for name, patterns in value.items():
                yield from (name, *patterns)
        else:
            yield from value


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something: what is claimed, and what is known."""

    by: str
    """The name that was given; without one the token's."""
    token: str
    """The name of the token; "" without `auth`."""
    role: str
    """The token's role; "" without `auth`."""
    address: str
    """The peer's, as the connection has it."""

    def __str__(self) -> str:
        """For people: `it-duty, oncall (operator)`."""
        known = f"{self.token} ({self.role})" if self.token else ""
        claimed = "" if self.by == self.token else self.by
        return ", ".join(filter(None, (claimed, known))) or "the API"


def speaker(request: Request, by: str = "") -> Speaker:
    """Who speaks in a request; `by` is what it says itself."""
    token = request.scope.get(CALLER, NOBODY)
    return Speaker(by or token.name, token.name, token.role, request.client.host if request.client else "")
