"""The page about alerting says what the code does: its diagram, reasons, classes and times."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pacs_monitor.alerting import flapping, holds, notify, sites, storms, vanished
from pacs_monitor.alerting.advance import GAP
from pacs_monitor.alerting.rules import REACHABILITY
from pacs_monitor.alerting.suppress import words
from pacs_monitor.config.sections import OPENINGS_PER_MINUTE
from pacs_monitor.model import BEHIND_PARENT, SECOND, FailureClass, Reason, failure_class

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "alerting.md").read_text()
NOT_ABOUT_AN_INCIDENT = {"Event.DIGEST", "Event.TEST"}


def drawn(option: str) -> str:
    script = [sys.executable, str(ROOT / "scripts" / "draw-incident"), option]
    return subprocess.run(script, capture_output=True, text=True, check=True).stdout


def test_the_life_of_an_incident_is_drawn_from_the_code() -> None:
    assert drawn("--print") in PAGE, "run scripts/draw-incident"


def test_every_event_ending_and_reason_is_in_the_picture_or_known_to_be_elsewhere() -> None:
    assert set(drawn("--unused").split()) == NOT_ABOUT_AN_INCIDENT


def test_every_reason_for_a_suppression_is_explained() -> None:
    assert drawn("--reasons") in PAGE, "run scripts/draw-incident"
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Suppression")[2].partition("\n## ")[0], re.MULTILINE)
    assert rows[0] == "why"
    assert sorted(rows[1:]) == sorted(words())


def test_the_classes_have_the_reasons_that_the_page_says() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.partition("## What is one incident")[2], re.MULTILINE))
    for kind in (FailureClass.UNREACHABLE, FailureClass.UNRESPONSIVE):
        said = set(re.findall(r"`(\w+)`", rows[kind]))
        said |= {reason for reason in Reason if "`tcp_*`" in rows[kind] and reason.startswith("tcp_")}
        assert said == {reason for reason in Reason if failure_class(reason, "tcp") is kind}
    for reason in BEHIND_PARENT:
        assert f"`{reason}`" in PAGE.partition("explains ")[2].partition("\n- ")[0]


def test_the_times_and_numbers_are_those_in_force() -> None:
    assert (notify.GATHERING, notify.JOINING, holds.SUSPECT_FOR) == (60 * SECOND, 300 * SECOND, 60 * SECOND)
    assert (sites.LEAST, vanished.VANISHED, vanished.VANISH_WITHIN, GAP) == (3, 5, 120 * SECOND, 60 * SECOND)
    assert (flapping.FAILURES, flapping.WITHIN, flapping.CALM_AFTER) == (5, 3600 * SECOND, 1800 * SECOND)
    assert (storms.GATHER, storms.MINUTE, OPENINGS_PER_MINUTE) == (10 * SECOND, 60 * SECOND, 20)
    kinds = PAGE.partition("That check\nis its ")[2].partition(", whichever")[0]
    assert tuple(re.findall(r"`(\w+)`", kinds)) == REACHABILITY
