"""What `pacs-monitor probe` prints of an outcome, and what must never stand in it."""

from __future__ import annotations

import re
import time

from rich.text import Text

from pacs_monitor.cli import results
from pacs_monitor.cli.measured import TimeFormat
from pacs_monitor.model import SECOND, CheckId, Outcome, Result

NOISE = {
    "a tail of digits": re.compile(r"(?<![\d.])\d+\.\d{5,}(?![\d.])"),
    "an exponent": re.compile(r"\de[+-]\d"),
    "Python": re.compile(r"\b(None|True(?! Color)|False|Errno|Traceback)\b|<class|\w\(\w+=|\b\w+Error\b"),
    "a raw time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d|(?<![\d.])1[67]\d{8}(?![\d.])"),
    "a word twice": re.compile(r"^(?!.*: ).*\b([a-z]{2,}) \1\b"),
}


def printed(kind: str, outcome: Outcome) -> list[str]:
    """The lines on the terminal."""
    now = round(time.time()) * SECOND
    row = Result(CheckId("node", "check"), kind, outcome, now, 0.1).as_json()
    lines = results.result(row, outcome.terminal, TimeFormat("Europe/Berlin", now))
    return [Text.from_markup(line).plain for line in lines]


def illegible(lines: list[str]) -> list[tuple[str, str]]:
    """Lines that a tired administrator would read twice, and why."""
    empty = [("nothing", line) for line in lines if not line.strip()]
    return empty + [(what, line) for line in lines for what, pattern in NOISE.items() if pattern.search(line)]
