"""Approvals end with a day where the monitor stands; they are listed before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pacs_monitor.approvals import DAY, Approval, ending
from pacs_monitor.engine.runner import Runner
from pacs_monitor.model import SECOND, CheckId, Micros, Reason
from tests.engine.support import OK, Asking, NumericResolver, a_check, fine
from tests.support.clock import SettableClock
from tests.support.estates import loaded

AUCKLAND = ZoneInfo("Pacific/Auckland")


class Writing(Asking):
    writes = True


def at(text: str) -> Micros:
    return round(datetime.fromisoformat(text).replace(tzinfo=AUCKLAND).timestamp()) * SECOND


END = at("2026-12-01T00:00")
STORE = replace(a_check("archive/store", timeout=10.0), probe=Writing(fine), enabled_by="change 4711", until=END)


def test_those_that_end_soon_and_those_that_have_ended_are_listed_the_earliest_first() -> None:
    later = replace(STORE, id=CheckId("archive", "later"), until=END + DAY)
    checks = [later, STORE, a_check()]
    assert ending(checks, END - 31 * DAY, 30, AUCKLAND) == ()
    (soon,) = ending(checks, END - 30 * DAY, 30, AUCKLAND)
    assert soon == Approval(STORE.id, "change 4711", date(2026, 11, 30), END, has_ended=False)
    assert [approval.has_ended for approval in ending(checks, END, 7, AUCKLAND)] == [True, False]


def test_the_end_of_the_day_is_that_of_the_monitors_time_zone(tmp_path: Path) -> None:
    estate = loaded(
        tmp_path,
        """monitor: {name: south, timezone: Pacific/Auckland}
default_route: {channels: []}
nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    orthanc: {url: http://10.0.0.1:8042}
    checks:
      dicom_store: {enabled_by: change 4711, until: 2026-11-30, cleanup: orthanc}
""",
    )
    (check,) = estate.checks.values()
    assert check.until == END


@pytest.mark.parametrize(("left", "runs"), [(21.5, True), (20.5, False), (0.0, False), (-3600.0, False)])
async def test_it_ends_by_itself_and_no_run_begins_that_may_last_beyond_it(left: float, runs: bool) -> None:
    clock = SettableClock()
    runner = Runner(clock, NumericResolver())
    clock.set_by((END - clock.now()) / SECOND - left)
    outcome = (await runner.run_once(STORE, {})).outcome
    runner.close()
    assert (outcome is OK) is runs
    assert outcome.reason is (None if runs else Reason.NOT_CONFIGURED)
