"""What can be written of an Outcome: JSON, metrics and databases hold finite numbers and whole characters alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import chain
from math import isfinite

from pacs_monitor.model import Change, Outcome


def sanitized(outcome: Outcome) -> Outcome:
    """What JSON, metrics and a database can hold of it: measurements that are finite floats, and texts in Unicode."""
    measured = outcome.measurements
    if (
        all(_is_number(one.value) and all(_is_text(label[1]) for label in one.labels) for one in measured)
        and _is_text(outcome.detail)
        and (not outcome.changes or all(map(_is_text, chain(*outcome.changes))))
        and _are_texts(outcome.terminal)
    ):
        return outcome
    return replace(
        outcome,
        detail=_text(outcome.detail),
        measurements=tuple(
            replace(one, labels=tuple((name, _text(value)) for name, value in one.labels))
            for one in measured
            if _is_number(one.value)
        ),
        changes=tuple(Change(*map(_text, change)) for change in outcome.changes),
        terminal=tuple((_text(name), _text(fact)) for name, fact in outcome.terminal),
    )


@lru_cache(1024)
def _are_texts(facts: tuple[tuple[str, str], ...]) -> bool:
    """A peer has the same facts every time."""
    return all(map(_is_text, chain(*facts)))


def _is_text(text: str) -> bool:
    return text.isascii() or text == _text(text)


def _text(text: str) -> str:
    r"""With \udcfc for a lone surrogate, as JSON (RFC 8259 8.2) and names of files that are not UTF-8 may hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_number(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an int beyond all floats
        return False
