"""Amounts, durations, times and names as people read them."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_FLOOR, Decimal
from hashlib import sha256

from pacs_monitor.format.german import german_moment
from pacs_monitor.language import _n, language
from pacs_monitor.model import SECOND, Micros

LONGEST = 64
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
"""Seconds."""


def byte_size(size: float) -> str:
    """Bytes: `1.5 GB`."""
    for power, prefix in ((5, "P"), (4, "T"), (3, "G"), (2, "M"), (1, "k")):
        if abs(size) >= 1000**power:
            return f"{_digits(size / 1000**power)} {prefix}B"
    return f"{size:.0f} B"


def duration(seconds: float, *, exact: bool = False) -> str:
    """Seconds: `41.2 ms`, `16.3 s`; from a minute on the two largest units, `2 h 15 min`, or if `exact` all of them.

    In the language that is spoken: `16,3 s`, `2 d 3 h`.
    """
    if seconds < 0:
        return f"-{duration(-seconds, exact=exact)}"
    if seconds < 59.95:
        return with_decimal_mark(_below_a_minute(seconds))
    finest = 1 if exact or seconds < 3600 else 60 if seconds < 86_400 else 3600
    rest, parts = round(seconds / finest) * finest, list[str]()
    for length, unit in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(_n("{count} d", "{count} d", count) if unit == "d" else f"{count} {unit}")
    return " ".join(parts)


def _below_a_minute(seconds: float) -> str:
    if seconds >= 0.9995:
        return f"{_digits(seconds)} s"
    if seconds >= 0.001:
        return f"{_digits(seconds * 1000)} ms"
    return f"{seconds * 1000:.2g} ms" if round(seconds, 6) else "0 s"


def with_decimal_mark(number: str) -> str:
    """Of the language that is spoken."""
    return number.replace(".", ",") if language() == "de" else number


def percentage(ratio: float, decimals: int | None = None) -> str:
    """From 0 to 1: `23.7 %`; with `decimals`, rounded down, so that `100.000 %` means all of it."""
    if decimals is None:
        return f"{_digits(ratio * 100)} %"
    written = Decimal(repr(ratio)) * 100  # the shortest text that means this number: 0.999 is all of 99.9 %
    return f"{written.quantize(Decimal(1).scaleb(-decimals), ROUND_FLOOR)} %"


def number(value: float) -> str:
    """`16,287,300`, `3.86`: neither exponents nor needless digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else _digits(value)


def exact_percentage(part: int, whole: int, decimals: int = 2) -> str:
    """Of two amounts, rounded down whatever they are: never up over a target."""
    digits = part * 100 * 10**decimals // whole
    return f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}} %"


def _digits(value: float) -> str:
    """Three of them, more where the whole part has more; nothing is smaller than a millionth."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0").rstrip(".")


def moment(at: Micros, zone: tzinfo, now: Micros | None = None) -> str:
    """By the clocks of a zone: `Tue 2026-11-24 12:00:05 CET`; the time alone if `now` is given and on the same day.

    In German `Di 24.11. 12:00 Uhr`.
    """
    there, here = _in_zone(at, zone), None if now is None else _in_zone(now, zone)
    if language() == "de":
        return german_moment(there, here)
    return f"{there:%H:%M:%S %Z}" if here and here.date() == there.date() else f"{there:%a %Y-%m-%d %H:%M:%S %Z}"


def table_moment(at: Micros, zone: tzinfo) -> str:
    """The same for a table whose heading names the zone: `2026-11-24 12:00:05`."""
    return f"{_in_zone(at, zone):%Y-%m-%d %H:%M:%S}"


def _in_zone(at: Micros, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)


def label(name: str) -> str:
    """A name reported by a system, made fit for a label and a line: printable, of limited length, its end kept.

    A name that is cut, or whose characters cannot all be shown, keeps apart from others that would look alike.
    """
    plain = "".join(c if c.isprintable() else "?" for c in name)
    if plain == name and len(plain) <= LONGEST:
        return plain
    apart = f"…{sha256(name.encode(errors='replace')).hexdigest()[:6]}…"
    if len(plain) + len(apart) <= LONGEST:
        return plain + apart
    begin = (LONGEST - len(apart)) // 2
    return f"{plain[:begin]}{apart}{plain[len(apart) + begin - LONGEST :]}"


def pluralized(count: float, one: str, many: str = "") -> str:
    """`1 check`, `3 checks`, `1,250,000 checks`; `many` where it is not `one` with an s."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def items(count: float) -> str:
    """`1 item`, `3 items`."""
    return pluralized(count, "item")


def login_name() -> str:
    """Who runs this process; in a container it may be a number alone."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        if sys.platform == "win32":
            return "unknown"
        return str(os.getuid())


def plain(text: str) -> str:
    """Lines for a terminal or a log: what a server or a file says moves no cursor there and changes no colour."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
