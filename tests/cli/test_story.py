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

from pacs_monitor.alerting.events import Reloaded, SiteCut, SiteReached, Started
from pacs_monitor.alerting.latest import LatestChanges
from pacs_monitor.alerting.pages import Pages
from pacs_monitor.alerting.words import Acknowledge, Remark
from pacs_monitor.cli import display
from pacs_monitor.cli.story import lines
from pacs_monitor.history import History, HistoryReader, Revision
from pacs_monitor.model import DeliveryResult, DeliveryStatus, Ending, Incident, IncidentKind, Micros
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


async def told(folder: Path, nodes: str, plot: Callable[[Play], None]) -> list[tuple[Incident, list[str]]]:
    """Play it, record all of it, and read the story of each incident, the oldest first."""
    play = Kept(an_estate(folder, nodes, HEAD.replace("paging: on", "paging: on, timezone: Europe/Berlin")))
    plot(play)
    clock = HandClock()
    clock.time = at(0)
    history = History.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus", clock)
    await history.adopt(play.estate.checks, Revision(play.estate.revision))
    pages = Pages("east-campus", NothingSeen(), Supervisor(), LatestChanges())
    tries = [*[1] * 100, 4]
    for decided, _ in play.after:
        clock.time = decided.event.at
        entry = entry_of(decided)
        sent = pages.written(decided.effects, play.estate, play.estate.checks, clock.time)
        await history.record(replace(entry, notifications=sent))
        clock.time += 2_000_000
        await history.record_results([DeliveryResult(one.id, DeliveryStatus.DELIVERED, tries.pop()) for one in sent])
    reader = history.reader
    stories = [(one, plain(read(reader, one, clock.time))) for one in reversed(reader.incidents())]
    history.close()
    return stories


def read(reader: HistoryReader, incident: Incident, now: Micros) -> list[str]:
    found = reader.incident(incident.id)
    assert found is not None
    return lines(story(found, beside(reader, incident, now), now), WHEN)


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
    (text,) = [story for incident, story in await told(tmp_path, nodes, plot) if incident.cause == cause]
    assert "```\n{}\n```".format("\n".join(text)) in NOTE.read_text()


def one_that_is_absorbed(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "acse_timeout").move(110, "archive/tcp", "down", "tcp_timeout")
    play.move(125, "archive/dicom_echo", "down", "tcp_timeout")
    play.move(500, ("archive/tcp", "archive/dicom_echo"), "up").until(1000)


async def test_one_that_was_absorbed_and_the_one_that_absorbed_it_name_each_other(tmp_path: Path) -> None:
    (merged, its), (_, others) = await told(tmp_path, CHECKS, one_that_is_absorbed)
    assert merged.ending is Ending.MERGED
    assert its[-1] == "  17:02:05 CET  incident ends: merged into incident 01…1"
    assert "  17:02:05 CET  incident 01…1 (unreachable:archive) becomes part of this one: the same cause" in others


def two_that_are_linked(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "acse_timeout").move(110, "archive/tcp", "down", "tcp_timeout")
    play.move(300, "archive/dicom_echo", "down", "tcp_timeout")
    play.move(500, ("archive/tcp", "archive/dicom_echo"), "up").until(1000)


async def test_two_that_are_linked_name_each_other(tmp_path: Path) -> None:
    for incident, text in await told(tmp_path, CHECKS, two_that_are_linked):
        assert len(incident.linked) == 1
        linked = "linked with incident 01…1: the same cause (unreachable:archive), both were notified of"
        assert f"  17:05:00 CET  {linked}" in text


async def test_the_story_of_a_group_names_the_incidents_for_which_it_stands(tmp_path: Path) -> None:
    every = await told(tmp_path, f"nodes:\n{NODES}", a_site_that_comes_back_without_one_node)
    (text,) = [story for incident, story in every if incident.kind is IncidentKind.GROUP]
    assert len([line for line in text if "stands for incident" in line]) == len(ALL)
    assert len([line for line in text if "up → down" in line]) == len(ALL)
    assert text[-2].endswith("incident ends: resolved")
    assert "to hook: group resolved, delivered" in text[-1]


def a_site_behind_a_link(play: Play) -> None:
    play.tell(95, SiteCut("west", at(90))).move(100, ALL, "down").tell(600, SiteReached("west"))
    play.move(610, ALL, "up").until(2000)


async def test_what_was_seen_of_the_link_belongs_to_the_story_of_the_site(tmp_path: Path) -> None:
    every = await told(tmp_path, f"nodes:\n{NODES}", a_site_behind_a_link)
    (text,) = [story for incident, story in every if incident.kind is IncidentKind.GROUP]
    cut = "site west cannot be reached from ours since 17:01:30 CET: its references do not answer"
    assert text[0] == f"  17:01:35 CET  {cut}"
    assert "  17:10:00 CET  site west can be reached from ours again, or nothing tells any more" in text


def the_monitor_itself(play: Play) -> None:
    play.move(100, "archive/tcp", "down").tell(200, Started(at(150))).tell(210, Reloaded("0123456789abcdef"))
    play.move(300, "archive/tcp", "up").until(1000)


async def test_restarts_and_reloads_belong_to_the_story(tmp_path: Path) -> None:
    ((_, text),) = await told(tmp_path, CHECKS, the_monitor_itself)
    assert "  17:03:20 CET  the monitor starts; it was off since 17:02:30 CET" in text
    assert "  17:03:30 CET  the configuration is reloaded (revision 0123456789ab)" in text


def an_archive_that_people_speak_of(play: Play) -> None:
    play.move(100, "archive/dicom_echo", "down", "acse_timeout").until(200)
    incident = play.heard[-1].incident.id
    play.tell(240, Remark(incident, "it-duty", "vendor called"))
    play.tell(300, Remark(incident, "it-duty", "Images are delayed", public=True, next_update=at(600)))
    play.tell(700, Remark(incident, "second", "Images come again", public=True)).tell(
        800, Acknowledge(incident, "second")
    )
    play.move(900, "archive/dicom_echo", "up").until(2000)


async def test_what_people_said_is_in_the_story_and_an_update_that_did_not_come(tmp_path: Path) -> None:
    ((_, text),) = await told(tmp_path, CHECKS, an_archive_that_people_speak_of)
    said = [" ".join(line.split()[1:]) for line in text]
    assert [line for line in said if line.startswith(("CET it-duty", "CET second", "CET no update"))] == [
        "CET it-duty notes: vendor called",
        "CET it-duty notes for the public: Images are delayed (next update 17:10:00 CET)",
        "CET no update came, which was promised for 17:10:00 CET",
        "CET second notes for the public: Images come again",
        "CET second acknowledges it",
    ]
