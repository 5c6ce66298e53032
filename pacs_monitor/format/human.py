"""Amounts, durations, times and names as people read them."""

from __future__ import annotations

import getpass
import os
from datetime import datetime, tzinfo
from hashlib import sha256

LONGEST = 64
_UNITS = ((172_800.0, 86_400.0, "d"), (3600.0, 3600.0, "h"), (60.0, 60.0, "min"), (1.0, 1.0, "s"), (0.001, 0.001, "ms"))
"""Seconds from which a unit is used, its length, and the unit: `26 h` rather than `1.08 d`."""


def byte_size(size: float) -> str:
    """Bytes: `1.5 GB`."""
    for power, prefix in ((5, "P"), (4, "T"), (3, "G"), (2, "M"), (1, "k")):
        if abs(size) >= 1000**power:
            return f"{_digits(size / 1000**power)} {prefix}B"
    return f"{size:.0f} B"


def duration(seconds: float) -> str:
    """Seconds: `3.5 h`; shorter than a millisecond as a fraction of one."""
    for least, length, unit in _UNITS:
        if abs(seconds) >= least:
            return f"{_digits(seconds / length)} {unit}"
    return f"{seconds * 1000:.2g} ms" if round(seconds, 6) else "0 s"


def percentage(ratio: float) -> str:
    """From 0 to 1: `23.7 %`."""
    return f"{_digits(ratio * 100)} %"


def number(value: float) -> str:
    """`16,287,300`, `3.86`: neither exponents nor needless digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else _digits(value)


def _digits(value: float) -> str:
    """Three of them, more where the whole part has more; nothing is smaller than a millionth."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0").rstrip(".")


def moment(seconds: float, zone: tzinfo) -> str:
    """Seconds since 1970 (UTC), by the clocks of a zone: `2026-11-24 12:00 CET`."""
    return f"{datetime.fromtimestamp(seconds, zone):%Y-%m-%d %H:%M %Z}"


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
    except (KeyError, OSError):
        return str(os.getuid())


def plain(text: str) -> str:
    """Lines for a terminal or a log: what a server or a file says moves no cursor there and changes no colour."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
