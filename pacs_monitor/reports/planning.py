"""Since when it was known what had been planned for windows of maintenance, by the configurations and by what was said.

It needs alerting, whole, which takes a while to import: only a period with windows does so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from ulid import ULID

from pacs_monitor.alerting.events import restored
from pacs_monitor.alerting.planned import Planned
from pacs_monitor.alerting.words import Extend, Finish
from pacs_monitor.alerting.words import Plan as Added
from pacs_monitor.evidence import NO, YES, About, Statement, What
from pacs_monitor.history import HistoryReader
from pacs_monitor.model import SECOND, Micros
from pacs_monitor.reports.plans import Plan
from pacs_monitor.reports.reign import Reign

WORDS = ("maintenance_add", "maintenance_extend", "maintenance_end")
BEFORE = 60 * SECOND
"""A window is named shortly before its word is recorded."""


def planned(
    reigns: Iterable[Reign], reader: HistoryReader, windows: Mapping[str, Micros], until: Micros
) -> dict[str, Plan]:
    """Of these windows, each with when it began to count; one that came from a change calendar has none.

    By the configurations, and by what was said until then.
    """
    found: dict[str, Plan] = {}
    first, last = min(windows.values()), max(windows.values())
    for reign in reigns:
        zone = ZoneInfo(reign.said.timezone)
        for window in Planned(reign.said.maintenance, zone).between(first, last):
            if window.id in windows and window.id not in found:
                found[window.id] = Plan(window.start, window.end, reign.revision.at, window.by)
    for at, word in _words(reader, min(first, *map(_made, windows)), until):
        if isinstance(word, Added):
            if word.window.id in windows:
                found[word.window.id] = Plan(word.window.start, word.window.end, at, word.window.by)
        elif (plan := found.get(word.window)) is not None:
            if isinstance(word, Extend):
                plan.extended.append((at, word.until))
            else:
                plan.ended = at
    return found


def counting(reigns: Sequence[Reign], windows: Mapping[str, Micros]) -> dict[str, Statement]:
    """What the configuration says of these windows (each with when it began to count), as the last one has it."""
    found: dict[str, Statement] = {}
    if all(one.counts is None for reign in reigns for one in reign.said.maintenance):
        return found
    first, last = min(windows.values()), max(windows.values())
    for reign in reigns:
        zone, at = ZoneInfo(reign.said.timezone), reign.revision.at
        for one in reign.said.maintenance:
            for window in Planned([one], zone).between(first, last):
                found.pop(window.id, None)
                if window.id in windows and one.counts is not None:
                    value = YES if one.counts else NO
                    found[window.id] = Statement("", About.WINDOW, window.id, What.COUNTS, at, one.by, None, value)
    return found


def _words(reader: HistoryReader, start: Micros, until: Micros) -> Iterator[tuple[Micros, Added | Extend | Finish]]:
    for row in reader.events(start - BEFORE, until, WORDS):
        try:
            what = restored(row).what
        except (KeyError, ValidationError):
            continue
        if isinstance(what, Added | Extend | Finish):
            yield row.at, what


def _made(window: str) -> Micros:
    """The time in a ULID: when it was made, or of the configuration when the window begins."""
    return int(ULID.from_str(window).timestamp * SECOND)
