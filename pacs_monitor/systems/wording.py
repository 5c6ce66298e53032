"""Amounts, spans and names of systems as people read them."""

from __future__ import annotations

LONGEST = 64
_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def amount(size: float) -> str:
    """Bytes: `1.5 GB`."""
    for power, prefix in ((5, "P"), (4, "T"), (3, "G"), (2, "M"), (1, "k")):
        if size >= 1000**power:
            return f"{size / 1000**power:.3g} {prefix}B"
    return f"{size:.0f} B"


def span(seconds: float) -> str:
    """Seconds: `3.5 h`."""
    for length, unit in _SPANS:
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s"


def label(name: str) -> str:
    """A name that a system tells, fit for a label and a line: printable and not endless."""
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def items(count: float) -> str:
    """`1 item`, `3 items`."""
    return f"{count:g} item" if count == 1 else f"{count:g} items"
