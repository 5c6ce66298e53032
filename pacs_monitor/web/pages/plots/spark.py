"""The latest runs of a check in a line, for a row of the board: from memory, without a question to the record. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from pacs_monitor.format.human import duration
from pacs_monitor.language import _, _n
from pacs_monitor.model import Result, Status

STEP, HIGH, FEWEST = 4, 14, 3
"""Pixels from a run to the next; of the longest one; runs below which there is no line."""
_GOOD = (Status.OK, Status.WARN)


def spark(recent: Sequence[Result]) -> Markup:
    """A line from 0 to the longest run, broken where a run was not good; nothing where too few were."""
    good = [one.duration for one in recent if one.outcome.status in _GOOD]
    longest = max(good, default=0.0)
    if len(good) < FEWEST or longest <= 0:
        return Markup()
    path, marks, draws = "", "", "M"
    for n, one in enumerate(recent):
        if one.outcome.status in _GOOD:
            path += f"{draws}{n * STEP + 2} {HIGH + 1 - round(HIGH * one.duration / longest)}"
            draws = "L"
        else:
            draws = "M"
            marks += f"M{n * STEP + 2} {HIGH + 2}v-5"
    bad = len(recent) - len(good)
    words = _("{count} runs, {least} to {most}", count=len(recent), least=duration(min(good)), most=duration(longest))
    more = "; " + _n("{count} was not good", "{count} were not good", bad) if bad else ""
    drawn = Markup('<path class="p-bad" d="{}"/>').format(marks) if bad else ""
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}"><path class="p-line" d="{}"/>{}</svg>'
    ).format(words + more, 20 * STEP, HIGH + 2, path, drawn)
