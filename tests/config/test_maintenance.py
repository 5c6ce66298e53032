"""The section `maintenance`: what recurs for ever, never, or covers nothing is said at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pacs_monitor.config import ConfigError, load

HEAD = """monitor: {name: east, paging: off}
nodes: {archive: {host: 10.0.0.1, checks: {tcp: {port: 104}}}}
maintenance:
"""
WINDOW = '  - {name: patching, match: {MATCH}, start: "2026-01-11 02:00", duration: 2h}\n'.replace(
    "MATCH", "node: archive"
)


def said(folder: Path, window: str) -> list[str]:
    """Errors, else warnings."""
    file = folder / "monitor.yaml"
    file.write_text(HEAD + window)
    try:
        return [f"{one.line}: {one.path}: {one.message}" for one in load(file).warnings]
    except ConfigError as error:
        return [f"{one.line}: {one.path}: {one.message}" for one in error.problems]


def recurring(rule: str, duration: str = "2h") -> str:
    return WINDOW.replace("duration: 2h", f'duration: {duration}, rrule: "{rule}"')


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (WINDOW, ""),
        (recurring("FREQ=MONTHLY;BYDAY=2SU"), ""),
        (recurring("FREQ=YEARLY;COUNT=3"), ""),
        (recurring("FREQ=WEEKLY;UNTIL=20270101T000000Z"), ""),
        (recurring("FREQ=HOURLY"), "cannot recur by 'HOURLY'"),
        (recurring("FREQ=DAILY;INTERVAL=0"), "INTERVAL is 0"),
        (recurring("FREQ=DAILY;COUNT=3;UNTIL=20270101"), "both COUNT and UNTIL"),
        (recurring("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "never begins"),
        (recurring("FREQ=MONTHLY;BYDAY=9SU"), "never begins"),
        (recurring("FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"), "more than 13 times a day"),
        (recurring("FREQ=WEEKLY", "8d"), "would never end"),
        (recurring("FREQ=DAILY;FOO=3"), "is not a recurrence (RFC 5545 3.3.10)"),
        (recurring("FREQ=MONTHLY;BYDAY=3SU"), "leaves out the start; the first time is 2026-01-18 02:00"),
        (WINDOW.replace("node: archive", "role: archive"), "no check has role=archive; there are: none"),
        (WINDOW.replace("2h}", "2h, notify: desk}"), "desk"),
        (WINDOW.replace("2h}", "2h, counts: no, by: change 4711}"), ""),
        (WINDOW.replace("2h}", "2h, counts: yes}"), "write by: who says whether it counts"),
    ],
)
def test_a_window_is_fine_or_says_what_is_wrong(tmp_path: Path, window: str, words: str) -> None:
    found = said(tmp_path, window)
    assert len(found) == bool(words), found
    assert not found or (words in found[0] and found[0].startswith("4: maintenance[0]"))
