"""Three stories as `pacs-monitor incidents ID` prints them, through the real tables; the decision note shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from rich.text import Text

from pacs_monitor.alerting.pages import Pages
from pacs_monitor.cli import display
from pacs_monitor.cli.story import lines
from pacs_monitor.history import History, HistoryReader, Revision
from pacs_monitor.model import DeliveryResult, DeliveryStatus, Incident, Micros
from pacs_monitor.supervision import Supervisor
from pacs_monitor.web.story import beside, story
from tests.alerting.play import HEAD, Play, an_estate, at
from tests.alerting.test_parents import NETWORK
from tests.alerting.test_restored import CHECKS, Kept, entry_of
from tests.alerting.test_sites import ALL, NODES
from tests.history.conftest import HandClock

ROOT = Path(__file__).parents[2]
NOTE = ROOT / "docs" / "decisions" / "0034-alerting-as-one-function.md"
WHEN = display.reader_of_times("Europe/Berlin", at(3600))


class NothingSeen:
    """A board without checks."""

    entries: MappingProxyType[Any, Any] = MappingProxyType({})


def an_archive_that_is_refused_and_then_hangs(play: Play) -> None:
    play.move(100, "archive/tcp", "down", "tcp_refused").move(200, "archive/dicom_echo", "down", "tcp_refused")
    play.move(400, "archive/tcp", "up").move(420, "archive/dicom_echo", "down", "acse_timeout")
    play.move(900, "archive/dicom_echo", "up").until(2000)


def a_dead_parent_and_what_outlasts_it(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ("archive/dicom_echo", "archive/tcp"), "down")
    play.move(500, "fw/ping", "up").move(900, ("archive/dicom_echo", "archive/tcp"), "up").until(2000)


def a_site_that_comes_back_without_one_node(play: Play) -> None:
    play.move(100, ALL, "down").move(600, ALL[1:], "up").move(1200, ALL[:1], "up").until(3000)


async def told(folder: Path, nodes: str, plot: Callable[[Play], None], cause: str) -> list[str]:
    """Play it, record all of it, and read the story of the incident of this cause."""
    play = Kept(an_estate(folder, nodes, HEAD.replace("paging: on", "paging: on, timezone: Europe/Berlin")))
    plot(play)
    clock = HandClock()
    clock.time = at(0)
    history = History.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus", clock)
    await history.adopt(play.estate.checks, Revision(play.estate.revision))
    pages = Pages("east-campus", NothingSeen(), Supervisor())
    tries = [*[1] * 100, 4]
    for decided, _ in play.after:
        clock.time = decided.event.at
        entry = entry_of(decided)
        sent = pages.written(decided.effects.owed, play.estate, play.estate.checks, clock.time)
        await history.record(replace(entry, notifications=sent))
        clock.time += 2_000_000
        await history.record_results([DeliveryResult(one.id, DeliveryStatus.DELIVERED, tries.pop()) for one in sent])
    reader = history.reader
    (incident,) = [one for one in reader.incidents() if one.cause == cause]
    text = plain(read(reader, incident, clock.time))
    history.close()
    return text


def read(reader: HistoryReader, incident: Incident, now: Micros) -> list[str]:
    found = reader.incident(incident.id)
    assert found is not None
    return lines(story(found, beside(reader, incident, now)), WHEN)


def plain(text: list[str]) -> list[str]:
    """Identities are by chance: they become numbers."""
    known: dict[str, str] = {}

    def named(identity: re.Match[str]) -> str:
        return known.setdefault(identity[0], f"01…{len(known) + 1}")

    return [re.sub(r"\b01[0-9A-Z]{24}\b", named, Text.from_markup(one).plain) for one in text]


@pytest.mark.parametrize(
    ("nodes", "plot", "cause"),
    [
        (CHECKS, an_archive_that_is_refused_and_then_hangs, "unresponsive:archive@10.0.0.5:4242"),
        (NETWORK, a_dead_parent_and_what_outlasts_it, "unreachable:archive"),
        (f"nodes:\n{NODES}", a_site_that_comes_back_without_one_node, "unreachable:n1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_story_is_told_in_order_of_time_as_the_note_shows_it(
    tmp_path: Path, nodes: str, plot: Callable[[Play], None], cause: str
) -> None:
    text = "\n".join(await told(tmp_path, nodes, plot, cause))
    assert f"```\n{text}\n```" in NOTE.read_text()
