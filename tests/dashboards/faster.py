"""The rules of rules/ for a test that cannot wait for minutes."""

from __future__ import annotations

import re
from pathlib import Path

from tests.dashboards.queries import RULE_FILES

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
ONE = r"\d+[smhd]"
DURATION = re.compile(rf"(?<=for: ){ONE}\b|(?<=offset ){ONE}\b|(?<=\[){ONE}(?::{ONE})?(?=\])")
"""What `for` and `offset` say, and ranges with their resolution."""


def faster(folder: Path, times: int) -> tuple[Path, ...]:
    """Copies of the rules in `folder`, in which every duration is `times` as short; all else is as it was.

    `for`, ranges and offsets alone: thresholds are not durations of a rule, also where they are seconds.
    """
    copies = []
    for file in RULE_FILES:
        copy = folder / file.name
        copy.write_text(DURATION.sub(lambda found: _shorter(found[0], times), file.read_text()))
        copies.append(copy)
    return tuple(copies)


def _shorter(durations: str, times: int) -> str:
    """`30d:1h` as `43200s:60s`."""
    seconds = [int(each[:-1]) * UNITS[each[-1]] // times for each in durations.split(":")]
    return ":".join(f"{max(1, each)}s" for each in seconds)
