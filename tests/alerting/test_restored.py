"""What was open and said is the same after a restart at any moment, through the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pacs_monitor.alerting.events import Transitioned, recorded
from pacs_monitor.alerting.restart import situation_of
from pacs_monitor.alerting.situation import Situation
from pacs_monitor.alerting.timeline import Decided
from pacs_monitor.history import History, Revision
from pacs_monitor.model import Entry, IncidentKind
from tests.alerting.play import Play, an_estate, at
from tests.alerting.test_parents import ARCHIVE, BOTH, NETWORK
from tests.alerting.test_sites import ALL, NODES
from tests.history.conftest import HandClock

CHECKS = """nodes:
  archive:
    host: 10.0.0.5
    dicom: {port: 4242, ae_title: ARCHIVE}
    checks:
      dicom_echo: {severity: critical}
      dicom_find: {page_after: 0s}
      tcp: {port: 4242}
      web: {probe: http, url: "http://10.0.0.5"}
"""


class Kept(Play):
    """A play that remembers the situation after each decision."""

    after: list[tuple[Decided, Situation]]

    def _sort(self, decided: Decided) -> None:
        self.after = [*getattr(self, "after", []), (decided, self.timeline.situation)]
        super()._sort(decided)


def one_cause_after_the_other(play: Play) -> None:
    play.move(100, "archive/tcp", "down").move(101, "archive/dicom_echo", "down", "dimse_timeout")
    play.move(130, "archive/dicom_find", "degraded", "too_few").move(300, "archive/dicom_echo", "down", "tcp_timeout")
    play.move(400, "archive/tcp", "up").move(420, "archive/tcp", "down", "tcp_timeout")
    play.move(500, ("archive/web", "archive/dicom_find"), "down", "tcp_refused")
    play.move(700, ("archive/tcp", "archive/dicom_echo", "archive/web", "archive/dicom_find"), "up").until(2000)


def a_dead_parent(play: Play) -> None:
    play.move(100, "fw/ping", "down").move(105, ARCHIVE, "down").move(300, BOTH, "down")
    play.move(500, "fw/ping", "up").move(600, BOTH, "up").move(700, ARCHIVE, "up").until(2000)


def a_lost_site(play: Play) -> None:
    play.move(100, ALL[:15], "down").move(300, ALL[15:], "down").move(600, ALL[3:], "up").move(900, ALL, "up").until(
        2000
    )


def entry_of(decided: Decided) -> Entry:
    what, effects = decided.event.what, decided.effects
    return Entry(
        (what.transition,) if isinstance(what, Transitioned) else (),
        tuple(effects.incidents.values()),
        (),
        tuple(effects.suppressed),
        tuple(effects.notified.values()),
        (recorded(decided.event),),
        tuple(effects.unreachable),
        tuple(effects.notes.values()),
    )


def memory(situation: Situation) -> dict[str, Any]:
    """What must outlive a restart; the order of problems makes no odds."""
    return {
        "subjects": {
            identity: replace(
                subject,
                due=0 if subject.incident.kind is IncidentKind.GROUP else subject.due,
                incident=replace(subject.incident, problems=tuple(sorted(subject.incident.problems, key=str))),
            )
            for identity, subject in situation.subjects.items()
        },
        "by_cause": {kind: set(causes) for kind, causes in situation.by_cause.items() if causes},
        "by_check": dict(situation.by_check),
        "by_node": dict(situation.by_node),
        "behind": dict(situation.behind),
        "failing": dict(situation.failing),
        "standings": dict(situation.standings),
        "asked": dict(situation.asked),
        "sites": {
            name: (site.suspect_until, dict(site.awaited), site.vanished)
            for name, site in situation.sites.items()
            if site.suspect_until or site.vanished
        },
    }


@pytest.mark.parametrize(
    ("nodes", "story"),
    [(CHECKS, one_cause_after_the_other), (NETWORK, a_dead_parent), (f"nodes:\n{NODES}", a_lost_site)],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_restart_at_any_moment_remembers_what_was_open_and_said(
    tmp_path: Path, nodes: str, story: Callable[[Play], None]
) -> None:
    estate = an_estate(tmp_path, nodes)
    play = Kept(estate)
    story(play)
    clock = HandClock()
    clock.time = at(0)
    history = History.open(f"sqlite:///{tmp_path}/pacs-monitor.db", "east-campus", clock)
    await history.adopt(estate.checks, Revision(estate.revision))
    for number, (decided, situation) in enumerate(play.after):
        clock.time = decided.event.at
        await history.record(entry_of(decided))
        if number % 3:
            continue
        restored = situation_of(await history.restore(), estate.checks, decided.event.at)
        wanted, found = memory(situation), memory(restored)
        found["standings"] = {c: s for c, s in found["standings"].items() if c in wanted["standings"]}
        assert found == wanted, decided.event
    history.close()
    assert not play.timeline.situation.subjects
