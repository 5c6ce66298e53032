"""Writes `rows.sql`: incidents in every state that the first alerting knew, made by that alerting itself.

Run it in a checkout of the last version that had the schema 0007 (the one before migration 0008):

    PYTHONPATH=. python generate.py > rows.sql
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ulid import ULID

from pacs_monitor.alerting import message
from pacs_monitor.alerting.policy import Dark, Decision, News, decide
from pacs_monitor.alerting.rules import Rules
from pacs_monitor.config.estate import Estate, Route
from pacs_monitor.delivery import ChannelTrouble
from pacs_monitor.fields import Match
from pacs_monitor.history import History, Revision
from pacs_monitor.history.tables import metadata
from pacs_monitor.model import (
    SECOND,
    CheckId,
    DeliveryResult,
    DeliveryStatus,
    DicomEndpoint,
    Entry,
    Event,
    Micros,
    Node,
    Notification,
    Paging,
    Reason,
    Severity,
    State,
    Transition,
    Withheld,
)
from tests.alerting.support import NODES, T0, a_check, an_estate, at

NAMES = (
    *("untold", "told", "reminded", "shadow", "switched", "refused", "pending", "degraded", "unknown", "off"),
    *("silenced", "nowhere", "ended", "brief", "unrouted", "unmeasured-1", "unmeasured-2", "unmeasured-3", "full"),
)
SHADOW, OFF = ("shadow", "switched"), ("off",)
FIRST_DOWN = (
    *("told", "reminded", "shadow", "switched", "refused", "pending", "degraded", "unknown", "off", "silenced"),
    *("nowhere", "ended", "unrouted", "full"),
)
NODES.update({name: Node(name, host="127.0.0.1", dicom=DicomEndpoint(104, "A", "B")) for name in NAMES})


def check(name: str) -> CheckId:
    return CheckId(name, "dicom_echo")


def estate(*, switched: bool = False, channels: tuple[str, ...] = ("hook", "oncall", "pager")) -> Estate:
    def paging(name: str) -> Paging:
        if switched and name in ("switched", "silenced"):
            return Paging.ON if name == "switched" else Paging.OFF
        return Paging.SHADOW if name in SHADOW else Paging.OFF if name in OFF else Paging.ON

    checks = [a_check(check(name), Severity.CRITICAL, paging=paging(name)) for name in NAMES]
    routes = (
        Route(Match.model_validate({"node": "nowhere"}), ()),
        Route(Match.model_validate({"node": "unrouted"}), ("pager", "hook") if "pager" in channels else ("hook",)),
        Route(Match.model_validate({"node": "reminded"}), ("oncall",), remind=100.0),
    )
    return an_estate(checks, routes, Route(channels=("hook", "oncall")), channels)


class HandClock:
    time: Micros = T0

    def now(self) -> Micros:
        return self.time

    def monotonic(self) -> float:
        return self.time / SECOND


class Run:
    """The first alerting, asked at times that we say, and recorded as its desk did it."""

    def __init__(self, history: History, clock: HandClock) -> None:
        self._history, self._clock = history, clock
        self._cases, self._numbers = {}, itertools.count(1)
        self._states = dict.fromkeys(NAMES, State.UP)
        self.estate = estate()
        self.dark: dict[CheckId, Dark] = {}
        self.failing: dict[str, ChannelTrouble] = {}
        self.faults: frozenset[str] = frozenset()

    def identity(self) -> str:
        return str(ULID.from_int(int(ULID.from_timestamp(T0 / SECOND)) >> 80 << 80 | next(self._numbers)))

    async def ask(self, now: float, after: State | None = None, *names: str, reason: Reason | None = None) -> None:
        self._clock.time = at(now)
        moved = tuple(self._moved(now, after, name, reason) for name in names if after is not None)
        news = News(moved, self.dark, failing=self.failing, faults=self.faults)
        decision = decide(self._cases, news, Rules(self.estate), at(now), self.identity)
        self._cases = decision.cases
        owed = tuple(self._owed(decision, at(now)))
        await self._history.record(Entry(moved, decision.incidents, owed, decision.withheld))
        results = [result for notification in owed if (result := self._result(notification)) is not None]
        if results:
            await self._history.record_results(results)

    def _moved(self, now: float, after: State, name: str, reason: Reason | None) -> Transition:
        before, self._states[name] = self._states[name], after
        why = None if after is State.UP else reason or Reason.TCP_REFUSED
        return Transition(check(name), before, after, at(now - 80), at(now - 20), at(now), why, None, "as it was seen")

    def _owed(self, decision: Decision, now: Micros) -> Iterator[Notification]:
        scene = message.Scene("east-campus", self.estate.monitor, self.estate.checks, {}, now)
        for number, due in enumerate(decision.dues):
            data = message.data(due.incident, due.event, scene)
            yield Notification(self.identity(), due.channel, due.event, now + number, data, due.incident.id, due.status)

    @staticmethod
    def _result(owed: Notification) -> DeliveryResult | None:
        if owed.status is not DeliveryStatus.PENDING or owed.data["node"] == "pending":
            return None
        refused = owed.data["node"] == "refused" and owed.channel == "hook" and owed.event is Event.OPENED
        status = DeliveryStatus.REFUSED if refused else DeliveryStatus.DELIVERED
        return DeliveryResult(owed.id, status, 1, "HTTP 400" if refused else "HTTP 200")


async def story(history: History, clock: HandClock) -> None:
    run = Run(history, clock)
    await history.adopt(run.estate.checks, Revision("0" * 64))
    await run.ask(100, State.DOWN, *FIRST_DOWN[:-1])
    await run.ask(100, State.DOWN, "full", reason=Reason.OUT_OF_RESOURCES)
    await run.ask(140)
    await run.ask(150, State.DOWN, "brief")
    await run.ask(160, State.UP, "brief")
    run.estate = estate(switched=True)
    await run.ask(200, State.DEGRADED, "degraded", "silenced")
    await run.ask(200, State.UNKNOWN, "unknown", reason=Reason.NOT_MEASURED)
    await run.ask(210, State.UP, "ended")
    await run.ask(250)
    run.dark = {check(name): Dark(at(-800), Reason.DNS) for name in ("unmeasured-1", "unmeasured-2")}
    await run.ask(300)
    run.dark[check("unmeasured-3")] = Dark(at(-790), Reason.DNS)
    await run.ask(310)
    run.failing = {"oncall": ChannelTrouble(at(260), "http_401")}
    await run.ask(320)
    run.faults = frozenset({"heartbeat"})
    await run.ask(330)
    run.estate = estate(switched=True, channels=("hook", "oncall"))
    await run.ask(340, State.UP, "unrouted")
    await run.ask(350, State.DOWN, "untold")


async def left_by_a_leader(history: History) -> Entry:
    """What a fenced leader of that version handed over: an incident that nobody else knows."""
    (told,) = (i for i in history.reader.incidents() if i.cause == str(check("told")))
    about = replace(told, id="01JD0000000000000000000001", cause=str(check("brief")), members=(check("brief"),))
    (opened, *_) = history.reader.notifications(incidents=[told.id])
    opened = replace(opened, id="01JD0000000000000000000002", incident=about.id, attempts=1)
    return Entry((), (about,), (opened,), (Withheld(about.id, Event.CHANGED, "paging off", at(350), "oncall"),))


def dump(file: Path) -> Iterator[str]:
    connection = sqlite3.connect(file)
    for table in metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        quoted = ", ".join(f'quote("{name}")' for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        for row in connection.execute(f"SELECT {quoted} FROM {table.name} ORDER BY rowid"):
            values = ", ".join(row)
            assert "\n" not in values
            yield f'INSERT INTO "{table.name}" ({names}) VALUES ({values});'
    connection.close()


async def main() -> None:
    from pacs_monitor.history.engines import parse, writing
    from pacs_monitor.history.orphans import hand_over

    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "first.db")
        history = History.open(f"sqlite:///{file}", "east-campus", clock)
        await story(history, clock)
        orphan = await left_by_a_leader(history)
        engine = writing(parse(f"sqlite:///{file}"))
        history.close()
        with engine.begin() as connection:
            hand_over(connection, "east-campus", [orphan], clock.now())
            connection.exec_driver_sql("UPDATE monitors SET host = 'monitor-1', pid = 1")
        engine.dispose()
        print("\n".join(dump(file)))


if __name__ == "__main__":
    asyncio.run(main())
