"""In which language a page is written: as configured, or else as the browser wishes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import get_args

from fastapi import Request
from markupsafe import Markup, escape

from pacs_monitor.config import MonitorSettings
from pacs_monitor.format.human import number, with_decimal_mark
from pacs_monitor.language import SOURCE, Language, _, _n, language
from pacs_monitor.messages.findings import finding
from pacs_monitor.messages.told import LONGEST, told

HEADER = "accept-language"
LANGUAGES: tuple[Language, ...] = get_args(Language)
LONGEST_SHOWN = 500
"""Characters of one text, as people may type: what a peer or a configuration says beyond that is in the API."""
MOST_RANGES = 20
"""Of a header, that are read."""


def language_of(request: Request, monitor: MonitorSettings) -> Language:
    """`monitor.language` where it is configured; otherwise what the browser asks for, English if we have none of it."""
    return monitor.language if "language" in monitor.model_fields_set else wished(request.headers.get(HEADER, ""))


def wished(header: str) -> Language:
    """The best of ours for an Accept-Language (RFC 9110 12.5.4), `de-AT` being German (RFC 4647 3.4)."""
    ranges = sorted(_ranges(header.split(",")[:MOST_RANGES]), key=lambda one: -one[1])
    for wanted, quality in ranges:
        for ours in LANGUAGES:
            if quality > 0 and wanted.partition("-")[0] == ours:
                return ours
    return SOURCE


def _ranges(parts: Iterable[str]) -> Iterable[tuple[str, float]]:
    """Language and quality; what is none is left out."""
    for part in parts:
        name, _semicolon, said = part.partition(";")
        try:
            yield name.strip().lower(), float(said.strip().removeprefix("q=") or 1)
        except ValueError:
            continue


def bounded(value: object) -> object:
    """What a page shows of a value: no text is so long that nobody finds what stands below it."""
    if isinstance(value, str) and not isinstance(value, Markup) and len(value) > LONGEST_SHOWN:
        return f"{value[:LONGEST_SHOWN]}…"
    return value


def said(text: str, /, **values: object) -> Markup:
    """`_` for templates: a value that is markup stays so, all else is escaped, the translation too."""
    if not values:
        return escape(_(text))
    shown = {name: bounded(value) for name, value in values.items()}
    try:
        return escape(_(text)).format(**shown)
    except (LookupError, ValueError):
        return escape(text).format(**shown)


def said_of_many(one: str, many: str, count: int, /, **values: object) -> Markup:
    """`_n` for templates."""
    shown = {"count": amount(count), **{name: bounded(value) for name, value in values.items()}}
    kept = {name: f"{{{name}}}" for name in shown}
    text = _n(one, many, count, **kept)
    try:
        return escape(text).format(**shown)
    except (LookupError, ValueError):
        return escape(one if count == 1 else many).format(**shown)


def amount(value: float) -> str:
    """`16,287`, `16.287` in German."""
    return number(value).translate(str.maketrans(".,", ",.")) if language() == "de" else number(value)


def share(written: str) -> str:
    """A percentage as the language has it: `99,93 %`."""
    return with_decimal_mark(written)


def lengths(proposed: Iterable[str], *, more: bool = False) -> list[tuple[str, str]]:
    """Durations that a form proposes, each with its words: `2h` and `2 hours`, or `2 hours more`."""
    words = [(value, _length(value)) for value in proposed]
    return [(value, _("{span} more", span=span)) for value, span in words] if more else words


def _length(text: str) -> str:
    count, unit = int(text[:-1]), text[-1]
    if unit == "h":
        return _n("{count} hour", "{count} hours", count)
    return _n("{count} day", "{count} days", count) if unit == "d" else f"{count} min"


def day(of: object) -> str:
    """A date of ISO 8601 as the language has it; what is none stays as it is."""
    try:
        return f"{date.fromisoformat(str(of)):%d.%m.%Y}" if language() == "de" else str(of)
    except ValueError:
        return str(of)


def found(detail: str) -> str:
    """What a probe found, where its form is known in this language."""
    return (finding(detail) or told(detail)) if len(detail) <= LONGEST else detail
