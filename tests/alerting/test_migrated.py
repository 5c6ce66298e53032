"""A database of the first alerting goes on without a repeated, a lost or a wrong page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ulid import ULID

from pacs_monitor.alerting.events import Happening, KnownAgain, Started, Transitioned
from pacs_monitor.alerting.restart import situation_of
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.alerting.timeline import Decided, Timeline
from pacs_monitor.config.estate import Estate, Route
from pacs_monitor.history import History
from pacs_monitor.model import (
    SECOND,
    CheckId,
    DeliveryStatus,
    IncidentKind,
    Micros,
    Node,
    Paging,
    Reason,
    Severity,
    State,
    Transition,
)
from tests.alerting.support import ARCHIVE, a_check, an_estate, at, route
from tests.history.conftest import HandClock
from tests.history.first_schema.loading import load

FAILED = ("told", "reminded", "shadow", "switched", "refused", "pending", "degraded", "unknown", "silenced", "full")
UNTOLD = ("untold", "off", "nowhere")
UNMEASURED = ("unmeasured-1", "unmeasured-2", "unmeasured-3")
PAGING = {"shadow": Paging.SHADOW, "off": Paging.OFF, "silenced": Paging.OFF}
RESTARTED = 360

Said = tuple[float, str, str, str, DeliveryStatus, int]
"""Seconds, event, node or cause, channel, status, page."""


def check(name: str) -> CheckId:
    return CheckId(name, "dicom_echo")


def the_estate() -> Estate:
    """That of the stored story, as it was last."""
    names = (*FAILED, *UNTOLD, *UNMEASURED)
    nodes = {name: Node(name, host="127.0.0.1") for name in names}
    like = a_check(ARCHIVE, Severity.CRITICAL)
    checks = [replace(like, id=check(name), node=nodes[name], paging=PAGING.get(name, Paging.ON)) for name in names]
    routes = (replace(route(node="nowhere"), channels=()), route("oncall", remind=100.0, node="reminded"))
    return replace(an_estate(checks, routes, Route(channels=("hook", "oncall"))), nodes=nodes)


class Went:
    """Alerting from the restart on."""

    def __init__(self, history: History, estate: Estate) -> None:
        self._history = history
        self.said: list[Said] = []
        self.opened: set[str] = set()
        self._estate, self._serial = estate, 0

    async def start(self) -> None:
        situation = situation_of(await self._history.restore(), self._estate.checks, at(RESTARTED))
        self._timeline = Timeline(Rules(self._estate), self._identity, situation)
        self.happen(RESTARTED, Started(at(RESTARTED - 5), untried=tuple(map(check, UNMEASURED))))

    def happen(self, seconds: float, what: Happening) -> None:
        self._heard(self._timeline.happen(at(seconds), what))

    def move(self, seconds: float, name: str, before: State, after: State) -> None:
        reason = None if after is State.UP else Reason.TCP_REFUSED
        moment = at(seconds)
        self.happen(seconds, Transitioned(Transition(check(name), before, after, moment, moment, moment, reason)))

    def until(self, seconds: float) -> None:
        self._heard(self._timeline.pass_until(at(seconds)))

    def _heard(self, decided: Iterator[Decided]) -> None:
        for one in decided:
            assert one.failure is None
            self.opened |= {incident.cause for incident in one.effects.incidents.values() if incident.version == 1}
            for owed in one.effects.owed:
                node = owed.incident.members[0].node if owed.incident.kind is IncidentKind.NODE else owed.incident.cause
                seconds = (owed.at - at(0)) / SECOND
                self.said.append(
                    (seconds, owed.event.removeprefix("incident."), node, owed.channel, owed.status, owed.page)
                )

    def _identity(self, _at: Micros) -> str:
        self._serial += 1
        return str(ULID.from_int((1 << 100) + (self._serial << 32)))


@pytest.fixture
async def went(tmp_path: Path) -> Went:
    url = f"sqlite:///{tmp_path}/pacs-monitor.db"
    load(url)
    clock = HandClock()
    clock.time = at(RESTARTED)
    history = History.open(url, "east-campus", clock)
    found = Went(history, the_estate())
    await found.start()
    history.close()
    return found


PENDING, SHADOW = DeliveryStatus.PENDING, DeliveryStatus.SHADOW
NO_TASK_FAILS_YET = [
    (RESTARTED, "resolved", "heartbeat", "hook", PENDING, 1),
    (RESTARTED, "resolved", "heartbeat", "oncall", PENDING, 1),
]
"""What failed again and again was a task of the process before."""


async def test_while_nothing_happens_only_what_is_due_is_said(went: Went) -> None:
    went.until(500)
    assert sorted(went.said) == [
        *NO_TASK_FAILS_YET,
        (390, "opened", "untold", "hook", PENDING, 1),
        (390, "opened", "untold", "oncall", PENDING, 1),
        (420, "changed", "dns", "hook", PENDING, 1),
        (420, "changed", "dns", "oncall", PENDING, 1),
        (450, "reminded", "reminded", "oncall", PENDING, 1),
    ]


async def test_what_was_down_and_goes_on_is_no_page_anew(went: Went) -> None:
    went.move(365, "degraded", State.DEGRADED, State.DOWN)
    went.move(366, "unknown", State.UNKNOWN, State.DOWN)
    went.until(380)
    assert sorted(went.said) == [
        *NO_TASK_FAILS_YET,
        (365, "changed", "degraded", "hook", PENDING, 1),
        (365, "changed", "degraded", "oncall", PENDING, 1),
        (366, "changed", "unknown", "hook", PENDING, 1),
        (366, "changed", "unknown", "oncall", PENDING, 1),
    ]
    assert went.opened == set()


async def test_each_opened_gets_its_end_where_it_went_and_nothing_else_does(went: Went) -> None:
    for name in (*FAILED, *UNTOLD):
        went.move(370, name, State.DOWN, State.UP)
    for name in UNMEASURED:
        went.happen(371, KnownAgain(check(name)))
    went.until(2000)
    ends = {(node, channel): status for _, event, node, channel, status, _ in went.said if event == "resolved"}
    assert ends == {
        (name, channel): SHADOW if name == "shadow" else PENDING
        for name in (*FAILED, "dns", "heartbeat")
        for channel in (("oncall",) if name == "reminded" else ("hook", "oncall"))
    }
    assert len(went.said) == len(ends)
