"""A quarter of a small hospital, recorded as a daemon would: what its report says can be worked out by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pacs_monitor.alerting.events import Event
from pacs_monitor.alerting.events import recorded as recorded_event
from pacs_monitor.alerting.words import Plan
from pacs_monitor.config import canonical
from pacs_monitor.fields import Match
from pacs_monitor.history import HeartbeatBatch, History, Revision, Runs
from pacs_monitor.model import SECOND, CheckId, Entry, Maintained, Micros, Reason, State, Transition, Unreachable
from pacs_monitor.windows import Window
from tests.history.conftest import HandClock
from tests.history.things import incident
from tests.support.estates import loaded

ZONE = "Europe/Berlin"
HOUR = 3600 * SECOND
ECHO, STORE = CheckId("archive", "dicom_echo"), CheckId("archive", "dicom_store")
WORKLIST, CT, MR = CheckId("ris", "dicom_worklist"), CheckId("ct-1", "dicom_echo"), CheckId("mr-1", "dicom_echo")
CHECKS = (ECHO, STORE, WORKLIST, CT, MR)
ESTATE = """
monitor: {name: east-campus, timezone: Europe/Berlin}
default_route: {channels: []}
calendars:
  core: {hours: "Mon-Fri 06:00-20:00"}
  rest: {not: core}
sites: {east: {title: East campus}}
nodes:
  archive:
    title: Main archive
    site: east
    role: archive
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    checks:
      dicom_echo: {interval: 60s, severity: critical}
      dicom_store:
        interval: 5m
        enabled_by: change 4711
        severity: critical
        verify: none
        cleanup: retention
        identity: {patient_id: ZZTEST, patient_name: ZZTEST^PACSMON}
  ris:
    title: RIS worklist
    site: east
    role: ris
    host: 10.0.0.2
    dicom: {port: 104, ae_title: RIS}
    checks: {dicom_worklist: {interval: 60s}}
  ct-1:
    title: CT 1
    site: east
    role: modality
    host: 10.0.0.3
    dicom: {port: 104, ae_title: CT1}
    checks: {dicom_echo: {interval: 60s}}
  mr-1:
    title: MR 1
    site: east
    role: modality
    host: 10.0.0.4
    dicom: {port: 104, ae_title: MR1}
    checks: {dicom_echo: {interval: 60s}}
report:
  parties:
    - {role: customer, name: East Campus Hospital, address: "1 Hospital Road, Easton", signed_by: "Dr. A. Weber"}
    - {role: provider, name: Acme Imaging Ltd, address: "2 Vendor Street, Weston"}
  operated_by: IT department, East Campus Hospital
services:
  archive-service: {all: [archive/dicom_echo, archive/dicom_store]}
  reading: {all: [archive-service, ris/dicom_worklist], impact: no reading}
objectives:
  - name: PACS availability
    service: archive-service
    availability: 99.9%
    per: quarter
    counts: attributable
    notice: 7d
    contract: SLA 4.2
  - name: Reading in support hours
    service: reading
    allowed: 26m
    per: month
    calendar: core
    counts: felt
    contract: SLA 4.3
    consequence: 3 % of a monthly fee for each 10 min begun beyond 26 min
  - {name: Modalities, match: {role: modality}, availability: 99%, per: quarter}
"""


def at(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> Micros:
    return round(datetime(2026, month, day, hour, minute, second, tzinfo=ZoneInfo(ZONE)).timestamp()) * SECOND


class Trouble(NamedTuple):
    """A check in a state for a time."""

    check: CheckId
    start: Micros
    end: Micros
    state: State = State.DOWN
    reason: Reason | None = Reason.TCP_REFUSED


TROUBLE = (
    Trouble(STORE, at(7, 10, 3), at(7, 10, 3, 44), reason=Reason.OUT_OF_RESOURCES),
    Trouble(WORKLIST, at(7, 21, 9), at(7, 21, 9, 31)),
    Trouble(ECHO, at(8, 9, 2, 10), at(8, 9, 3, 10)),
    Trouble(STORE, at(8, 9, 2, 10), at(8, 9, 3, 10)),
    Trouble(CT, at(8, 20, 7), at(8, 20, 16, 30)),
    Trouble(MR, at(8, 25, 11), at(8, 25, 13), reason=Reason.TCP_TIMEOUT),
    Trouble(STORE, at(9, 2, 8), at(9, 2, 22, 20), State.DEGRADED, Reason.SLOW),
    Trouble(ECHO, at(9, 13, 3, 30), at(9, 13, 4, 12)),
    Trouble(STORE, at(9, 13, 3, 30), at(9, 13, 4, 12)),
    Trouble(MR, at(9, 22), at(9, 24), reason=Reason.TCP_REFUSED),
)
PROVIDER = "Acme Imaging Ltd"
WINDOWS = (
    ("01J00000000000000000000001", "archive patching", at(8, 9, 2), at(8, 9, 4), date(2026, 7, 20)),
    ("01J00000000000000000000002", "storage firmware", at(9, 13, 2), at(9, 13, 4), date(2026, 9, 1)),
)
DARK = (at(8, 2, 4), at(8, 2, 10))
"""When the monitor did not run."""
GOODS = at(6, 20)


def opened(folder: Path, clock: HandClock) -> History:
    """Heartbeats may be a day apart."""
    return History.open(f"sqlite:///{folder}/pacs-monitor.db", "east-campus", clock, gap=25 * HOUR)


async def recorded(folder: Path, until: Micros, trouble: Sequence[Trouble] = TROUBLE) -> tuple[History, HandClock]:
    """The record from the middle of June on, with a heartbeat a day."""
    clock = HandClock()
    clock.time = GOODS
    history = opened(folder, clock)
    estate = loaded(folder, ESTATE)
    await history.adopt(CHECKS, Revision("a1b2c3d4e5f6", "it-duty", "", canonical(estate)))
    up = [Transition(check, State.UNKNOWN, State.UP, None, GOODS, GOODS + SECOND) for check in CHECKS]
    await history.record(Entry(tuple(up)))
    for when, entry in sorted([*entries(trouble), *_windows()], key=lambda item: item[0]):
        if when < until:
            if clock.time < DARK[0] <= when:
                await live(history, clock, DARK[0])
                history.close()
                clock.time = DARK[1]
                history = opened(folder, clock)
            await live(history, clock, when)
            await history.record(entry)
    await live(history, clock, until)
    return history, clock


def entries(trouble: Sequence[Trouble]) -> list[tuple[Micros, Entry]]:
    """What is recorded of it, and when."""
    found = []
    for check, start, end, state, reason in trouble:
        began = Transition(check, State.UP, state, start - 60 * SECOND, start, start + 30 * SECOND, reason)
        ended = Transition(check, state, State.UP, end - 10 * SECOND, end, end + 10 * SECOND)
        about = incident(start, members=(check,), last_good=start - 60 * SECOND)
        found += [
            (start + 30 * SECOND, Entry((began,), (about,) if state is State.DOWN else ())),
            (end + 10 * SECOND, Entry((ended,))),
        ]
        if reason is Reason.TCP_TIMEOUT:
            behind = Unreachable(check, "core-switch", start, None)
            found += [(start + 31 * SECOND, Entry(unreachable=(behind,)))]
            found += [(end + 11 * SECOND, Entry(unreachable=(behind._replace(until=end),)))]
    return found


def _windows() -> list[tuple[Micros, Entry]]:
    found = []
    for window, name, start, end, announced in WINDOWS:
        spans = [Maintained(check, window, start, None, name, announced) for check in (ECHO, STORE)]
        said = round(datetime(announced.year, announced.month, announced.day, 9, tzinfo=ZoneInfo(ZONE)).timestamp())
        plan = Plan(Window(window, name, Match(node=("archive",)), start, end, by=PROVIDER))
        found += [(said * SECOND, Entry(events=(recorded_event(Event(f"01J{said:023}", said * SECOND, plan)),)))]
        found += [(start, Entry(maintained=tuple(spans)))]
        found += [(end, Entry(maintained=tuple(span._replace(until=end) for span in spans)))]
    return found


def trouble_began(check: CheckId, start: Micros) -> Entry:
    """It is down from then on."""
    return entries([Trouble(check, start, start + HOUR)])[0][1]


async def live(history: History, clock: HandClock, until: Micros) -> None:
    """Heartbeats up to a time."""
    while clock.time < until:
        clock.time = min(clock.time + 24 * HOUR, until)
        runs = {check: Runs(ok=1440, fail=1, brief=1) for check in CHECKS}
        await asyncio.wrap_future(history.beat(HeartbeatBatch(clock.time, runs=runs)))
